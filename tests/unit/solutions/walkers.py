"""A detector that looks at no pixels: what it sees in each frame is given. A helper of this folder's tests; no test lives here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

import numpy as np

from edge.data import Detections, Frame

W, H = 320, 240
BLANK = np.full((H, W, 3), 90, np.uint8)
Box = tuple[float, float, float, float]


class Walkers:
    """`places(second)` gives (feet x, feet y, class id) of each person then; boxes are 20 x 50 px above the feet, one on the picture's clock."""

    def __init__(
        self, places: Callable[[float], Sequence[tuple[float, float, int]]], names: tuple[str, ...] = ("person", "bicycle", "car")
    ) -> None:
        self._places, self.names, self.batch = places, names, 1
        self.stamps_ns: list[int] = []
        self.closed = False

    def __enter__(self) -> Walkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closed = True

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        found = []
        for frame in frames:
            self.stamps_ns.append(frame.stamp.t_ns)
            there = self._places(frame.stamp.t_ns * 1e-9)
            boxes = np.array([(x - 10, y - 50, x + 10, y) for x, y, _ in there], np.float32).reshape(-1, 4)
            ids = np.array([class_id for _, _, class_id in there], np.int16)
            found.append(Detections(boxes, np.full(len(there), 0.9, np.float32), ids))
        return found


def across(*, there_and_back: bool = False, class_id: int = 0) -> Callable[[float], list[tuple[float, float, int]]]:
    """Somebody walks from the left edge to the right at 60 px a second along y = 150, and back when they shall."""

    def places(second: float) -> list[tuple[float, float, int]]:
        x = 30 + 60 * second
        if there_and_back and second > 4:
            x = 30 + 60 * (8 - second)
        return [(x, 150.0, class_id)]

    return places


def nobody(_: float) -> list[tuple[float, float, int]]:
    return []
