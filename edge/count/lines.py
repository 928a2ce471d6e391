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
from edge.data import I64, Bools, Event, Sights
from edge.roll import Array, Roll

_NEVER = np.iinfo(np.int64).min
_BESIDE = 1e-6
"""Px squared: a way whose ends lie on one side, by distances whose product is more, does not meet the line, whatever the rounding."""


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
        before = roll.of(rows, "point")
        both = geometry.signed_distance(np.concatenate([before, sights.point]), self._start, self._end)
        was, distance = both[: len(rows)], both[len(rows) :]
        self._walk(rows, before, sights, was * distance < _BESIDE)
        side, met_ns = roll.of(rows, "side"), roll.of(rows, "met_ns")
        clear = (np.abs(distance) > (self._band * sights.height)[:, None]) & sights.sure[:, None]
        turned = clear & (np.sign(distance) != side)
        if turned.any():
            roll["side"][rows] = np.where(turned, np.sign(distance), side)
        met = clear & (met_ns != _NEVER)
        if not met.any():
            return []
        roll["met_ns"][rows] = np.where(met, _NEVER, met_ns)
        events = [
            self._event(sights, rows, t, line, -int(side[t, line]), int(met_ns[t, line]), t_counted_ns)
            for t, line in np.argwhere(met & turned & (side != 0))
        ]
        return sorted(events, key=lambda e: (e.t_ns, e.track, e.place))

    def end(self, ids: I64) -> None:
        """Forget tracks that never come again."""
        self._roll.drop(ids)

    def state(self) -> dict[str, Array]:
        return self._roll.state()

    def restore(self, state: Mapping[str, Array]) -> None:
        self._roll.restore(state)

    def _walk(self, rows: NDArray[np.intp], before: Array, sights: Sights, near: Bools) -> None:
        """Move the tracks in `rows` from `before` to their new points, noting which segments their way there meets; only `near` (A, L) can."""
        roll = self._roll
        some = near.any(axis=1).nonzero()[0]
        if len(some):
            along = geometry.meeting(before[some], sights.point[some], self._start, self._end)
            step, line = (~np.isnan(along)).nonzero()
            track, part = some[step], along[step, line]
            t_before = roll["t_ns"][rows[track]]
            roll["met_ns"][rows[track], line] = t_before + np.rint(part * (sights.t_ns[track] - t_before)).astype(np.int64)
            roll["met_at"][rows[track], line] = before[track] + part[:, None] * (sights.point - before)[track]
        roll["point"][rows] = sights.point
        roll["t_ns"][rows] = sights.t_ns

    def _event(self, sights: Sights, rows: NDArray[np.intp], t: int, line: int, side: int, t_ns: int, t_counted_ns: int) -> Event:
        x, y = self._roll["met_at"][rows[t], line]
        return Event(
            kind="line",
            place=self._names[line],
            verb="in" if side > 0 else "out",
            track=int(sights.id[t]),
            class_id=int(sights.class_id[t]),
            t_ns=t_ns,
            t_counted_ns=t_counted_ns,
            point=(float(x), float(y)),
        )
