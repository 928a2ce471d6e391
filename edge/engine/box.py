"""The model that comes with the repository: where it is, and that it is the very file its manifest speaks of. Other models are `resolve`'s."""

from __future__ import annotations

import re
from pathlib import Path

import edge
from edge.engine.file import sha256_of
from edge.errors import ModelError

NAME = "plaza"
FOLDER = Path(edge.__file__).parents[1] / "models"
"""Beside the package in a checkout; an installed package has none, as the model is under another licence."""
SCORES = {"high_score": 0.35, "new_score": 0.45}
"""Of `TrackOptions`, for its boxes: the narrow network gives lamps and trees 0.3 for long and 0.4 for a moment, and a track that began so stays."""


def box_is_there(folder: Path | None = None) -> bool:
    """Whether there is a model in the box; in an installed package there is none."""
    return _path(folder or FOLDER).is_file()


def model_in_the_box(folder: Path | None = None) -> Path:
    """The ONNX file of the model in the box. ModelError, one sentence: it is not here, or is not the file of the manifest."""
    folder = folder or FOLDER
    path, manifest = _path(folder), folder / "manifest.toml"
    if not path.is_file():
        raise ModelError(
            "no model is in the box: it comes with the repository, not with the installed package; give one, as in model=yolo11n.onnx"
            " (`pip install ultralytics` and `yolo export model=yolo11n.pt format=onnx` make it, on any computer)"
        )
    wanted = _digest(manifest)
    found = sha256_of(path)
    if found != wanted:
        raise ModelError(
            f"{path} is not the file that {manifest.name} speaks of: it was changed or cut on its way (its SHA-256 is {found[:12]}…,"
            f" wanted {wanted[:12]}…, {path.stat().st_size} bytes); `git checkout {path.parent.name}/{path.name}` brings it back"
        )
    return path


def _path(folder: Path) -> Path:
    return folder / f"{NAME}.onnx"


def _digest(manifest: Path) -> str:
    """The SHA-256 that the manifest's entry of the model names. Python 3.10 reads no TOML; one line of our own file is read without."""
    try:
        text = manifest.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{manifest} cannot be read ({error.strerror or error}), so the model beside it cannot be trusted") from error
    for entry in text.split("[[model]]")[1:]:
        if re.search(rf'^name\s*=\s*"{NAME}"\s*$', entry, re.MULTILINE):
            found = re.search(r'^sha256\s*=\s*"([0-9a-f]{64})"\s*$', entry, re.MULTILINE)
            if found:
                return found[1]
    raise ModelError(
        f"{manifest} names no SHA-256 of {NAME}, so the model beside it cannot be trusted; bring the file back from the repository"
    )
