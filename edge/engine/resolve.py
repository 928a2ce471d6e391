"""Which model file a name means: a sibling, one from the cache, or one made now. How one is made is `export`'s and `builder`'s."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from edge.data import Size
from edge.engine.builder import reshape
from edge.engine.export import export_onnx
from edge.engine.file import sha256_of
from edge.errors import ModelError

log = logging.getLogger(__name__)

_COPIED_TOGETHER_S = 60.0
"""Dates of files that were copied together differ by as much, and say nothing of which was made of which."""


def resolve_model(name: str, *, cache: Path | None = None) -> Path:
    """The ONNX that `name` means, made if it must be.

    ``a.onnx`` is itself. ``yolo11n``, ``yolo11n.pt`` and ``folder/custom.pt`` are the .onnx beside them, else the one in `cache` (of the very
    bytes of the .pt, or of the name where no .pt is there), else one that Ultralytics makes into the cache.
    Raises ModelError, in one sentence that says what to do. What an ``.engine`` is to be, `cache.resolve_engine` tells.
    """
    path = Path(name)
    if path.suffix == ".onnx":
        if not path.is_file():
            raise ModelError(f"there is no model file {name}; `edge build {path.stem}.pt --format onnx` makes one of a YOLO11's weights")
        return path
    weights = weights_of(name)
    beside = weights.with_suffix(".onnx")
    if beside.is_file():
        if weights.is_file() and weights.stat().st_mtime > beside.stat().st_mtime + _COPIED_TOGETHER_S:
            log.warning("%s is older than %s, and is used all the same; `edge build %s` makes it anew", beside, weights, weights)
        return beside
    cached = (cache or cache_folder()) / f"{_key(weights)}.onnx"
    if not cached.is_file():
        export_onnx(weights, cached)
    return cached


def model_for(onnx: Path, size: Size) -> Path:
    """The same network for a CPU and pictures of `size`, which are smaller than its own: the one in the cache, else one that is made into it.

    ModelError says why it cannot be had.
    """
    made = cache_folder() / f"{_key(onnx)}-{size}-cpu.onnx"
    if not made.is_file():
        reshape(onnx, made, size, for_cpu=True)
    return made


def weights_of(name: str) -> Path:
    """The .pt that `name` means, whether or not it is there. ModelError where it can mean none."""
    path = Path(name)
    if path.suffix == ".pt":
        return path
    if path.suffix == ".engine":
        raise ModelError(f"{name} is a TensorRT engine, which runs on its GPU only; give the .onnx or the .pt that it was made of")
    if not path.name or path.suffix:
        raise ModelError(f"{name!r} is no model; give the path of a YOLO11 .onnx or .pt, or a name such as yolo11n")
    return path.with_suffix(".pt")


def cache_folder() -> Path:
    """Where made models are kept: EDGE_CACHE, else ``~/.cache/edge/models``."""
    named = os.environ.get("EDGE_CACHE")
    if named:
        return Path(named)
    try:
        return Path.home() / ".cache" / "edge" / "models"
    except RuntimeError:  # a service's user without a home
        raise ModelError("there is no home for a cache of models; set EDGE_CACHE to a folder, or give the path of a YOLO11 .onnx") from None


def kernels_folder() -> Path:
    """Where the GPU's compiled kernels are kept: beside the folder of made models."""
    return cache_folder().parent / "kernels"


def _key(weights: Path) -> str:
    if not weights.is_file():
        return weights.stem
    return f"{weights.stem}-{sha256_of(weights)[:16]}"
