"""How pictures on the device are told to letterbox.cu: one record each. The geometry is `edge.detect`'s, the pixels are the kernel's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.backends.cuda.upload import Picture
from edge.detect import Letterbox

PICTURE = np.dtype(
    [
        (name, "<u8" if name == "pixels" else "<i4")
        for name in ["pixels", "pitch", "width", "height", "left", "top", "inner_width", "inner_height"]
    ],
    align=True,
)
"""`Picture` of letterbox.cu, 40 bytes."""


def packed(pictures: Sequence[Picture], boxes: Sequence[Letterbox]) -> NDArray[Any]:
    """Records (N,) of PICTURE: where each picture is, and where in the tensor it goes."""
    records = np.empty(len(pictures), PICTURE)
    for row, (picture, box) in enumerate(zip(pictures, boxes, strict=True)):
        width, height = picture.size
        records[row] = (picture.memory.address, 3 * width, width, height, box.left, box.top, box.inner.width, box.inner.height)
    return records
