"""Sights written by hand, for tests of the counters. No expectation lives here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edge.count import Lines, Zones
from edge.data import Event, Sights

S = 1_000_000_000
HEIGHT = 100.0  # of every box, so that the default band is 10 px


def sights(t_ns: int, *rows: tuple[float, ...], sure: bool = True, class_id: int = 0, height: float = HEIGHT) -> Sights:
    """Tracks of rows (id, x, y) at one moment."""
    rows = tuple(sorted(rows))
    n = len(rows)
    point = np.array([row[1:] for row in rows], np.float64).reshape(n, 2)
    return Sights([row[0] for row in rows], [t_ns] * n, point, [height / 2] * n, [height] * n, [sure] * n, [class_id] * n)


def walk(
    counter: Lines | Zones, path: Iterable[tuple[float, float]], *, track: int = 1, step_ns: int = S, start_ns: int = 0
) -> list[Event]:
    """What a counter says of a track that stands at each point of `path`, one `step_ns` after the other."""
    events: list[Event] = []
    for k, (x, y) in enumerate(path):
        t_ns = start_ns + k * step_ns
        events += counter.count(sights(t_ns, (track, float(x), float(y))), t_ns)
    return events


def verbs(events: Iterable[Event]) -> list[str]:
    return [event.verb for event in events]
