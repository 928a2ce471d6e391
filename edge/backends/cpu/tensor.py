"""A network's input in host memory: pictures letterboxed into it, in the layout that YOLO models take. Where they lie is `edge.detect`'s geometry."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge.data import F32, U8, Frame, Size
from edge.detect import Letterbox
from edge.detect.letterbox import GREY


class InputTensor:
    """Room for `rows` pictures, used again and again: (rows, 3, H, W) float32, RGB in 0..1."""

    def __init__(self, network: Size, rows: int) -> None:
        self._network = network
        self._canvas = np.full((network.height, network.width, 3), GREY, np.uint8)
        self._tensor: F32 = np.zeros((rows, 3, network.height, network.width), np.float32)

    def fill(self, frames: Sequence[Frame]) -> tuple[F32, list[Letterbox]]:
        """The whole tensor with the frames in its first rows, and where each lies; what further rows held before, they still hold."""
        boxes = [Letterbox.fit(frame.stamp.size, self._network) for frame in frames]
        for row, (frame, box) in enumerate(zip(frames, boxes, strict=True)):
            self._letterbox(self._tensor[row], frame.bgr, box)
        return self._tensor, boxes

    def _letterbox(self, planes: F32, bgr: U8, box: Letterbox) -> None:
        canvas = self._canvas
        inner = canvas[box.top : box.top + box.inner.height, box.left : box.left + box.inner.width]
        if box.inner != self._network:
            canvas[:] = GREY
        if box.inner == box.picture:
            inner[:] = bgr
        else:
            cv2.resize(bgr, (box.inner.width, box.inner.height), dst=inner, interpolation=cv2.INTER_LINEAR)
        for channel, plane in enumerate(cv2.split(canvas)):
            np.multiply(plane, np.float32(1 / 255), out=planes[2 - channel])
