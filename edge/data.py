"""The values that flow from camera to message, and the one place where conventions are written. No behaviour lives here.

Conventions, held everywhere:

* Pixels: x to the right, y down, the origin at the outer corner of the top left pixel.
* Boxes: ``xyxy``, float32, corners ``(x1, y1, x2, y2)`` with ``x2 > x1`` and ``y2 > y1``.
* Pictures: ``(H, W, 3)`` uint8, BGR.
* Time: ``t_ns``, integer nanoseconds on the timeline of the camera (monotonic within a boot; a file's own media time).
  Only the runtime's clock knows how a timeline maps to UTC.
* Identities: a track's ``id`` is a positive integer, unique for its camera in the life of its store. What has no identity is not a track.
* Structures of arrays: one array a property, all of one length, checked when made, read-only afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
I16 = NDArray[np.int16]
U8 = NDArray[np.uint8]
Bools = NDArray[np.bool_]


class Size(NamedTuple):
    """Width and height in pixels (or in cells, for a grid)."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which frame this is: all that the reasoning may know of a picture."""

    camera: str
    index: int
    t_ns: int
    size: Size


class Pixels(Protocol):
    """A leased picture; who holds it may look at `bgr` until `close`. Other memories (a GPU's) are other implementations."""

    @property
    def bgr(self) -> U8:
        """(H, W, 3) uint8 in host memory."""

    def close(self) -> None:
        """Give the lease back. Closing twice is harmless."""


@dataclass(frozen=True, slots=True)
class HostPixels:
    """A picture in host memory; nothing has to be given back."""

    bgr: U8

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Frame:
    """A stamp and its leased picture; a context manager that gives the lease back."""

    stamp: Stamp
    pixels: Pixels

    @property
    def bgr(self) -> U8:
        return self.pixels.bgr

    def close(self) -> None:
        self.pixels.close()

    def __enter__(self) -> Frame:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _column(values: object, dtype: type, name: str, rows: int, width: int | None = None) -> NDArray[Any]:
    """`values` as a read-only array of `dtype` shaped (rows,) or (rows, width); ValueError names the column that is not."""
    array: NDArray[Any] = np.asarray(values, dtype=dtype)
    wanted = (rows,) if width is None else (rows, width)
    if array.shape != wanted:
        if array.size == 0 and rows == 0:
            return _column(array.reshape(wanted), dtype, name, rows, width)
        raise ValueError(f"{name} has shape {array.shape}, wanted {wanted}")
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def _rows(values: object) -> int:
    return len(values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a detector saw in one frame: ``xyxy (N, 4) f32`` px of the frame, ``score (N,) f32`` in 0..1, ``class_id (N,) i16``."""

    xyxy: F32
    score: F32
    class_id: I16

    def __post_init__(self) -> None:
        n = _rows(self.score)
        object.__setattr__(self, "xyxy", _column(self.xyxy, np.float32, "xyxy", n, 4))
        object.__setattr__(self, "score", _column(self.score, np.float32, "score", n))
        object.__setattr__(self, "class_id", _column(self.class_id, np.int16, "class_id", n))

    @staticmethod
    def empty() -> Detections:
        return Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int16))

    def __len__(self) -> int:
        return len(self.score)

    def __getitem__(self, rows: NDArray[Any]) -> Detections:
        """The detections at `rows` (a mask or an array of indices)."""
        return Detections(self.xyxy[rows], self.score[rows], self.class_id[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Backlog:
    """Earlier sights of tracks confirmed in this frame: ``id (K,) i64``, ``t_ns (K,) i64``, ``xyxy (K, 4) f32``; sorted by id, then by time."""

    id: I64
    t_ns: I64
    xyxy: F32

    def __post_init__(self) -> None:
        n = _rows(self.id)
        object.__setattr__(self, "id", _column(self.id, np.int64, "id", n))
        object.__setattr__(self, "t_ns", _column(self.t_ns, np.int64, "t_ns", n))
        object.__setattr__(self, "xyxy", _column(self.xyxy, np.float32, "xyxy", n, 4))

    @staticmethod
    def empty() -> Backlog:
        return Backlog(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 4), np.float32))

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """The confirmed tracks that are in sight in one frame, each with an id.

    ``id (N,) i64`` ascending, ``xyxy (N, 4) f32``, ``score (N,) f32``, ``class_id (N,) i16``, ``row (N,) i32``: the row of the detection it came from.
    `backlog` holds what was seen of the newly confirmed before they were; `ended` are ids that never come again.
    """

    id: I64
    xyxy: F32
    score: F32
    class_id: I16
    row: I32
    backlog: Backlog
    ended: I64

    def __post_init__(self) -> None:
        n = _rows(self.id)
        object.__setattr__(self, "id", _column(self.id, np.int64, "id", n))
        object.__setattr__(self, "xyxy", _column(self.xyxy, np.float32, "xyxy", n, 4))
        object.__setattr__(self, "score", _column(self.score, np.float32, "score", n))
        object.__setattr__(self, "class_id", _column(self.class_id, np.int16, "class_id", n))
        object.__setattr__(self, "row", _column(self.row, np.int32, "row", n))
        object.__setattr__(self, "ended", _column(self.ended, np.int64, "ended", _rows(self.ended)))

    @staticmethod
    def empty(ended: I64 | None = None) -> Tracks:
        none = np.empty(0, np.int64)
        return Tracks(
            none,
            np.empty((0, 4), np.float32),
            np.empty(0, np.float32),
            np.empty(0, np.int16),
            np.empty(0, np.int32),
            Backlog.empty(),
            none if ended is None else ended,
        )

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """Where tracks stood, as counters read it: one row a track, each with its own time.

    ``id (N,) i64`` ascending and unique, ``t_ns (N,) i64``, ``point (N, 2) f64`` (the anchor, feet by default, in reference pixels),
    ``width, height (N,) f64`` of the box, ``sure (N,) bool`` (false where the feet are cut by the picture's border), ``class_id (N,) i16``.
    """

    id: I64
    t_ns: I64
    point: NDArray[np.float64]
    width: NDArray[np.float64]
    height: NDArray[np.float64]
    sure: Bools
    class_id: I16

    def __post_init__(self) -> None:
        n = _rows(self.id)
        object.__setattr__(self, "id", _column(self.id, np.int64, "id", n))
        object.__setattr__(self, "t_ns", _column(self.t_ns, np.int64, "t_ns", n))
        object.__setattr__(self, "point", _column(self.point, np.float64, "point", n, 2))
        object.__setattr__(self, "width", _column(self.width, np.float64, "width", n))
        object.__setattr__(self, "height", _column(self.height, np.float64, "height", n))
        object.__setattr__(self, "sure", _column(self.sure, np.bool_, "sure", n))
        object.__setattr__(self, "class_id", _column(self.class_id, np.int16, "class_id", n))

    def __len__(self) -> int:
        return len(self.id)


LineVerb = Literal["in", "out"]
ZoneVerb = Literal["entered", "exited", "appeared", "vanished"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was counted, for good: no event is ever corrected.

    `place` names the line or zone; `t_ns` is when it happened (interpolated), `t_counted_ns` when it was known;
    `point` is where, in reference pixels; `dwell_ns` how long the track had been inside, for `exited` and `vanished`.
    """

    kind: Literal["line", "zone"]
    place: str
    verb: LineVerb | ZoneVerb
    track: int
    class_id: int
    t_ns: int
    t_counted_ns: int
    point: tuple[float, float]
    dwell_ns: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Warmth:
    """Presence that one step adds to the heat grid: ``cell (K,) i32`` (flat index), ``us (K,) i64`` microseconds, ``class_id (K,) i16``."""

    cell: I32
    us: I64
    class_id: I16

    def __post_init__(self) -> None:
        n = _rows(self.cell)
        object.__setattr__(self, "cell", _column(self.cell, np.int32, "cell", n))
        object.__setattr__(self, "us", _column(self.us, np.int64, "us", n))
        object.__setattr__(self, "class_id", _column(self.class_id, np.int16, "class_id", n))

    @staticmethod
    def empty() -> Warmth:
        return Warmth(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int16))

    def __len__(self) -> int:
        return len(self.cell)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """All that one step of a camera's pipeline found out. Boxes of `tracks` are in reference pixels."""

    stamp: Stamp
    tracks: Tracks
    events: tuple[Event, ...]
    warmth: Warmth

    @staticmethod
    def nothing_but(stamp: Stamp, events: tuple[Event, ...]) -> Result:
        """A result that holds only events: what the end of a stream makes known."""
        return Result(stamp, Tracks.empty(), events, Warmth.empty())


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be published: `topic` below the device's own (given whole behind a `/`), the frozen `payload`, and how."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    content_type: str = "application/json"
    expiry_s: int | None = None  # like what follows, with MQTT 5 only, and not through the outbox
    correlation: bytes | None = None
