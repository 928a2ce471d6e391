"""The file in which a running device says that its work advances, for whoever can ask no service manager: a container's health check.

Whether work advances is the watchdog's to know, and what systemd is told is `notify`'s. The file that EDGE_HEARTBEAT names lies best in memory
(tmpfs): it is written every few seconds, and is worth nothing after a start. Its times are those of CLOCK_MONOTONIC, which all processes of one
kernel share, so a clock that is set makes nobody look dead.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from edge.app.warming import SILENT_S
from edge.beat import VARIABLE, Beat, born
from edge.engine import Progress
from edge.runtime.watchdog import Watchdog

log = logging.getLogger(__name__)

EVERY_S = 5.0
"""Between two beats."""
PATIENCE_S = 30.0
"""How long a beat is good for, and how long a camera may owe work."""
_STARTING_S = 300.0
"""How long a start may be silent: stores, brokers, engines of some hundred MB are opened."""


class Heartbeat:
    """Beats into a file; nowhere, where `path` is None. Called by one thread."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._beaten_s: float | None = None
        self._silent = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Heartbeat:
        told = os.environ if environment is None else environment
        return cls(Path(told[VARIABLE]) if told.get(VARIABLE) else None)

    def starting(self) -> None:
        """All parts are about to be opened."""
        self._beat(_STARTING_S, "starting")

    def warming(self, progress: Progress) -> None:
        """An engine is being built, which is no failure."""
        self._beat(SILENT_S, f"{progress.what or 'building'}: {100 * progress.share:.0f} %")

    def tick(self, now_s: float, watchdog: Watchdog) -> None:
        """A few times a second: beat, if it is time."""
        if self._path is None or (self._beaten_s is not None and now_s - self._beaten_s < EVERY_S):
            return
        self._beaten_s = now_s
        states = [gauges.state for gauges in watchdog.cameras.values()]
        counted = sum(gauges.frames_processed for gauges in watchdog.cameras.values())
        says = f"{states.count('live')} of {len(states)} cameras live, {counted} frames counted on"
        self._beat(PATIENCE_S, says, watchdog.stuck(PATIENCE_S))

    def _beat(self, good_for_s: float, says: str, stuck: str = "") -> None:
        if self._path is None:
            return
        beat = Beat(os.getpid(), born(os.getpid()) or 0, time.monotonic() + good_for_s, says, stuck)
        made = None
        try:
            with tempfile.NamedTemporaryFile("w", dir=self._path.parent, prefix=f".{self._path.name}-", delete=False) as file:
                made = Path(file.name)
                json.dump(asdict(beat), file)
            os.replace(file.name, self._path)  # others read all of it
        except OSError as error:
            if made is not None:
                made.unlink(missing_ok=True)  # a full disk lets a file be made, and nothing be written into it
            if not self._silent:
                log.warning(
                    "%s cannot be written (%s): a health check finds no heartbeat; name a file in %s", self._path, error.strerror, VARIABLE
                )
            self._silent = True
