"""Pictures as bytes that fit a message, and back. What is on them, and where they go, is not decided here."""

from __future__ import annotations

from typing import Literal, get_args

import cv2
import numpy as np

from edge.data import U8
from edge.errors import UsageError

PictureFormat = Literal["jpeg", "png", "webp"]

# From "nobody sees a difference" to "still tells what it shows"; below, fewer pixels look better than fewer bits.
_BEST, _WORST = 85, 40
_STEPS = 3  # of bisection: ends within 6 of the best quality that fits
_LEAST_PX = 16  # of the longer side
_QUALITY = {"jpeg": cv2.IMWRITE_JPEG_QUALITY, "webp": cv2.IMWRITE_WEBP_QUALITY}


def encode(picture: U8, *, max_bytes: int, format: PictureFormat = "jpeg") -> tuple[bytes, str]:
    """`picture` (H, W, 3) BGR or (H, W) grey as at most `max_bytes` bytes, and their content type.

    Quality goes down first, then both sides are halved. A picture that fits at once is encoded once. PNG has no quality and only shrinks.
    UsageError: an unknown format, or a budget that not even a picture of 16 to 31 px meets.
    """
    if format not in get_args(PictureFormat):
        raise UsageError(f"a picture's format {format!r} is unknown; write one of {', '.join(get_args(PictureFormat))}")
    shrunk = picture
    while True:
        data = _best_quality(shrunk, max_bytes, format)
        if len(data) <= max_bytes:
            return data, f"image/{format}"
        height, width = shrunk.shape[:2]
        if max(height, width) < 2 * _LEAST_PX:
            raise UsageError(
                f"max_bytes {max_bytes} is too little for a picture: {width}x{height} as {format} takes {len(data)}; allow more"
            )
        shrunk = cv2.resize(shrunk, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)


def not_wider(picture: U8, max_width: int) -> U8:
    """`picture` (H, W, 3) itself, or, where it is wider than `max_width` px, scaled down to that width."""
    height, width = picture.shape[:2]
    if width <= max_width:
        return picture
    out: U8 = cv2.resize(picture, (max_width, max(1, round(height * max_width / width))), interpolation=cv2.INTER_AREA)
    return out


def decode(data: bytes) -> U8:
    """The picture (H, W, 3) BGR in `data`. UsageError when it holds none."""
    picture: U8 | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        raise UsageError(f"{len(data)} bytes hold no picture; JPEG, PNG or WebP is wanted")
    return picture


def _best_quality(picture: U8, max_bytes: int, format: PictureFormat) -> bytes:
    """The best that fits; the smallest there is when nothing does."""
    if format == "png":
        return _encoded(picture, format, None)
    data = _encoded(picture, format, _BEST)
    if len(data) <= max_bytes:
        return data
    fits = _encoded(picture, format, _WORST)
    if len(fits) > max_bytes:
        return fits
    low, high = _WORST, _BEST
    for _ in range(_STEPS):
        middle = (low + high) // 2
        data = _encoded(picture, format, middle)
        if len(data) <= max_bytes:
            low, fits = middle, data
        else:
            high = middle
    return fits


def _encoded(picture: U8, format: PictureFormat, quality: int | None) -> bytes:
    settings = [] if quality is None else [_QUALITY[format], quality]
    done, data = cv2.imencode(f".{format}", picture, settings)
    if not done:
        raise UsageError(f"a picture of shape {picture.shape} cannot be encoded as {format}")
    return bytes(data)
