"""How a picture is fitted into a network's input: scaled with its shape kept, centred, the rest grey. Geometry only; resizing is the back-end's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge.data import F32, Size

GREY = 114
"""The level YOLO models were trained to see around a picture."""

_STRIDE = 32
"""Pixels of a network's picture that its coarsest grid takes for one cell: each side is a multiple of it."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a `picture` lies in a `network` input: scaled to `inner`, its top left corner at (`left`, `top`)."""

    picture: Size
    network: Size
    inner: Size
    left: int
    top: int

    @staticmethod
    def fit(picture: Size, network: Size) -> Letterbox:
        """The largest centred copy of a picture in a network's input. Odd rests go to the right and below."""
        scale = min(network.width / picture.width, network.height / picture.height)
        inner = Size(max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        left, top = (network.width - inner.width) // 2, (network.height - inner.height) // 2
        return Letterbox(picture, network, inner, left, top)

    def to_picture(self, xyxy: F32) -> F32:
        """Boxes (N, 4) in network pixels -> picture pixels, clipped to the picture."""
        scale = np.array([self.picture.width / self.inner.width, self.picture.height / self.inner.height] * 2, np.float32)
        boxes = (xyxy - np.array([self.left, self.top] * 2, np.float32)) * scale
        limit = np.array([self.picture.width, self.picture.height] * 2, np.float32)
        clipped: F32 = np.clip(boxes, 0, limit)
        return clipped


def least_network(pictures: Iterable[Size], most: Size) -> Size:
    """The smallest network input that holds every picture as large as `most` does, and a little of the grey round it: the rest is left out.

    Of 640x640 a camera of 1920x1080 needs 640x384, three fifths of the work at the same scale. Half a
    stride of grey is kept in all, as in Ultralytics' validation (``pad=0.5``); what that did to counts and heat is in `edge/bench/DESIGN.md`.
    """
    inner = [Letterbox.fit(picture, most).inner for picture in pictures]

    def side(px: int, most_px: int) -> int:
        return min(_STRIDE * -(-(px + _STRIDE // 2) // _STRIDE), most_px)

    return Size(side(max(one.width for one in inner), most.width), side(max(one.height for one in inner), most.height))
