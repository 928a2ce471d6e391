"""A source, a detector, a ledger and the parts of a camera that a test scripts. No test lives here."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from edge.books import BookOptions, Books
from edge.change import Change, Checkpoint
from edge.count.tally import SEEN, Tally
from edge.data import Detections, Frame, Size, Stamp
from edge.errors import DiskFull
from edge.pipeline import Pipeline, PipelineOptions
from edge.ports import SourceFacts
from edge.runtime import CameraParts, MediaTimeline
from edge.runtime.session import SessionParts

SIZE = Size(64, 48)
STEP_NS = 100_000_000


class Picture:
    """A leased picture that knows whether it was given back."""

    def __init__(self) -> None:
        self.bgr = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)
        self.closed = False

    def close(self) -> None:
        self.closed = True


def frame_of(index: int, camera: str = "door") -> Frame:
    return Frame(Stamp(camera, index, index * STEP_NS, SIZE), Picture())


class FakeSource:
    """Frames `start` up to `count`; `then` is called behind the last: it may raise, wait, or return for the end."""

    def __init__(self, start: int, count: int, *, live: bool, then: Callable[[], None] = lambda: None, key: str = "key") -> None:
        self.start, self.count, self.then = start, count, then
        self.facts = SourceFacts(SIZE, 10.0, live=live, frames=None if live else count, key=key)
        self.given: list[Frame] = []

    def __enter__(self) -> FakeSource:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.start, self.count):
            self.given.append(frame_of(index))
            yield self.given[-1]
        self.then()


class SteadySource(FakeSource):
    """A live one that gives a frame every hundredth of a second until `over`."""

    def __init__(self, start: int, over: threading.Event) -> None:
        super().__init__(start, start, live=True)
        self._over = over

    def __iter__(self) -> Iterator[Frame]:
        for index in itertools.count(self.start):
            if self._over.wait(0.01):
                return
            yield frame_of(index)


class FakeDetector:
    """Sees nothing; remembers what it was asked, and does `on_batch(frames)` first."""

    names = ("person",)

    def __init__(self, batch: int = 1, on_batch: Callable[[Sequence[Frame]], None] = lambda _: None) -> None:
        self.batch, self._on_batch = batch, on_batch
        self.batches: list[list[str]] = []
        self.threads: set[str] = set()

    def __enter__(self) -> FakeDetector:
        self.threads.add(threading.current_thread().name)
        return self

    def __exit__(self, *_: object) -> None:
        self.threads.add(threading.current_thread().name)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        self.threads.add(threading.current_thread().name)
        self.batches.append([frame.stamp.camera for frame in frames])
        self._on_batch(frames)
        return [Detections.empty() for _ in frames]


class Ledger:
    """Commits, in memory; full while `full` is set."""

    def __init__(self) -> None:
        self.full = False
        self.checkpoints: list[Checkpoint] = []
        self.totals: Tally = Tally()

    def commit(self, change: Change) -> None:
        if self.full:
            raise DiskFull("the disk of edge.db is full; free some space")
        for window in change.windows.values():
            self.totals.update(window.tally)
        if change.checkpoint is not None:
            self.checkpoints.append(change.checkpoint)

    @property
    def seen_s(self) -> float:
        return self.totals[SEEN] * 1e-6


class Camera:
    """Everything a loop needs; what it said and committed is kept here."""

    def __init__(
        self,
        open: Callable[[int], Any],
        *,
        live: bool,
        may_be_live: bool = False,
        must_open: bool = False,
        resume: Checkpoint | None = None,
        max_pause_s: float = 0.01,
        viewer: Any = None,
    ) -> None:
        self.ledger, self.states, self.began = Ledger(), [], []
        self.opened: list[int] = []
        self._open, self._viewer = open, viewer
        self.parts = CameraParts(
            name="door", live=live, may_be_live=may_be_live, must_open=must_open, open=self._opened, begin=self._begin, resume=resume, last_seen_utc_ns=None,
            say_state=lambda state: self.states.append((state.name, state.why, state.gap_s)), max_pause_s=max_pause_s,
        )  # fmt: skip

    def _opened(self, start: int) -> Any:
        self.opened.append(start)
        return self._open(start)

    def _begin(self, facts: SourceFacts, size: Size, point: Checkpoint | None) -> SessionParts:
        self.began.append(point)
        timeline = MediaTimeline("m", 0)
        books = Books(
            BookOptions(), device="shop", camera="door", boot_id="m", timeline=timeline, class_names=("person",), cells=48, epochs={},
            totals=Tally(), resume=point,
        )  # fmt: skip
        pipeline = Pipeline(PipelineOptions(), size)
        return SessionParts(
            pipeline=pipeline,
            books=books,
            digest="d",
            source_key=facts.key,
            ledger=self.ledger,
            wake=lambda: None,
            commit_s=0.02,
            viewer=self._viewer,
        )
