"""The pictures that set the ranges of an int8 network, letterboxed into one file. Where they come from, and what is done with them, is elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from edge.data import U8, Size
from edge.detect import Letterbox
from edge.detect.letterbox import GREY
from edge.errors import UsageError

LEAST_PICTURES = 300
"""Fewer give ranges that the next day leaves. With eight, a YOLO11n loses half of its accuracy."""


def gather(pictures: Iterable[U8], network: Size, out: Path, *, most: int = 500) -> int:
    """Write the first `most` different pictures (H, W, 3) BGR to `out`, one behind the other, (H, W, 3) uint8 RGB of the network's size; returns their number.

    UsageError: there are fewer than LEAST_PICTURES. OSError: they cannot be written.
    """
    seen: set[bytes] = set()
    with out.open("wb") as file:
        for picture in pictures:
            digest = hashlib.sha256(picture.tobytes()).digest()
            if digest in seen:
                continue  # a frozen camera, or the same video given twice, tells nothing new
            seen.add(digest)
            file.write(letterboxed(picture, network)[..., ::-1].tobytes())
            if len(seen) == most:
                break
    if len(seen) < LEAST_PICTURES:
        raise UsageError(
            f"the videos have {len(seen)} different pictures for calibration, and int8 needs {LEAST_PICTURES};"
            " give longer ones of this site's cameras"
        )
    return len(seen)


def letterboxed(picture: U8, network: Size) -> U8:
    """A picture (H, W, 3) as the CPU's detector shows it to the network: fitted into its size, grey around."""
    import cv2

    box = Letterbox.fit(Size(picture.shape[1], picture.shape[0]), network)
    canvas = np.full((network.height, network.width, 3), GREY, np.uint8)
    inner = cv2.resize(picture, (box.inner.width, box.inner.height), interpolation=cv2.INTER_LINEAR)
    canvas[box.top : box.top + box.inner.height, box.left : box.left + box.inner.width] = inner
    return canvas
