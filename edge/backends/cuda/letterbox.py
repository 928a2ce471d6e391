"""How letterbox.cu is told of pictures: the table it reads, one row a picture. Where a picture lies in a network's input is `edge.detect`'s."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.detect import Letterbox

PICTURE = np.dtype(
    [
        ("pixels", np.uint64),
        *((name, np.int32) for name in ("pitch", "width", "height", "left", "top", "inner_width", "inner_height")),
        ("step_x", np.float32),
        ("step_y", np.float32),
    ],
    align=True,
)
"""`struct Picture` of letterbox.cu: the address of BGR bytes on the device, bytes from row to row, and the letterbox."""

BLOCK = (32, 8, 1)


def describe(row: NDArray[Any], address: int, letterbox: Letterbox, *, pitch: int | None = None) -> None:
    """Write a picture into `row`, one element of an array of `PICTURE`; `pitch` is that of rows without gaps if it is None."""
    row["pixels"] = address
    row["pitch"] = 3 * letterbox.picture.width if pitch is None else pitch
    row["width"], row["height"] = letterbox.picture
    row["left"], row["top"] = letterbox.left, letterbox.top
    row["inner_width"], row["inner_height"] = letterbox.inner
    row["step_x"] = letterbox.picture.width / letterbox.inner.width
    row["step_y"] = letterbox.picture.height / letterbox.inner.height
