"""The model in the box: found, refused when it is not the manifest's file, and missed in a sentence. Running it is the back-ends' business."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edge.engine.box import NAME, box_is_there, model_in_the_box
from edge.errors import ModelError

BYTES = bytes(range(256)) * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A box whose model is no network, but the very file of its manifest, among entries of others."""
    (tmp_path / f"{NAME}.onnx").write_bytes(BYTES)
    other = f'[[model]]\nname = "other"\nsha256 = "{"0" * 64}"\n'
    (tmp_path / "manifest.toml").write_text(
        f'# of {NAME} and others\n{other}[[model]]\nname = "{NAME}"\nsha256 = "{hashlib.sha256(BYTES).hexdigest()}"\n{other}'
    )
    return tmp_path


def test_the_file_of_the_manifest_is_taken(folder: Path) -> None:
    assert box_is_there(folder)
    assert model_in_the_box(folder) == folder / f"{NAME}.onnx"


@pytest.mark.parametrize("data", [BYTES[:-1], BYTES[:100], b"", BYTES[:-1] + b"x", BYTES + b"x"])
def test_a_changed_or_cut_file_is_refused(folder: Path, data: bytes) -> None:
    (folder / f"{NAME}.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"is not the file that manifest.toml speaks of: it was changed or cut .*git checkout"):
        model_in_the_box(folder)


def test_no_file_is_a_sentence_that_says_how_to_get_one(tmp_path: Path) -> None:
    assert not box_is_there(tmp_path)
    with pytest.raises(ModelError, match=r"comes with the repository, .*yolo export"):
        model_in_the_box(tmp_path)


def test_without_its_digest_a_model_is_not_trusted(folder: Path) -> None:
    manifest = folder / "manifest.toml"
    manifest.write_text(manifest.read_text().replace(NAME, "another"))
    with pytest.raises(ModelError, match="names no SHA-256"):
        model_in_the_box(folder)
    manifest.unlink()
    with pytest.raises(ModelError, match="cannot be trusted"):
        model_in_the_box(folder)
