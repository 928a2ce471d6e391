"""The seams of the house, on one screen: what the inside asks of hardware, files and networks. No implementation lives here.

Each port is a context manager: nothing is held that leaving it does not give back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from edge.change import Change
from edge.data import U8, Detections, Frame, Message, Size, Stamp, Warmth
from edge.shapes import Overlay


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What an opened source says of itself. `live` sources lose what is not read in time; others wait and can be resumed.

    `frames` is how many will come in all, where that is known; `start_utc_ns` the wall time of `t_ns == 0` for a file;
    `key` names the very content of a file (path, size, date), so that a resume never continues another one.
    """

    size: Size
    fps: float
    live: bool
    frames: int | None = None
    start_utc_ns: int | None = None
    key: str = ""


class Source(AbstractContextManager["Source"], Protocol):
    """Frames of one camera in order. The end of the stream is the iterator's end; silence raises SourceTimeout, trouble SourceError."""

    @property
    def facts(self) -> SourceFacts: ...

    def __iter__(self) -> Iterator[Frame]: ...


class Detector(AbstractContextManager["Detector"], Protocol):
    """Boxes in frames of several cameras, in one call."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each class id."""

    @property
    def batch(self) -> int:
        """How many frames one call works on best."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame, boxes in the frame's own pixels."""


class Painter(AbstractContextManager["Painter"], Protocol):
    """The picture of one camera, with its live heat: an accumulation buffer with decay, the view of what `warm` was told."""

    def warm(self, stamp: Stamp, warmth: Warmth) -> None: ...

    def paint(self, frame: Frame, overlay: Overlay) -> U8:
        """The frame with live heat and the overlay's shapes on it, (H, W, 3) BGR; the frame's own pixels stay untouched."""


class Recorder(AbstractContextManager["Recorder"], Protocol):
    """Pictures of one camera onto disk."""

    @property
    def recorded(self) -> tuple[Path, ...]:
        """The files written so far, oldest first."""

    def record(self, stamp: Stamp, picture: U8, *, shrink: int = 1) -> None:
        """Keep a picture (H, W, 3) BGR, its sides divided by `shrink`. RecorderError says why it cannot be."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A file of recorded video: `pictures` of one size, the first at `t0_ns` of `timeline`, the last at `t1_ns`.

    It is `open` while it is written, and `cut` where a kill or the disk ended it: it plays up to `t1_ns` all the same.
    """

    path: Path
    timeline: str
    t0_ns: int
    t1_ns: int
    pictures: int
    bytes: int
    size: Size
    codec: str
    state: Literal["open", "closed", "cut"]
    utc0_ns: int | None = None
    """UTC of `t0_ns`, told by who is asked for clips; None where the clock was never right."""


class VideoIndex(Protocol):
    """Which video of one camera is on the disk, for whoever looks for a span."""

    def clips(self) -> list[Clip]:
        """All of them, in order of their paths."""

    def keep(self, clip: Clip) -> None:
        """A clip as it is now, new or known by its path."""

    def moved(self, path: Path, to: Path) -> None: ...

    def forget(self, paths: Sequence[Path]) -> None:
        """These files are gone, whichever camera's they were."""


class Timeline(Protocol):
    """Where a camera's t_ns is counted from, and how it maps to UTC at this moment."""

    @property
    def id(self) -> str: ...

    def utc_ns(self, t_ns: int) -> int | None:
        """UTC of a moment; None while the clock was never right."""

    def window(self, t_ns: int) -> tuple[int, int]:
        """The store's window (t0_ns, t1_ns) that a moment belongs to: a minute of UTC, cut where the clock stepped."""


class Ledger(Protocol):
    """Where a camera's changes go: all of one, or nothing of it."""

    def commit(self, change: Change) -> None: ...


@dataclass(frozen=True, slots=True)
class Queued:
    """A message in the outbox under its sequence number."""

    seq: int
    message: Message


class Outbox(Protocol):
    """What is to be delivered, in order, and must survive a kill."""

    def pending(self, after_seq: int, limit: int) -> list[Queued]:
        """The oldest messages behind `after_seq` that nobody has acknowledged."""

    def delivered(self, seqs: Sequence[int]) -> None:
        """The broker has these; they may be forgotten."""

    def last_values(self) -> list[Message]:
        """The retained value of each topic that has one, to be said again on every connect."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message from the broker on its whole `topic`. `retained`: it was there before we asked; `reply_to`, `correlation`: MQTT 5's, if given."""

    topic: str
    payload: bytes
    retained: bool = False
    reply_to: str = ""
    correlation: bytes | None = None


class Publisher(AbstractContextManager["Publisher"], Protocol):
    """Takes what the outbox holds to whoever subscribes. Never makes a camera wait."""

    def wake(self) -> None:
        """There is something new in the outbox."""

    def drain(self, timeout_s: float) -> bool:
        """Wait until the outbox is empty and acknowledged; False when the time was not enough."""

    def say(self, message: Message) -> None:
        """A remark in passing: sent at QoS 0 if somebody listens now, else forgotten."""

    def reply(self, message: Message, timeout_s: float = 10.0) -> bool:
        """An answer: sent in order at its QoS, before the outbox; waits while many do. False when there is no connection, or the time is over."""
