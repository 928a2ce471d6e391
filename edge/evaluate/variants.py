"""Worse recordings of one annotated video: fewer frames, missed boxes, shaking boxes, poles. How they are measured is `score`'s.

Tracking is a chain of near ties: one box that moves by a pixel can swap two people and shift IDF1 by hundredths. So a change is judged by what
it does to the mean of many variants, beside how much they scatter, and not by one clip as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.data import Detections, Stamp
from edge.evaluate.report import Report

if TYPE_CHECKING:
    from rich.table import Table

Seen = tuple[Stamp, Detections]

_POLES = (((0.3, 0.6), 0.05), ((0.2, 0.5, 0.8), 0.06))
"""Where poles stand and how wide they are, as shares of the picture's width."""


_MEASURES: dict[str, Callable[[Report], float]] = {
    "mota": lambda one: one.mota,
    "idf1": lambda one: one.idf1,
    "id_switches": lambda one: one.id_switches,
    "count_error": lambda one: one.count_error,
    "event_f1": lambda one: one.event_f1,
    "heat_correlation": lambda one: list(one.heat_correlation.values())[-1],
}
"""By their names in `Report.as_json`; the heat's is that of the largest blur."""


@dataclass(frozen=True, slots=True)
class Mean:
    """Of one measure over all variants, and its standard error."""

    mean: float
    error: float


@dataclass(frozen=True, slots=True)
class Means:
    """The product measured on many recordings; told as a `Report` is."""

    recordings: int
    measures: Mapping[str, Mean]

    @classmethod
    def of(cls, reports: Sequence[Report]) -> Means:
        values = {name: np.array([measure(one) for one in reports], np.float64) for name, measure in _MEASURES.items()}
        return cls(len(reports), {name: Mean(float(v.mean()), float(v.std() / sqrt(len(v)))) for name, v in values.items()})

    def as_json(self) -> dict[str, Any]:
        """The means as JSON values; its keys are an interface."""
        return {name: asdict(one) for name, one in self.measures.items()}

    def tables(self) -> tuple[Table, ...]:
        """The same for a person at a terminal."""
        from rich.table import Table

        table = Table("measure", f"mean of {self.recordings}", "standard error")
        for name, one in self.measures.items():
            table.add_row(name.replace("_", " "), f"{one.mean:.4f}", f"{one.error:.4f}")
        return (table,)


def variants(seen: Sequence[Seen]) -> Iterator[tuple[str, Sequence[Seen]]]:
    """Each variant's name and what is seen in it, from all that is seen; the first is the recording as it is. They follow from it alone."""
    yield "as it is", seen
    yield "every second frame", seen[::2]
    yield "every other second frame", seen[1::2]
    yield "every third frame", seen[::3]
    for part, seeds in ((0.15, range(10, 14)), (0.3, range(20, 23))):
        for seed in seeds:
            yield f"{part:.0%} of the boxes missed ({seed})", _missed(seen, part, np.random.default_rng(seed))
    for seed in range(30, 33):
        rng = np.random.default_rng(seed)
        yield f"30% of the frames lost ({seed})", [one for one in seen if rng.random() >= 0.3]
    for seed in range(40, 46):
        rng = np.random.default_rng(seed)
        yield f"shaking boxes ({seed})", [(stamp, _shaken(found, rng)) for stamp, found in _missed(seen, 0.03, rng)]
    for places, width in _POLES:
        yield f"{len(places)} poles", [(stamp, _behind(found, stamp.size.width, places, width)) for stamp, found in seen]


def _missed(seen: Sequence[Seen], part: float, rng: np.random.Generator) -> list[Seen]:
    return [(stamp, found[rng.random(len(found)) >= part]) for stamp, found in seen]


def _shaken(found: Detections, rng: np.random.Generator) -> Detections:
    """Each edge off by a hundredth of the height (standard deviation)."""
    height = (found.xyxy[:, 3] - found.xyxy[:, 1])[:, None]
    xyxy = found.xyxy + rng.normal(0, 0.01, (len(found), 4)) * height
    return Detections(xyxy.astype(np.float32), found.score, found.class_id)


def _behind(found: Detections, width: int, places: Sequence[float], pole: float) -> Detections:
    """Without the boxes of which a pole covers half the width."""
    keep = np.ones(len(found), np.bool_)
    wide = found.xyxy[:, 2] - found.xyxy[:, 0]
    for x in places:
        low, high = (x - pole / 2) * width, (x + pole / 2) * width
        keep &= np.minimum(found.xyxy[:, 2], high) - np.maximum(found.xyxy[:, 0], low) < wide / 2
    return found[keep]
