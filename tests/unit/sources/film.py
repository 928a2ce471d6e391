"""Small videos for tests, each picture with its own number on it, made by PyAV. No test lives here."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

BITS = 10


def numbered(number: int, *, width: int = 320, height: int = 240) -> Any:
    """A picture (H, W, 3) with `number` as black and white columns, readable through any codec."""
    picture = np.full((height, width, 3), 90, np.uint8)
    for bit in range(BITS):
        picture[:, bit * width // BITS : (bit + 1) * width // BITS] = 235 if number >> bit & 1 else 20
    return picture


def number_on(picture: Any) -> int:
    """The number that `numbered` put on it."""
    width, row = picture.shape[1], picture[picture.shape[0] // 2, :, 1]
    return sum(1 << bit for bit in range(BITS) if row[(2 * bit + 1) * width // (2 * BITS)] > 128)


def make_film(
    path: Path,
    *,
    count: int = 40,
    fps: int = 10,
    codec: str = "libx264",
    size: tuple[int, int] = (320, 240),
    pts: list[int] | None = None,
    metadata: dict[str, str] | None = None,
    movflags: str = "faststart",
) -> Path:
    """Write `count` numbered pictures to `path`, in the container its name says; `pts` in frames, where they are not 0, 1, 2..."""
    with av.open(str(path), "w", options={"movflags": movflags} if path.suffix == ".mp4" else {}) as container:
        container.metadata.update(metadata or {})
        stream: Any = container.add_stream(codec, rate=fps, options={"g": "12"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number, width=size[0], height=size[1]), format="bgr24")
            frame.pts, frame.time_base = pts[number] if pts else number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
