"""What the package needs to run, each with its reason, its floor and its licence. Nothing is installed or looked up here."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata, requires, version

import pytest

from tests.conftest import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WHY = {
    "av": "decodes and writes video with FFmpeg inside the wheel; a frame carries its own time",
    "lap": "the assignment problem of the tracker, at 200 people a frame too",
    "numpy": "every array",
    "onnx": "a network for the shape of the cameras' pictures, an engine in float16 or int8; only ever imported in a process of its own",
    "onnxruntime": "the network on a CPU",
    "opencv-python": "resizing, drawing, JPEG; the headless build is the same library and may take its place",
    "paho-mqtt": "MQTT 3.1.1 and 5 with TLS",
    "pydantic": "the configuration, its errors with paths, its JSON Schema",
    "pyyaml": "the file that a user writes",
    "rich": "progress and tables where a person looks",
    "shapely": "says why a polygon is none, when a configuration is loaded",
}
FREE = re.compile(r"\b(MIT|BSD|0BSD|Apache|PSF|Python Software Foundation|ISC|Zlib|LGPL|MPL|EPL-2\.0 OR BSD|CC0)\b", re.IGNORECASE)
COPYLEFT = re.compile(r"\b(AGPL|GPL)(?!.*exception)", re.IGNORECASE)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    return re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def installed(name: str) -> str:
    """The distribution that provides `name` here."""
    try:
        version(name)
    except PackageNotFoundError:
        if name == "opencv-python":
            return "opencv-python-headless"
        raise
    return name


def everything() -> list[str]:
    """The run time dependencies and what they need in turn, extras and other systems left out."""
    todo, found = [name_of(line) for line in PROJECT["dependencies"]], {}
    while todo:
        name = todo.pop()
        if name in found:
            continue
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            continue  # another Python's or another system's need
        todo += [name_of(line) for line in requires(found[name]) or [] if "extra ==" not in line]
    return sorted(found.values())


def licence(name: str) -> str:
    about = metadata(name)
    classifiers = [line.rpartition("::")[2].strip() for line in about.get_all("Classifier") or [] if line.startswith("License")]
    return about.get("License-Expression") or " ".join(classifiers) or (about.get("License") or "").strip().partition("\n")[0]


def test_every_dependency_has_a_reason_and_every_reason_a_dependency() -> None:
    assert {name_of(line) for line in PROJECT["dependencies"]} == set(WHY)


def test_every_dependency_has_a_floor_and_none_a_ceiling() -> None:
    for line in PROJECT["dependencies"]:
        assert re.fullmatch(r"[A-Za-z-]+>=[\d.]+", line), line


@pytest.mark.parametrize("name", everything())
def test_what_runs_is_free_to_be_used_in_any_product(name: str) -> None:
    said = licence(name)
    assert FREE.search(said), f"{name} says {said!r} of its licence"
    assert not COPYLEFT.search(said.replace("LGPL", "")), f"{name} says {said!r} of its licence"


def test_what_is_not_free_for_every_use_is_an_extra_of_its_own() -> None:
    extras = PROJECT["optional-dependencies"]
    # Ultralytics asks for onnxslim only when it exports, and would install it by itself in the middle of that.
    assert sorted(name_of(line) for line in extras["export"]) == ["onnxslim", "ultralytics"]
    assert all("ultralytics" not in line for extra, lines in extras.items() if extra != "export" for line in lines)
