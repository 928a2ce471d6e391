"""Crossings of lines, by the rule of clear sides. Zones and totals are elsewhere.

A track is clearly on a side when its point is farther from the line than `band` times the height of its box. Its side is the last one on
which it was clearly seen. A crossing is a change of that side whose path since the last clear sight meets the segment; it is told once, when
the new side is clear, and dated to the moment the path last met the segment.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edge import geometry
from edge.count.options import LineOptions
from edge.data import I64, Event, Sights
from edge.roll import Array, Roll

_NEVER = np.iinfo(np.int64).min


class Lines:
    """All lines of one camera over all its tracks at once."""

    def __init__(self, lines: Mapping[str, LineOptions], *, band: float = 0.1) -> None:
        self._names = tuple(lines)
        self._start = np.array([line.start for line in lines.values()], np.float64).reshape(-1, 2)
        self._end = np.array([line.end for line in lines.values()], np.float64).reshape(-1, 2)
        self._band = band
        n = len(self._names)
        self._roll = Roll(
            {
                "point": ((2,), np.float64, np.nan),
                "t_ns": ((), np.int64, 0),
                "side": ((n,), np.int8, 0),  # 1 right, -1 left, 0 not yet clearly seen
                "met_ns": ((n,), np.int64, _NEVER),  # when the path since the last clear sight last met the segment
                "met_at": ((n, 2), np.float64, np.nan),
            }
        )

    def count(self, sights: Sights, t_counted_ns: int) -> list[Event]:
        """The crossings that these sights complete, in order of their time."""
        if not self._names or not len(sights):
            return []
        roll, (rows, _) = self._roll, self._roll.rows(sights.id)
        self._walk(rows, sights)
        side, met_ns = roll["side"][rows], roll["met_ns"][rows]
        distance = geometry.signed_distance(sights.point, self._start, self._end)
        clear = (np.abs(distance) > self._band * sights.height[:, None]) & sights.sure[:, None]
        now = np.where(clear, np.sign(distance).astype(np.int8), side)
        crossed = clear & (side != 0) & (now != side) & (met_ns != _NEVER)
        events = [self._event(sights, rows, t, line, int(now[t, line]), t_counted_ns) for t, line in np.argwhere(crossed)]
        roll["side"][rows] = now
        roll["met_ns"][rows] = np.where(clear, _NEVER, met_ns)
        return sorted(events, key=lambda e: (e.t_ns, e.track, e.place))

    def end(self, ids: I64) -> None:
        """Forget tracks that never come again."""
        self._roll.drop(ids)

    def state(self) -> dict[str, Array]:
        return self._roll.state()

    def restore(self, state: Mapping[str, Array]) -> None:
        self._roll.restore(state)

    def _walk(self, rows: NDArray[np.intp], sights: Sights) -> None:
        """Move the tracks in `rows` to their new points, noting which segments their way there meets."""
        roll = self._roll
        before, t_before = roll["point"][rows], roll["t_ns"][rows]
        along = geometry.meeting(before, sights.point, self._start, self._end)  # NaN for a newcomer, whose `before` is NaN
        track, line = np.nonzero(~np.isnan(along))
        if len(track):
            part = along[track, line]
            lasted = (sights.t_ns - t_before)[track]
            roll["met_ns"][rows[track], line] = t_before[track] + np.rint(part * lasted).astype(np.int64)
            roll["met_at"][rows[track], line] = before[track] + part[:, None] * (sights.point - before)[track]
        roll["point"][rows] = sights.point
        roll["t_ns"][rows] = sights.t_ns

    def _event(self, sights: Sights, rows: NDArray[np.intp], t: int, line: int, side: int, t_counted_ns: int) -> Event:
        x, y = self._roll["met_at"][rows[t], line]
        return Event(
            kind="line",
            place=self._names[line],
            verb="in" if side > 0 else "out",
            track=int(sights.id[t]),
            class_id=int(sights.class_id[t]),
            t_ns=int(self._roll["met_ns"][rows[t], line]),
            t_counted_ns=t_counted_ns,
            point=(float(x), float(y)),
        )
