"""models/manifest.toml: whole for every model that is spoken of, and true of every file that is here."""

from __future__ import annotations

import hashlib
import re
import sys
from typing import Any

import pytest

from tests.conftest import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MODELS: list[dict[str, Any]] = tomllib.loads((ROOT / "models" / "manifest.toml").read_text())["model"]
BY_NAME = {model["name"]: model for model in MODELS}


@pytest.mark.parametrize("name", BY_NAME)
def test_an_entry_is_whole(name: str) -> None:
    model = BY_NAME[name]
    assert {"name", "file", "bytes", "sha256", "classes", "imgsz", "licence", "source", "how"} <= set(model)
    assert re.fullmatch(r"[0-9a-f]{64}", model["sha256"])
    assert model["bytes"] > 1_000_000
    assert len(model["imgsz"]) == 2
    assert all(side % 32 == 0 for side in model["imgsz"])


def test_all_five_sizes_of_yolo11_are_there_once() -> None:
    assert len(BY_NAME) == len(MODELS)
    assert {f"yolo11{size}" for size in "nsmlx"} <= set(BY_NAME)


@pytest.mark.parametrize("name", [name for name, model in BY_NAME.items() if (ROOT / "models" / model["file"]).is_file()])
def test_a_file_that_is_here_is_the_one_of_the_manifest(name: str) -> None:
    model = BY_NAME[name]
    data = (ROOT / "models" / model["file"]).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (model["bytes"], model["sha256"])


def test_no_weights_of_yolo11_are_in_the_repository() -> None:
    assert not list((ROOT / "models").glob("yolo11*.pt"))


def test_a_file_of_the_same_name_that_is_another_is_not_taken_for_the_published_one(shared: Any) -> None:
    """The rebuilt yolo11n.pt that tests use beside the repository is not the published file."""
    assert hashlib.sha256((shared / "models" / "yolo11n.pt").read_bytes()).hexdigest() != BY_NAME["yolo11n"]["sha256"]
