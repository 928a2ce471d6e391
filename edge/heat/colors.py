"""OpenCV's 22 colour maps: their names, every usual spelling of them, and their table. Nothing is painted here."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import files

import numpy as np

from edge.data import U8

COLORMAPS = (
    "autumn", "bone", "jet", "winter", "rainbow", "ocean", "summer", "spring", "cool", "hsv", "pink", "hot",
    "parula", "magma", "inferno", "plasma", "viridis", "cividis", "twilight", "twilight_shifted", "turbo", "deepgreen",
)  # fmt: skip
"""Name of each colour map, in the order of OpenCV's constants."""


def colormap_number(spelling: str | int) -> int:
    """The number 0..21 of a colour map written as ``inferno``, ``COLORMAP_INFERNO``, ``cv2.COLORMAP_INFERNO``, ``cv::COLORMAP_INFERNO``, ``14`` or 14.

    Raises ValueError, naming the nearest map, for anything else.
    """
    text = str(spelling).strip().lower()
    for prefix in ("cv2.", "cv::", "cv."):
        text = text.removeprefix(prefix)
    text = text.removeprefix("colormap_")
    if text in COLORMAPS:
        return COLORMAPS.index(text)
    if text.isdecimal() and int(text) < len(COLORMAPS):
        return int(text)
    near = difflib.get_close_matches(text, COLORMAPS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(COLORMAPS)}, or its number 0 to {len(COLORMAPS) - 1}"
    raise ValueError(f"there is no colour map {spelling!r}; {hint}")


@cache
def colormap_table() -> U8:
    """(22, 256, 3) uint8, BGR, read-only; made by scripts/make_colormaps.py from OpenCV itself."""
    with (files("edge.heat") / "colormaps.npy").open("rb") as file:
        table: U8 = np.load(file)
    table.flags.writeable = False
    return table
