"""GStreamer as Python reaches it: the one place that imports `gi`. Pipelines are read in `gstreamer`, and written in `pipelines`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from edge.errors import SourceError
from edge.sources.pipelines import HARDWARE

_COMPATIBLE = Path("/proc/device-tree/compatible")


class Library(NamedTuple):
    """The modules of GStreamer, initialised."""

    glib: Any
    gst: Any
    video: Any


@cache
def library() -> Library:
    """GStreamer, loaded at the first call. SourceError says how it comes to be reached from Python."""
    try:
        import gi

        for name in ("Gst", "GstApp", "GstVideo"):
            gi.require_version(name, "1.0")
        from gi.repository import GLib, Gst, GstApp, GstVideo  # noqa: F401  GstApp gives appsink its methods

        Gst.init(None)
    except (ImportError, ValueError) as error:
        raise SourceError(
            f"GStreamer is not reached from Python ({error}); sudo apt-get install python3-gi gir1.2-gst-plugins-base-1.0,"
            " and use an environment made with --system-site-packages"
        ) from error
    return Library(GLib, Gst, GstVideo)


def present(names: Iterable[str]) -> frozenset[str]:
    """Those of these elements that are installed. SourceError where there is no GStreamer."""
    find = library().gst.ElementFactory.find
    return frozenset(name for name in names if find(name) is not None)


@cache
def decodes_in_hardware() -> bool:
    """Whether GStreamer is here and decodes by a Jetson's own decoder. On another machine GStreamer is not even loaded to know."""
    try:
        return b"nvidia,tegra" in _COMPATIBLE.read_bytes() and present(HARDWARE) == HARDWARE
    except (OSError, SourceError):
        return False
