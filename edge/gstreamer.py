"""GStreamer as Python reaches it, loaded once, whoever needs it first: the one place that imports `gi` into a service. No pipeline is made here.

Cameras and recorders use it from threads of their own, and PyGObject is not made to be loaded by two threads at a time: one of them is handed a
half-made module. Hence one lock for all, below the rooms that use it.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any, NamedTuple

INSTALL = "sudo apt-get install python3-gi gir1.2-gst-plugins-base-1.0, and use an environment made with --system-site-packages"
"""How it comes to be there."""

_loading = threading.Lock()


class Library(NamedTuple):
    """The modules of GStreamer, initialised, by their own names."""

    GLib: Any
    GObject: Any
    Gst: Any
    GstApp: Any
    GstVideo: Any


def load() -> Library:
    """GStreamer, loaded at the first call. ImportError where Python does not reach it, or not all of it."""
    with _loading:
        return _load()


@cache
def _load() -> Library:
    try:
        import gi

        for name in ("Gst", "GstApp", "GstVideo"):
            gi.require_version(name, "1.0")
        from gi.repository import GLib, GObject, Gst, GstApp, GstVideo
    except ValueError as error:  # a module of which there is no typelib
        raise ImportError(str(error)) from error
    Gst.init(None)
    return Library(GLib, GObject, Gst, GstApp, GstVideo)
