"""What a camera's threads note as they work: counts and times. What is made of it, and when, is `health`'s.

A note costs less than a microsecond and takes no lock: each number has one thread that writes it, and a deque takes from one end while it is read.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from edge.health import Recording, Spread

_KEPT = 600
"""Times kept for one interval: all of ten seconds at 60 frames a second, the newest of more."""


class Times:
    """How long something took, of one interval."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_KEPT)

    def note(self, seconds: float) -> None:
        self._seconds.append(seconds)

    def spread(self) -> Spread | None:
        """Of what was noted since the last call; None where nothing was."""
        taken = [self._seconds.popleft() for _ in range(len(self._seconds))]
        if not taken:
            return None
        p50, p95, p99 = (round(float(value) * 1e3, 3) for value in np.percentile(taken, (50, 95, 99)))
        return Spread(p50_ms=p50, p95_ms=p95, p99_ms=p99)


class CameraGauges:
    """One camera's. Totals grow for the life of the process; times are of the interval since they were last read.

    `frames_seen` are those that the accelerator looked at; `ages` how old live frames were when the work on them ended, `published_ages` when
    what was counted on them was committed and handed to whoever publishes.
    """

    def __init__(self) -> None:
        self.state = "starting"
        self.frames_in = 0
        self.frames_seen = 0
        self.frames_processed = 0
        self.opened = 0
        self.ages = Times()
        self.published_ages = Times()
        self._unpublished: deque[float] = deque(maxlen=_KEPT)
        self.stages: defaultdict[str, Times] = defaultdict(Times)
        self.drops: dict[str, Callable[[], int]] = {}
        self.recording: Callable[[], Recording | None] = lambda: None

    def worked(self, age_s: float) -> None:
        """The work on a live frame is done, `age_s` after it was taken; what was counted on it waits for the next commit."""
        self.ages.note(age_s)
        self._unpublished.append(time.monotonic() - age_s)

    def published(self) -> None:
        """All that was worked on is committed, and who publishes has been told. Called by the thread that calls `worked`."""
        now_s = time.monotonic()
        for taken_s in self._unpublished:
            self.published_ages.note(now_s - taken_s)
        self._unpublished.clear()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        began_s = time.monotonic()
        yield
        self.stages[stage].note(time.monotonic() - began_s)
