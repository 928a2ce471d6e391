"""How a picture is fitted into a network's input: scaled with its shape kept, centred, the rest grey. Geometry only; resizing is the back-end's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.data import F32, Size

GREY = 114
"""The level YOLO models were trained to see around a picture."""


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
