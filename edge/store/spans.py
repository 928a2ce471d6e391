"""Questions about spans of time, asked of the tables: what the windows of a span hold, and which span they cover. Nothing is changed here."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np

from edge.count.tally import Key, Tally
from edge.data import I64
from edge.store.blobs import unpack_cells

Span = tuple[int | None, int | None]
"""UTC nanoseconds from and to; None where it is open. Windows that lie wholly inside belong to it."""

_ALL_TIME = (-(2**63), 2**63 - 1)
_WHERE = "camera = ? AND t0_ns + offset_ns >= ? AND t1_ns + offset_ns <= ?"
_WINDOWS = "JOIN windows ON windows.id = window JOIN timelines ON timelines.id = timeline"


@dataclass(frozen=True, slots=True)
class Covered:
    """The span that an answer really covers, UTC nanoseconds; None where there is nothing, or where the clock was never right."""

    from_ns: int | None
    to_ns: int | None


def epochs(db: sqlite3.Connection, camera: str) -> dict[tuple[str, str], int]:
    """The present epoch of each (kind, place)."""
    rows = db.execute("SELECT kind, place, max(epoch) FROM epochs WHERE camera = ? GROUP BY kind, place", (camera,))
    return {(kind, place): epoch for kind, place, epoch in rows}


def sums(db: sqlite3.Connection, camera: str, span: Span | None) -> dict[int, Tally]:
    """Sums of all numbers of a camera by the epoch they were counted in."""
    rows = db.execute(
        f"SELECT epoch, kind, place, class, field, sum(n) FROM tally {_WINDOWS} WHERE {_WHERE} GROUP BY epoch, kind, place, class, field",
        (camera, *_bounds(span)),
    )
    tallies: dict[int, Tally] = {}
    for epoch, kind, place, class_name, field, n in rows:
        tallies.setdefault(epoch, Tally())[Key(kind, place, class_name, field)] = n
    return tallies


def heat(db: sqlite3.Connection, camera: str, cells: int, span: Span | None, *, epoch: int, class_name: str | None = None) -> I64:
    """Microseconds in each of `cells` cells, of one class or of all."""
    grid = np.zeros(cells, np.int64)
    rows = db.execute(f"SELECT class, cells FROM heat {_WINDOWS} WHERE {_WHERE} AND epoch = ?", (camera, *_bounds(span), epoch))
    for of_class, blob in rows:
        if class_name in (None, of_class):
            index, values = unpack_cells(blob)
            grid[index] += values
    return grid


def covered(db: sqlite3.Connection, camera: str, span: Span | None) -> Covered:
    """What the windows of a span cover, also those in which nobody was."""
    row = db.execute(
        "SELECT min(t0_ns + offset_ns), max(t1_ns + offset_ns) FROM windows JOIN timelines ON timelines.id = timeline"
        f" WHERE {_WHERE} AND known",
        (camera, *_bounds(span)),
    ).fetchone()
    return Covered(*row)


def _bounds(span: Span | None) -> tuple[int, int]:
    first, last = span or (None, None)
    return _ALL_TIME[0] if first is None else first, _ALL_TIME[1] if last is None else last
