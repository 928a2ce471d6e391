"""What GStreamer has here: its elements, a Jetson's decoder. Pipelines are read in `gstreamer`, and written in `pipelines`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from edge.gstreamer import load
from edge.sources.pipelines import HARDWARE

_COMPATIBLE = Path("/proc/device-tree/compatible")


def present(names: Iterable[str]) -> frozenset[str]:
    """Those of these elements that are installed. ImportError where Python does not reach GStreamer."""
    find = load().Gst.ElementFactory.find
    return frozenset(name for name in names if find(name) is not None)


@cache
def decodes_in_hardware() -> bool:
    """Whether GStreamer is here and decodes by a Jetson's own decoder. On another machine GStreamer is not even loaded to know."""
    try:
        return b"nvidia,tegra" in _COMPATIBLE.read_bytes() and present(HARDWARE) == HARDWARE
    except (OSError, ImportError):
        return False
