"""Who hears how far the building of an engine is while a device starts: the log, its `status`, and whoever watches. Nothing is built here."""

from __future__ import annotations

import logging
import time

from edge.engine import OnProgress, Progress
from edge.engine.builder import PATIENCE_S

log = logging.getLogger(__name__)

SILENT_S = PATIENCE_S + 60
"""How long nothing may be heard of it: a builder that hangs is ended before, and said to have been, by who waits for it."""
_SAY_EVERY_S = 2.0
_LOG_EVERY_S = 30.0


class Warming:
    """A progress callback that passes on what it hears, to each listener as often as it can use it."""

    def __init__(self, say: OnProgress, watch: OnProgress | None = None) -> None:
        """`say` is for others and far away, every few seconds; `watch` for a person at a terminal: every time, and then the log is silent."""
        self._say, self._watch = say, watch
        self._said_s: float | None = None
        self._logged_s: float | None = None

    @property
    def began(self) -> bool:
        """Whether there was anything to wait for."""
        return self._said_s is not None

    def __call__(self, progress: Progress) -> None:
        now_s = time.monotonic()
        if self._said_s is None or now_s - self._said_s >= _SAY_EVERY_S:
            self._said_s = now_s
            self._say(progress)
        if self._watch is not None:
            self._watch(progress)
        elif self._logged_s is None or now_s - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = now_s
            left = "" if progress.left_s is None else f", about {progress.left_s:.0f} s left"
            log.info("%s: %.0f %%%s", progress.what or "Building", 100 * progress.share, left)
