"""A network that finds the bright rectangle of its input, so that what the detector does around a network is seen from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.backends.cpu import detector as cpu
from edge.backends.cpu.detector import OnnxDetector
from edge.data import Frame, HostPixels, Size, Stamp
from edge.detect import DetectOptions

NAMES = {0: "person", 1: "dog"}


class StandIn:
    """A network that sees one bright rectangle a picture, as `person` of 0.9, and never a dog."""

    def __init__(self, shape: Sequence[int | None], *, layout: str = "raw", half: bool = False, names: str | None = str(NAMES)) -> None:
        self.inputs, self.input_shape = 1, tuple(shape)
        self.output_shape = (shape[0], 6, 10) if layout == "raw" else (shape[0], 10, 6)
        self.metadata = {} if names is None else {"names": names}
        self._layout, self.half = layout, half
        self.tensors: list[np.ndarray] = []

    def run(self, tensor: np.ndarray) -> np.ndarray:
        assert tensor.dtype == (np.float16 if self.half else np.float32)
        self.tensors.append(tensor.copy())
        output = np.zeros((len(tensor), 6, 10), np.float32)
        for row, picture in enumerate(tensor):
            ys, xs = np.nonzero(picture[1] > 0.8)
            if not len(xs):
                continue
            x1, y1, x2, y2 = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
            if self._layout == "raw":
                output[row, :, 3] = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 0.9, 0.05)
            else:
                output[row, :, 0] = (x1, y1, x2, y2, 0.9, 0)
        return output if self._layout == "raw" else output.transpose(0, 2, 1)


def stand_in(
    monkeypatch: pytest.MonkeyPatch, shape: Sequence[int | None], *, options: DetectOptions | None = None, **how: Any
) -> tuple[OnnxDetector, StandIn]:
    session = StandIn(shape, **how)
    monkeypatch.setattr(cpu, "Network", lambda *_: session)
    return OnnxDetector(Path("stand-in.onnx"), options or DetectOptions()), session


def frame(size: Size, box: tuple[int, int, int, int] | None, index: int = 0, camera: str = "a") -> Frame:
    """A dark picture with one bright rectangle."""
    picture = np.full((size.height, size.width, 3), 20, np.uint8)
    if box is not None:
        x1, y1, x2, y2 = box
        picture[y1:y2, x1:x2] = 250
    return Frame(Stamp(camera, index, index * 40_000_000, size), HostPixels(picture))
