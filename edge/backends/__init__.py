"""Where detection and painting are done: `cpu` (ONNX Runtime and OpenCV); twins of it come beside it. Neither knows the other.

Here one is chosen; its vendor is imported in the branch that needs it, so that importing this package loads none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from edge.detect import DetectOptions
from edge.ports import Detector

Backend = Literal["auto", "cpu"]


def detector_of(model: Path, options: DetectOptions, *, backend: Backend = "auto", class_names: Sequence[str] = ()) -> Detector:
    """A detector over a model file, not entered yet; `class_names` are the classes that are wanted, all if none is named."""
    match backend:
        case "auto" | "cpu":
            from edge.backends.cpu.detector import OnnxDetector

            return OnnxDetector(model, options, class_names=class_names)
