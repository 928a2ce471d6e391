"""Minutes become hours when they are old. Nothing is lost but the resolution of time: sums stay what they were, to the last bit."""

from __future__ import annotations

import sqlite3

from edge.store.blobs import pack_cells, unpack_cells

HOUR_NS = 3_600_000_000_000

Hour = tuple[int, ...]
"""Ids of the windows that lie in one hour of UTC, the earliest first."""


def ripe_hours(db: sqlite3.Connection, before_utc_ns: int) -> list[Hour]:
    """Hours that ended before a moment and still stand in several windows. Timelines whose clock was never right wait."""
    rows = db.execute(
        "SELECT windows.id, camera, timeline, (t0_ns + offset_ns) / ? FROM windows JOIN timelines ON timelines.id = timeline"
        " WHERE known AND t1_ns + offset_ns <= ? ORDER BY camera, timeline, t0_ns",
        (HOUR_NS, before_utc_ns // HOUR_NS * HOUR_NS),
    ).fetchall()
    hours: dict[tuple[str, str, int], list[int]] = {}
    for window, camera, timeline, hour in rows:
        hours.setdefault((camera, timeline, hour), []).append(window)
    return [tuple(windows) for windows in hours.values() if len(windows) > 1]


def merge(db: sqlite3.Connection, hour: Hour) -> int:
    """Put all of an hour into its first window, which then reaches to the end of the last; inside the caller's transaction."""
    first, rest = hour[0], hour[1:]
    marks = ",".join("?" * len(rest))
    db.execute(
        "INSERT INTO tally SELECT ?, kind, place, epoch, class, field, sum(n) FROM tally"
        f" WHERE window IN ({marks}) GROUP BY kind, place, epoch, class, field ON CONFLICT DO UPDATE SET n = n + excluded.n",
        (first, *rest),
    )
    for epoch, class_name in db.execute(f"SELECT DISTINCT epoch, class FROM heat WHERE window IN ({marks})", rest).fetchall():
        blobs = db.execute(
            f"SELECT cells FROM heat WHERE window IN (?, {marks}) AND epoch = ? AND class = ?", (first, *rest, epoch, class_name)
        ).fetchall()
        cells = pack_cells([unpack_cells(blob) for (blob,) in blobs])
        db.execute("REPLACE INTO heat VALUES (?, ?, ?, ?)", (first, epoch, class_name, cells))
    (t1_ns,) = db.execute(f"SELECT max(t1_ns) FROM windows WHERE id IN (?, {marks})", hour).fetchone()
    for table, column in (("tally", "window"), ("heat", "window"), ("windows", "id")):
        db.execute(f"DELETE FROM {table} WHERE {column} IN ({marks})", rest)
    db.execute("UPDATE windows SET t1_ns = ? WHERE id = ?", (t1_ns, first))
    return len(rest)
