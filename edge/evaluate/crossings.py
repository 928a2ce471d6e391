"""Who really crossed which line, from annotated tracks. It shares no code with the counter, whose oracle it is.

The rule, one object and one line at a time: the feet are the bottom centre of the box; a side is clear when the feet are farther from the
line than a tenth of the box's height; a crossing is a change of clear side whose path since the last clear side meets the segment.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.data import LineVerb
from edge.evaluate.truth import Annotation, TruthLine

BAND = 0.1
"""Of the box's height: how far from a line its sides begin to be clear."""

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crossing:
    """An object's feet passed a line; `frame` says when, interpolated between frames (which count from 1)."""

    line: str
    verb: LineVerb
    object: int
    frame: float


def true_crossings(annotation: Annotation, lines: Mapping[str, TruthLine]) -> list[Crossing]:
    """The crossings of `lines` by the annotated objects, in order of their time."""
    found = []
    for track in np.unique(annotation.id):
        rows = annotation.id == track
        for name, line in lines.items():
            found += [Crossing(name, verb, int(track), frame) for verb, frame in _walk(annotation.frame[rows], annotation.xyxy[rows], line)]
    return sorted(found, key=lambda crossing: (crossing.frame, crossing.line, crossing.object))


def _walk(frame: NDArray[np.int64], xyxy: F64, line: TruthLine) -> list[tuple[LineVerb, float]]:
    """The crossings of one line by one object, whose boxes (N, 4) are in order of their frames (N,)."""
    start, end = np.array(line.start), np.array(line.end)
    feet = np.column_stack([(xyxy[:, 0] + xyxy[:, 2]) / 2, xyxy[:, 3]])
    height = xyxy[:, 3] - xyxy[:, 1]
    right = _cross(end - start, feet - start) / np.hypot(*(end - start))  # px to the right hand of the walker from start to end
    clear = np.flatnonzero(np.abs(right) > BAND * height)
    crossings: list[tuple[LineVerb, float]] = []
    for before, after in itertools.pairwise(clear):
        if right[before] * right[after] > 0:
            continue
        met = _meetings(feet[before : after + 1], start, end)
        if len(met):
            crossings.append(("in" if right[after] > 0 else "out", float(np.interp(before + met[-1], np.arange(len(frame)), frame))))
    return crossings


def _meetings(path: F64, start: F64, end: F64) -> F64:
    """Where a path of points (N, 2) meets the segment, in steps from its first point, in order -> (K,)."""
    step, along, to = np.diff(path, axis=0), end - start, start - path[:-1]
    turn = _cross(step, along)
    moves = turn != 0  # a step along the line never meets it
    turn = np.where(moves, turn, 1.0)
    of_step, of_line = _cross(to, along) / turn, _cross(to, step) / turn
    meets = moves & (of_step >= 0) & (of_step <= 1) & (of_line >= 0) & (of_line <= 1)
    return np.asarray(np.flatnonzero(meets) + of_step[meets])


def _cross(a: F64, b: F64) -> F64:
    """The third component of the cross product of vectors in the plane, (..., 2) and (..., 2) -> (...)."""
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
