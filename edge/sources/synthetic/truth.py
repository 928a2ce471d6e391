"""What a perfect camera would have counted on the plaza between two moments, from the walks themselves. It knows no frames and no tracker.

Each walk is followed at steps of `STEP_S`, on a raster of time that does not depend on the frame rate nor on where the span begins. A person
is seen while the scene calls it visible; the point is the bottom centre of the box as far as it lies in the picture, and it is sure while the
lower edge is not cut. Sides are told by the project's rule: clear beyond a band of the box's height, and a crossing is a change of clear side
whose path since the last clear sight meets the segment. Nothing is known of the time before the span: who is inside a zone then `appeared`.
People who hide others, or stand behind furniture, change nothing: the truth is where everybody is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge import geometry
from edge.data import Event, LineVerb, Size, ZoneVerb
from edge.sources.synthetic.furniture import Point
from edge.sources.synthetic.scene import Scene

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]
Verb = LineVerb | ZoneVerb

STEP_S = 0.04
PERSON = 0  # the only class


@dataclass(frozen=True, slots=True, eq=False)
class Spell:
    """One person's unbroken time in sight: ``t_s (T,)``, ``point (T, 2)`` px, ``height (T,)`` px of the box, ``sure (T,) bool``."""

    person: int
    t_s: F64
    point: F64
    height: F64
    sure: Bools
    ends: bool
    """Whether it ended within the span, rather than with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What happened from `t0_s` to `t1_s`.

    `events` in order of time, as the counters tell them (`track` is the person's id); ``seconds (rows, columns) f64`` presence per cell;
    `person_s` their sum; `spells` is how many times somebody came into sight.
    """

    t0_s: float
    t1_s: float
    events: tuple[Event, ...]
    seconds: F64
    spells: int

    @property
    def person_s(self) -> float:
        return float(self.seconds.sum())

    def count(self, place: str, verb: Verb, until_s: float | None = None) -> int:
        """How often `verb` happened at the line or zone `place`, until `until_s` if given."""
        return sum(e.place == place and e.verb == verb and (until_s is None or e.t_counted_ns <= until_s * 1e9) for e in self.events)

    def occupancy(self, zone: str, until_s: float | None = None) -> int:
        """How many are inside `zone` at `until_s`, or at the end."""
        come = self.count(zone, "entered", until_s) + self.count(zone, "appeared", until_s)
        return come - self.count(zone, "exited", until_s) - self.count(zone, "vanished", until_s)


def truth(
    scene: Scene,
    *,
    lines: Mapping[str, tuple[Point, Point]] | None = None,
    zones: Mapping[str, Sequence[Point]] | None = None,
    cell: int = 8,
    t0_s: float = 0.0,
    t1_s: float,
    band: float = 0.1,
) -> Truth:
    """Follow everybody from `t0_s` to `t1_s`; lines, zones and `cell` in pixels of the scene's picture. ValueError if the span is none."""
    if not 0 <= t0_s < t1_s:
        raise ValueError(f"the span from {t0_s:g} to {t1_s:g} s is none; it must begin at 0 or later and end after it began")
    size = scene.options.size
    grid = Size(-(-size.width // cell), -(-size.height // cell))
    seconds = np.zeros((grid.height, grid.width))
    events: list[Event] = []
    number = 0
    for spell in _spells(scene, t0_s, t1_s):
        number += 1
        for name, (start, end) in (lines or {}).items():
            events += _crossings(spell, name, np.array([start], np.float64), np.array([end], np.float64), band)
        for name, ring in (zones or {}).items():
            events += _visits(spell, name, np.array(ring, np.float64), band)
        lasts = np.diff(spell.t_s)
        middle = (spell.point[1:] + spell.point[:-1]) / 2
        column = np.clip(middle[:, 0] // cell, 0, grid.width - 1).astype(np.intp)
        row = np.clip(middle[:, 1] // cell, 0, grid.height - 1).astype(np.intp)
        np.add.at(seconds, (row, column), lasts)
    return Truth(t0_s, t1_s, tuple(sorted(events, key=lambda e: (e.t_ns, e.track, e.place))), seconds, number)


def _spells(scene: Scene, t0_s: float, t1_s: float) -> Iterator[Spell]:
    """Everybody's times in sight."""
    size = np.array(scene.options.size, np.float64)
    for walk in scene.walks(t0_s, t1_s):
        begin, end = max(walk.start_s, t0_s), min(walk.end_s, t1_s)
        raster = np.arange(np.ceil(begin / STEP_S), np.floor(end / STEP_S) + 1) * STEP_S
        t_s = np.unique(np.concatenate([[begin], raster[(raster > begin) & (raster < end)], [end]]))
        people = scene.follow(walk, t_s)
        seen = np.concatenate([[False], people.visible, [False]])
        low, high = np.maximum(people.box[:, :2], 0), np.minimum(people.box[:, 2:], size)
        point = np.stack([(low[:, 0] + high[:, 0]) / 2, high[:, 1]], axis=1)
        sure = people.box[:, 3] < size[1]
        for first, after in np.flatnonzero(np.diff(seen.astype(np.int8))).reshape(-1, 2):
            rows = slice(first, after)
            if after - first > 1:
                yield Spell(walk.person, t_s[rows], point[rows], (high - low)[rows, 1], sure[rows], bool(t_s[after - 1] < t1_s))


def _crossings(spell: Spell, name: str, start: F64, end: F64, band: float) -> Iterator[Event]:
    distance = geometry.signed_distance(spell.point, start, end)[:, 0]
    clear = np.flatnonzero((np.abs(distance) > band * spell.height) & spell.sure)
    meets = geometry.meeting(spell.point[:-1], spell.point[1:], start, end)[:, 0]
    for a, b in pairwise(clear):
        if (distance[a] > 0) == (distance[b] > 0):
            continue
        met = np.flatnonzero(~np.isnan(meets[a:b]))
        if len(met):
            yield _event(spell, "line", name, "in" if distance[b] > 0 else "out", int(a + met[-1]), float(meets[a + met[-1]]), int(b))


def _visits(spell: Spell, name: str, ring: F64, band: float) -> Iterator[Event]:
    inside = geometry.inside(spell.point, ring)
    clear = np.flatnonzero((geometry.border_distance(spell.point, ring) > band * spell.height) & spell.sure)
    if not len(clear):
        return
    since: int | None = None
    if inside[clear[0]]:
        appeared = _event(spell, "zone", name, "appeared", int(clear[0]), 0.0, int(clear[0]))
        since = appeared.t_ns
        yield appeared
    for a, b in pairwise(clear):
        if inside[a] == inside[b]:
            continue
        change = a + np.flatnonzero(inside[a + 1 : b + 1] != inside[a:b])[-1]
        along = geometry.meeting(spell.point[change, None], spell.point[change + 1, None], ring, np.roll(ring, -1, axis=0))
        part = 1.0 if np.isnan(along).all() else float(np.nanmax(along))
        event = _event(spell, "zone", name, "entered" if inside[b] else "exited", int(change), part, int(b), since)
        since = event.t_ns if inside[b] else None
        yield event
    if inside[clear[-1]] and spell.ends:
        last = len(spell.t_s) - 1
        yield _event(spell, "zone", name, "vanished", last, 0.0, last, since)


def _event(spell: Spell, kind: str, place: str, verb: Verb, step: int, part: float, known: int, since_ns: int | None = None) -> Event:
    """An event `part` of the way from `step` to the next, known at step `known`."""
    after = min(step + 1, len(spell.t_s) - 1)
    t_ns = round((spell.t_s[step] + part * (spell.t_s[after] - spell.t_s[step])) * 1e9)
    x, y = spell.point[step] + part * (spell.point[after] - spell.point[step])
    left = verb in ("exited", "vanished") and since_ns is not None
    return Event(
        kind="line" if kind == "line" else "zone",
        place=place,
        verb=verb,
        track=spell.person,
        class_id=PERSON,
        t_ns=t_ns,
        t_counted_ns=round(spell.t_s[known] * 1e9),
        point=(float(x), float(y)),
        dwell_ns=t_ns - since_ns if left and since_ns is not None else None,
    )
