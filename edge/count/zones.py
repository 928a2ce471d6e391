"""Who is inside which zone, and for how long. Lines and totals are elsewhere.

A track is clearly inside (or outside) when its point is so and farther from the border than `band` times the height of its box. Seen clearly inside
at first it `appeared`, a change of clear side is `entered` or `exited`, and one that ends inside `vanished`: so
occupancy = entered + appeared - exited - vanished, always, and for each class too: a track leaves as the class it came in as.
A way across the border is told once, when the new side is clear, and dated to the moment the path last met the border.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge import geometry
from edge.count.options import ZoneOptions
from edge.data import I64, Bools, Event, Sights, ZoneVerb
from edge.roll import Array, Roll

_NEVER = np.iinfo(np.int64).min
_ROUNDING = 1e-6
"""Px by which a way may seem too short to reach a border that it meets."""


class Zones:
    """All zones of one camera over all its tracks at once."""

    def __init__(self, zones: Mapping[str, ZoneOptions], *, band: float = 0.1) -> None:
        self._names = tuple(zones)
        self._rings = [np.array(zone.polygon, np.float64) for zone in zones.values()]
        self._band = band
        n = len(self._names)
        self._roll = Roll(
            {
                "point": ((2,), np.float64, np.nan),
                "t_ns": ((), np.int64, 0),
                "side": ((n,), np.int8, 0),  # 1 inside, -1 outside, 0 not yet clearly seen
                "met_ns": ((n,), np.int64, _NEVER),  # when the path since the last clear sight last met the border
                "met_at": ((n, 2), np.float64, np.nan),
                "since_ns": ((n,), np.int64, 0),  # when it came inside
                "class_id": ((n,), np.int16, 0),  # what it was when it came inside
            }
        )

    def count(self, sights: Sights, t_counted_ns: int) -> list[Event]:
        """What these sights make known, in order of time."""
        if not self._names or not len(sights):
            return []
        roll, (rows, _) = self._roll, self._roll.rows(sights.id)
        before, t_before = roll.of(rows, "point"), roll.of(rows, "t_ns")
        roll["point"][rows], roll["t_ns"][rows] = sights.point, sights.t_ns
        moved = np.hypot(*(sights.point - before).T) + _ROUNDING  # NaN for a newcomer, whose `before` is NaN
        events = []
        for zone, ring in enumerate(self._rings):
            distance = geometry.border_distance(sights.point, ring)
            self._meet(rows, zone, before, t_before, sights, distance <= moved)
            side = roll["side"][rows, zone]
            clear = (distance > self._band * sights.height) & sights.sure
            now = np.where(clear, np.where(geometry.inside(sights.point, ring), 1, -1), side).astype(np.int8)
            for t in (now != side).nonzero()[0]:
                if side[t] == 0 and now[t] < 0:
                    continue  # first seen outside: nothing happened
                row = int(rows[t])
                verb: ZoneVerb = "exited" if now[t] < 0 else "appeared" if side[t] == 0 else "entered"
                t_ns, point = int(roll["met_ns"][row, zone]), roll["met_at"][row, zone]
                if verb == "appeared" or t_ns == _NEVER:
                    t_ns, point = int(sights.t_ns[t]), sights.point[t]
                if now[t] > 0:
                    roll["since_ns"][row, zone], roll["class_id"][row, zone] = t_ns, sights.class_id[t]
                events.append(self._event(row, zone, verb, t_ns, point, t_counted_ns))
            roll["side"][rows, zone] = now
            roll["met_ns"][rows[clear], zone] = _NEVER
        return sorted(events, key=lambda e: (e.t_ns, e.track, e.place))

    def end(self, ids: I64, t_counted_ns: int) -> list[Event]:
        """Forget tracks that never come again; those that were inside a zone vanished there, when last seen."""
        roll = self._roll
        events = [
            self._event(row, zone, "vanished", int(roll["t_ns"][row]), roll["point"][row], t_counted_ns)
            for row in map(int, roll.find(ids))
            for zone in map(int, np.flatnonzero(roll["side"][row] > 0))
        ]
        roll.drop(ids)
        return sorted(events, key=lambda e: (e.t_ns, e.track, e.place))

    def occupancy(self) -> dict[str, int]:
        """How many are inside each zone now."""
        return {name: int(np.count_nonzero(self._roll["side"][:, zone] > 0)) for zone, name in enumerate(self._names)}

    def state(self) -> dict[str, Array]:
        return self._roll.state()

    def restore(self, state: Mapping[str, Array]) -> None:
        self._roll.restore(state)

    def _meet(self, rows: NDArray[Any], zone: int, before: Array, t_before: I64, sights: Sights, near: Bools) -> None:
        """Note where and when the ways of the tracks in `rows` from `before` to their new points last met the border of `zone`.

        Only the ways of the tracks `near` (A,), which have come at least as far as the border is away, can.
        """
        some = near.nonzero()[0]
        if not len(some):
            return
        ring = self._rings[zone]
        along = geometry.meeting(before[some], sights.point[some], ring, geometry.following(ring))
        last = np.fmax.reduce(along, axis=1)
        meets = ~np.isnan(last)
        met, part = some[meets], last[meets]
        lasted = (sights.t_ns - t_before)[met]
        self._roll["met_ns"][rows[met], zone] = t_before[met] + np.rint(part * lasted).astype(np.int64)
        self._roll["met_at"][rows[met], zone] = before[met] + part[:, None] * (sights.point - before)[met]

    def _event(self, row: int, zone: int, verb: ZoneVerb, t_ns: int, point: Array, t_counted_ns: int) -> Event:
        left = verb in ("exited", "vanished")
        return Event(
            kind="zone",
            place=self._names[zone],
            verb=verb,
            track=int(self._roll.id[row]),
            class_id=int(self._roll["class_id"][row, zone]),
            t_ns=t_ns,
            t_counted_ns=t_counted_ns,
            point=(float(point[0]), float(point[1])),
            dwell_ns=max(0, t_ns - int(self._roll["since_ns"][row, zone])) if left else None,
        )
