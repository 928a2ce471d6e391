"""One person's walk over the plaza: a smooth path in metres and a timetable along it, both exact functions of time. No pixels here.

Walks come in blocks: the walks of one slot of the crowd fill `BLOCK_S` seconds to the last bit, and follow from (seed, slot, block) alone.
So any moment of an endless walk is reached without those before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, tan

import numpy as np
from numpy.typing import NDArray

from edge.sources.synthetic.furniture import Piece, Stop, arch_x, furnish, stops
from edge.sources.synthetic.view import WALL_M, View

F64 = NDArray[np.float64]

BLOCK_S = 150.0
MOST_A_BLOCK = 64
_SAMPLES = 200
_RAMP_S = 0.9  # how long it takes to stop, and to set off again


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Somebody from `start_s` to `end_s`: ``path (K, 2)`` m at equal steps, ``heading (K,)`` rad; the timetable's nodes ``(J,)``:
    their time since the start, speed (linear between them, with `node_slope` (J - 1,) m/s²) and way gone."""

    person: int
    start_s: float
    end_s: float
    path: F64
    heading: F64
    node_s: F64
    node_speed: F64
    node_slope: F64
    node_way: F64
    height_m: float
    girth: float
    look: int

    def at(self, t_s: F64) -> tuple[F64, F64, F64, F64]:
        """Times (T,) -> ground (T, 2) m, heading (T,) rad, speed (T,) m/s, way gone (T,) m. Exact: between nodes the speed is linear."""
        t = np.clip(t_s - self.start_s, 0, self.end_s - self.start_s)
        node = np.clip(np.searchsorted(self.node_s, t, side="right") - 1, 0, len(self.node_s) - 2)
        since = t - self.node_s[node]
        slope = self.node_slope[node]
        speed = self.node_speed[node] + slope * since
        way = self.node_way[node] + (self.node_speed[node] + slope * since / 2) * since
        where = np.clip(way / self.node_way[-1], 0, 1) * (len(self.path) - 1)
        k = np.minimum(where.astype(np.intp), len(self.path) - 2)
        part = where - k
        ground = self.path[k] + part[:, None] * (self.path[k + 1] - self.path[k])
        heading = self.heading[k] + part * (self.heading[k + 1] - self.heading[k])
        return ground, heading, speed, way


class Walks:
    """Who walks, and when: one block of one slot at a time."""

    def __init__(self, view: View, seed: int, slots: int) -> None:
        self._view, self._seed, self._slots = view, seed, slots
        self._pieces, self._stops, self._arch = furnish(view), stops(view), arch_x(view)
        site = view.site
        self._under_m = min(3.3, (site.camera_m - 1.95) / tan(site.tilt + site.half_field) - 0.5)  # where no head is in the picture yet
        rng = np.random.default_rng([seed, 0x5107])
        self._offset = rng.uniform(0, BLOCK_S, slots)  # else all would change at once

    def block_of(self, slot: int, t_s: float) -> int:
        return int((t_s + self._offset[slot]) // BLOCK_S)

    def block(self, slot: int, block: int) -> tuple[Walk, ...]:
        """The walks of a block in order; each begins where the one before ends in time."""
        rng = np.random.default_rng([self._seed, slot, block])
        drawn: list[_Draft] = []
        total = 0.0
        while len(drawn) < MOST_A_BLOCK:
            draft = self._draw(rng)
            if drawn and total + draft.lasts_s / 2 > BLOCK_S:
                break
            drawn.append(draft)
            total += draft.lasts_s
        stretch = BLOCK_S / total  # near 1: all of a block walk a little faster or slower
        first = (block * self._slots + slot) * MOST_A_BLOCK + 1
        start = block * BLOCK_S - float(self._offset[slot])
        walks = []
        for k, draft in enumerate(drawn):
            end = start + draft.lasts_s * stretch
            node_s, speed = draft.node_s * stretch, draft.node_speed / stretch
            way = np.concatenate([[0.0], np.cumsum(np.diff(node_s) * (speed[1:] + speed[:-1]) / 2)])
            look = int(rng.integers(1 << 62))
            walks.append(
                Walk(
                    first + k,
                    start,
                    end,
                    draft.path,
                    draft.heading,
                    node_s,
                    speed,
                    np.diff(speed) / np.diff(node_s),
                    way,
                    draft.height_m,
                    float(rng.uniform(0.9, 1.15)),
                    look,
                )
            )
            start = end
        return tuple(walks)

    def _draw(self, rng: np.random.Generator) -> _Draft:
        gates = rng.choice(4, size=2, replace=False, p=[0.28, 0.28, 0.22, 0.22])
        come, go = self._gate(rng, int(gates[0])), self._gate(rng, int(gates[1]))[::-1]
        stop = self._stops[rng.integers(len(self._stops))] if rng.random() < 0.4 else None
        middle = _near(rng, stop) if stop else np.array([self._across(rng, 0.5, z := rng.uniform(8.0, 19.0)), z])
        path = _round(_curve(np.array([*come, middle, *go])), self._pieces, self._arch)
        length = float(np.hypot(*np.diff(path, axis=0).T).sum())
        speed = float(np.clip(rng.normal(1.27, 0.16), 0.98, 1.55))
        if stop:
            halt = float(np.argmin(np.hypot(*(path - middle).T)) / (len(path) - 1) * length)
            node_s, node_speed = _with_stop(length, halt, speed, float(rng.uniform(0.3, 1.0)) * stop.longest_s)
        else:
            node_s, node_speed = np.array([0.0, length / speed]), np.array([speed, speed])
        heading = np.unwrap(np.arctan2(*np.gradient(path, axis=0).T[::-1]))
        return _Draft(path, heading, node_s, node_speed, float(np.clip(rng.normal(1.72, 0.09), 1.52, 1.95)))

    def _gate(self, rng: np.random.Generator, gate: int) -> list[F64]:
        """Points of the way in, from out of sight: left, right, from under the camera, or out of the passage."""
        if gate == 3:
            x = self._arch + rng.uniform(-0.6, 0.6)
            return [np.array([x, WALL_M + 2.5]), np.array([x, WALL_M - 0.8])]
        if gate == 2:
            return [np.array([self._across(rng, 0.8, 6.0), self._under_m])]
        z = rng.uniform(7.5, 23.5)
        x = self._view.half_width_m(z) + 0.9
        return [np.array([-x if gate == 0 else x, z])]

    def _across(self, rng: np.random.Generator, share: float, z: float) -> float:
        return float(rng.uniform(-share, share)) * self._view.half_width_m(z)


@dataclass(frozen=True, slots=True, eq=False)
class _Draft:
    """A walk before the block has told it when, and how fast."""

    path: F64
    heading: F64
    node_s: F64
    node_speed: F64
    height_m: float

    @property
    def lasts_s(self) -> float:
        return float(self.node_s[-1])


def _near(rng: np.random.Generator, stop: Stop) -> F64:
    angle, away = rng.uniform(0, 2 * pi), stop.spread_m * np.sqrt(rng.random())
    return np.array([stop.x + away * np.cos(angle), stop.z + away * np.sin(angle)])


def _with_stop(length: float, halt: float, speed: float, stop_s: float) -> tuple[F64, F64]:
    """Nodes (time, speed) of a walk that stands for `stop_s` after `halt` metres."""
    ramp = min(_RAMP_S, halt / speed, (length - halt) / speed)
    lasts = np.array([halt / speed - ramp / 2, ramp, stop_s, ramp, (length - halt) / speed - ramp / 2])
    return np.concatenate([[0.0], np.cumsum(np.maximum(lasts, 1e-3))]), np.array([speed, speed, 0.0, 0.0, speed, speed])


def _curve(points: F64) -> F64:
    """A Catmull-Rom spline through `points` (P, 2), many samples a span. Source: Catmull and Rom, A class of local interpolating splines, 1974."""
    ends = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, 60, endpoint=False)[:, None]
    spans = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        spans.append(b + t * ((c - a) / 2 + t * ((2 * a - 5 * b + 4 * c - d) / 2 + t * (3 * b - a - 3 * c + d) / 2)))
    return np.vstack([*spans, points[-1:]])


def _round(path: F64, pieces: tuple[Piece, ...], arch: float) -> F64:
    """The path led round the furniture and off the wall, at `_SAMPLES` equal steps: pushed out and smoothed in turn, until it is both."""
    for _ in range(6):
        path = _resample(path)
        for piece in pieces:
            to = path - (piece.x, piece.z)
            away = np.maximum(np.hypot(*to.T), 1e-6)
            path += to * np.maximum(piece.radius_m / away - 1, 0)[:, None]
        wall = np.abs(path[:, 0] - arch) > 1.0
        path[:, 1] = np.where(wall, np.minimum(path[:, 1], WALL_M - 0.8), path[:, 1])
        path = _resample(path)
        for _ in range(5):
            path[1:-1] = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    return _resample(path)


def _resample(path: F64) -> F64:
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    steps = np.linspace(0, way[-1], _SAMPLES)
    return np.column_stack([np.interp(steps, way, path[:, 0]), np.interp(steps, way, path[:, 1])])
