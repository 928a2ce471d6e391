"""Who is inside which zone, and for how long. Lines and totals are elsewhere.

A track is clearly inside (or outside) when its point is so and farther from the border than `band` times the height of its box. Seen clearly inside
at first it `appeared`, a change of clear side is `entered` or `exited`, and one that ends inside `vanished`: so
occupancy = entered + appeared - exited - vanished, always.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edge import geometry
from edge.count.options import ZoneOptions
from edge.roll import Array, Roll
from edge.data import I64, Event, Sights, ZoneVerb


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
                "class_id": ((), np.int16, 0),
                "side": ((n,), np.int8, 0),  # 1 inside, -1 outside, 0 not yet clearly seen
                "since_ns": ((n,), np.int64, 0),  # when it came inside
            }
        )

    def count(self, sights: Sights, t_counted_ns: int) -> list[Event]:
        """What these sights make known, in order of time."""
        if not self._names or not len(sights):
            return []
        roll, (rows, _) = self._roll, self._roll.rows(sights.id)
        before, t_before = roll["point"][rows].copy(), roll["t_ns"][rows].copy()
        roll["point"][rows], roll["t_ns"][rows], roll["class_id"][rows] = sights.point, sights.t_ns, sights.class_id
        events = []
        for zone, ring in enumerate(self._rings):
            side = roll["side"][rows, zone]
            clear = (geometry.border_distance(sights.point, ring) > self._band * sights.height) & sights.sure
            now = np.where(clear, np.where(geometry.inside(sights.point, ring), 1, -1), side).astype(np.int8)
            for t in np.flatnonzero(now != side):
                if side[t] == 0 and now[t] < 0:
                    continue  # first seen outside: nothing happened
                verb: ZoneVerb = "exited" if now[t] < 0 else "appeared" if side[t] == 0 else "entered"
                part = 1.0 if verb == "appeared" else self._border_part(before[t], sights.point[t], ring)
                t_ns = int(sights.t_ns[t]) if part == 1.0 else int(t_before[t] + round(part * (sights.t_ns[t] - t_before[t])))
                point = sights.point[t] if part == 1.0 else before[t] + part * (sights.point[t] - before[t])
                events.append(self._event(rows[t], zone, verb, t_ns, point, t_counted_ns))
                if now[t] > 0:
                    roll["since_ns"][rows[t], zone] = t_ns
            roll["side"][rows, zone] = now
        return sorted(events, key=lambda e: (e.t_ns, e.track, e.place))

    def end(self, ids: I64, t_counted_ns: int) -> list[Event]:
        """Forget tracks that never come again; those that were inside a zone vanished there, when last seen."""
        roll = self._roll
        gone = roll.find(ids)
        events = [
            self._event(row, zone, "vanished", int(roll["t_ns"][row]), roll["point"][row], t_counted_ns)
            for row in gone
            for zone in np.flatnonzero(roll["side"][row] > 0)
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

    @staticmethod
    def _border_part(before: Array, after: Array, ring: Array) -> float:
        """The last part of the way before -> after at which it meets the ring's border; 1 where it met it earlier, within the band."""
        along = geometry.meeting(before[None], after[None], ring, np.roll(ring, -1, axis=0))
        return 1.0 if np.isnan(along).all() else float(np.nanmax(along))

    def _event(self, row: Any, zone: int, verb: ZoneVerb, t_ns: int, point: Array, t_counted_ns: int) -> Event:
        left = verb in ("exited", "vanished")
        return Event(
            kind="zone",
            place=self._names[zone],
            verb=verb,
            track=int(self._roll.id[row]),
            class_id=int(self._roll["class_id"][row]),
            t_ns=t_ns,
            t_counted_ns=t_counted_ns,
            point=(float(point[0]), float(point[1])),
            dwell_ns=max(0, t_ns - int(self._roll["since_ns"][row, zone])) if left else None,
        )
