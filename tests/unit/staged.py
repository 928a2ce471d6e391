"""A stage for one camera's pipeline: people as boxes in time, and what the pipeline makes of them. No expectation lives here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.data import Detections, Event, Result, Size, Stamp
from edge.heat import grid_size
from edge.pipeline import Pipeline, PipelineOptions

S = 1_000_000_000
REFERENCE = Size(1280, 720)
WIDTH, HEIGHT = 40.0, 100.0  # of a person, so that the default band is 10 px

Person = Callable[[float], tuple[float, ...] | None]
"""Where the feet are at a time in seconds, (x, y) or (x, y, score); None out of sight."""


def boxes(
    *feet: tuple[float, ...] | None, size: Size = REFERENCE, width: float = WIDTH, height: float = HEIGHT, class_id: int = 0
) -> Detections:
    """Detections of people whose feet are at (x, y) or (x, y, score) of the reference picture, in pixels of a picture of `size`."""
    rows = np.array([(*foot, 0.9)[:3] for foot in feet if foot is not None], np.float64).reshape(-1, 3)
    x, y, score = rows.T
    scale = np.tile([size.width / REFERENCE.width, size.height / REFERENCE.height], 2)
    xyxy = np.stack([x - width / 2, y - height, x + width / 2, y], axis=1) * scale
    return Detections(xyxy, score, np.full(len(rows), class_id))


def walker(start: tuple[float, float], speed: tuple[float, float], *, score: float = 0.9) -> Person:
    """Somebody who is at `start` at 0 s and walks at `speed` px a second."""
    return lambda t_s: (start[0] + speed[0] * t_s, start[1] + speed[1] * t_s, score)


def through(*stations: tuple[float, float, float]) -> Person:
    """Somebody who is at (t_s, x, y), goes straight from each to the next, and is not there before the first or after the last."""
    t, x, y = np.array(stations, np.float64).T
    return lambda now: (float(np.interp(now, t, x)), float(np.interp(now, t, y))) if t[0] <= now <= t[-1] else None


@dataclass
class Camera:
    """A pipeline and all that it has said."""

    options: PipelineOptions
    fps: float = 30.0
    pipeline: Pipeline = None  # type: ignore[assignment]
    index: int = 0
    events: list[Event] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.options, REFERENCE)
        self.grid = np.zeros(np.prod(grid_size(REFERENCE, self.options.heat.cell)), np.int64)

    @property
    def now_s(self) -> float:
        return self.index / self.fps

    def see(self, detections: Detections, *, size: Size = REFERENCE, t_ns: int | None = None) -> Result:
        stamp = Stamp("a", self.index, round(self.now_s * S) if t_ns is None else t_ns, size)
        result = self.pipeline.step(stamp, detections)
        self.index += 1
        self.events += result.events
        self.results.append(result)
        np.add.at(self.grid, result.warmth.cell, result.warmth.us)
        return result

    def watch(self, people: Sequence[Person], seconds: float, *, size: Size = REFERENCE) -> Camera:
        """See `people` for so long; their times go on from where the camera is."""
        for _ in range(round(seconds * self.fps)):
            self.see(boxes(*(person(self.now_s) for person in people), size=size), size=size)
        return self

    def told(self, place: str | None = None) -> Counter[str]:
        """How often each verb was said (of one place)."""
        return Counter(event.verb for event in self.events if place in (None, event.place))

    @property
    def ids(self) -> set[int]:
        return {int(i) for result in self.results for i in result.tracks.id}


def held(state: dict[str, np.ndarray]) -> int:
    """Bytes of a pipeline's memory."""
    return sum(array.nbytes for array in state.values())


def same(a: Iterable[Result], b: Iterable[Result]) -> None:
    """Two runs found out the same, bit for bit."""
    for p, q in zip(a, b, strict=True):
        assert p.events == q.events
        for name in ("id", "xyxy", "score", "class_id", "row", "ended"):
            np.testing.assert_array_equal(getattr(p.tracks, name), getattr(q.tracks, name))
        for name in ("cell", "us", "class_id"):
            np.testing.assert_array_equal(getattr(p.warmth, name), getattr(q.warmth, name))
