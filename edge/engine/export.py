"""An ONNX made of a .pt by an interpreter that has Ultralytics. Which file a name means is `resolve`'s; what runs over there is `ultralytics_job`."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edge.engine.options import ExportOptions
from edge.errors import ModelError

log = logging.getLogger(__name__)

_JOB = Path(__file__).parent / "ultralytics_job.py"
_KINDS = {"segment": "segmentation", "classify": "classification", "pose": "pose", "obb": "oriented-box"}


def exporter() -> Path | None:
    """An interpreter with Ultralytics: the one that EDGE_EXPORT_PYTHON names, else this one if it has the `export` extra."""
    named = os.environ.get("EDGE_EXPORT_PYTHON")
    if named:
        return Path(named)
    return Path(sys.executable) if find_spec("ultralytics") else None


def export_onnx(weights: Path, out: Path, options: ExportOptions | None = None) -> None:
    """Make `out` of `weights`, whole or not at all; Ultralytics' own progress goes to stderr.

    `weights` that is no file, only a name (``yolo11n.pt``), is left to Ultralytics, which downloads its own models.
    Raises ModelError: no interpreter can do it (says which command changes that), it is no detection model, or the export failed.
    """
    options = options or ExportOptions()
    if not weights.is_file() and weights.name != str(weights):
        raise ModelError(f"there is no model file {weights}; give the path of a YOLO11 .pt or .onnx")
    python = exporter()
    if python is None:
        raise ModelError(
            f"there is no ONNX of {weights}, and making one needs Ultralytics: `pip install 'edge-heatmap[export]'`, then `edge build {weights}`"
            " (or set EDGE_EXPORT_PYTHON to a Python that has it)"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # Beside its place, so that the last step is a rename.
        with tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as name:
            folder = Path(name)
            if weights.is_file():
                shutil.copyfile(weights, folder / weights.name)  # Ultralytics writes beside the weights, where we may not
            log.info("making an ONNX of %s with %s; this takes a minute", weights, python)
            made = _export(python, folder, weights, options)
            shutil.copyfile(made, folder / "whole.onnx")
            os.replace(folder / "whole.onnx", out)
    except OSError as error:
        raise ModelError(
            f"{out} cannot be written ({error.strerror}); give another file with -o, or another cache with EDGE_CACHE"
        ) from error
    log.info("made %s", out)


def _export(python: Path, folder: Path, weights: Path, options: ExportOptions) -> Path:
    """What Ultralytics made in `folder`."""
    width, height = options.imgsz
    job = json.dumps({"weights": weights.name, "width": width, "height": height, "free_batch": options.free_batch})
    # Nothing is installed behind anybody's back: what is missing is said.
    environment = {**os.environ, "YOLO_AUTOINSTALL": "false"}
    python = python.absolute() if len(python.parts) > 1 else python
    try:
        done = subprocess.run(
            [str(python), str(_JOB), job],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ModelError(f"{python} cannot be run ({error.strerror}); set EDGE_EXPORT_PYTHON to a Python that has Ultralytics") from error
    answer = _answer(done.stdout)
    if "task" in answer:
        kind = _KINDS.get(answer["task"], answer["task"])
        raise ModelError(
            f"{weights} is a {kind} model, and what is counted here are boxes; give a YOLO11 detection model such as yolo11n.pt"
        )
    if "No module named 'ultralytics" in answer.get("error", ""):
        raise ModelError(
            f"{python} has no Ultralytics: `{python} -m pip install 'ultralytics>=8.3' onnx onnxslim`, then `edge build {weights}`"
        )
    if "made" not in answer or not Path(answer["made"]).is_file():
        why = answer.get("error") or f"it ended with code {done.returncode}"
        if not (folder / weights.name).is_file():
            raise ModelError(f"{weights} is not here, and Ultralytics ({python}) could not get it: {why}")
        raise ModelError(f"{weights} could not be exported by {python}: {why}")
    return Path(answer["made"])


def _answer(stdout: str) -> dict[str, Any]:
    try:
        answer = json.loads(stdout)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
