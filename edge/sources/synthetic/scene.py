"""The plaza as a function of time: who is where at `t` seconds, in metres and in pixels. Nothing is drawn or counted here.

The whole follows from the options; it keeps nothing between calls but a cache of the walks under way, and may be asked from several threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.sources.synthetic.figure import NAMES, STRIDE, spheres
from edge.sources.synthetic.options import PlazaOptions
from edge.sources.synthetic.site import site_of
from edge.sources.synthetic.traffic import Traffic, Vehicle
from edge.sources.synthetic.view import WALL_M, View
from edge.sources.synthetic.walks import Walk, Walks

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_IN_SIGHT = 0.90  # the part of a walk that is in the picture, on average over many seeds
_PHASES = np.arange(12) / 12  # of the stride: close enough that none between them reaches out of the box
_OUTER = [
    k for k, name in enumerate(NAMES) if name.split("_")[0] in ("face", "hair", "shoulder", "elbow", "hand", "knee", "heel", "toe", "pack")
]


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Everybody who is under way at one moment (or one person at several), one row each, from far to near.

    ``id (N,) i64``; ``ground (N, 2)`` m; ``heading (N,)`` rad from x towards z; ``speed (N,)`` m/s; ``cycle (N,)`` strides gone;
    ``height, girth (N,)``: m, and 1 for common; ``look (N,) i64`` decides the clothes; ``depth (N,)`` m along the optical axis;
    ``box (N, 4) f64`` px, unclipped: holds the figure at every phase of its stride, so it does not flicker with the steps;
    ``share (N,)``: the part of the box's area inside the picture.
    """

    id: I64
    ground: F64
    heading: F64
    speed: F64
    cycle: F64
    height: F64
    girth: F64
    look: I64
    depth: F64
    box: F64
    share: F64

    @property
    def foot(self) -> F64:
        """(N, 2) px: the bottom centre of the box, where counting says a person is."""
        return np.stack([(self.box[:, 0] + self.box[:, 2]) / 2, self.box[:, 3]], axis=1)

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Who counts as present: at least half of the box in the picture, and out of the passage through the building."""
        return (self.share >= 0.5) & (self.ground[:, 1] <= WALL_M)

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, rows: NDArray) -> People:  # type: ignore[type-arg]
        """The people at `rows` (a mask or an array of indices)."""
        return People(*(getattr(self, name)[rows] for name in self.__slots__))


class Scene:
    """A plaza with its people; `at` any time, in any order."""

    def __init__(self, options: PlazaOptions) -> None:
        self.options = options
        self.view = View(options.size, site_of(options.layout))
        self._slots = round(options.people / _IN_SIGHT)
        self._walks = Walks(self.view, options.seed, self._slots)
        self._traffic = Traffic(self.view, options.seed, options.traffic)
        self._under_way: dict[int, tuple[int, tuple[Walk, ...]]] = {}

    def at(self, t_s: float) -> People:
        """Everybody at `t_s`, from far to near."""
        walks = [self._walk(slot, t_s) for slot in range(self._slots)]
        moment = np.array([t_s])
        found = [walk.at(moment) for walk in walks]
        ground, heading, speed, way = (
            np.concatenate([row[k] for row in found]) if found else np.empty((0, 2) if k == 0 else 0) for k in range(4)
        )
        people = self._people(walks, np.arange(len(walks)), ground, heading, speed, way)
        return people[np.argsort(-people.depth, kind="stable")]

    def traffic(self, t_s: float) -> tuple[Vehicle, ...]:
        """The bicycles and cars at `t_s`."""
        return self._traffic.at(t_s)

    def follow(self, walk: Walk, t_s: F64) -> People:
        """One walk at times (T,): a row a time, in their order."""
        return self._people([walk], np.zeros(len(t_s), np.intp), *walk.at(t_s))

    def walks(self, t0_s: float, t1_s: float) -> Iterator[Walk]:
        """Every walk that is under way at some time from `t0_s` to `t1_s`."""
        for slot in range(self._slots):
            for block in range(self._walks.block_of(slot, t0_s), self._walks.block_of(slot, t1_s) + 1):
                yield from (walk for walk in self._walks.block(slot, block) if walk.start_s < t1_s and walk.end_s > t0_s)

    def _walk(self, slot: int, t_s: float) -> Walk:
        number = self._walks.block_of(slot, t_s)
        known = self._under_way.get(slot)
        if known is None or known[0] != number:
            known = number, self._walks.block(slot, number)
            self._under_way[slot] = known
        return next((walk for walk in known[1] if t_s < walk.end_s), known[1][-1])

    def _people(self, walks: list[Walk], row: NDArray[np.intp], ground: F64, heading: F64, speed: F64, way: F64) -> People:
        height = np.array([walk.height_m for walk in walks])[row]
        girth = np.array([walk.girth for walk in walks])[row]
        look = np.array([walk.look for walk in walks], np.int64)[row]
        box = self._boxes(ground, heading, speed, height, girth)
        _, depth = self.view.project(np.stack([ground[:, 0], np.zeros(len(ground)), ground[:, 1]], axis=1))
        width, tall = self.options.size
        low, high = np.maximum(box[:, :2], 0), np.minimum(box[:, 2:], (width, tall))
        share = np.maximum(high - low, 0).prod(axis=1) / (box[:, 2:] - box[:, :2]).prod(axis=1)
        ids = np.array([walk.person for walk in walks], np.int64)[row]
        return People(ids, ground, heading, speed, way / (STRIDE * height) + look % 97 / 97, height, girth, look, depth, box, share)

    def _boxes(self, ground: F64, heading: F64, speed: F64, height: F64, girth: F64) -> F64:
        """Boxes (M, 4) px round the figures at all phases of their gait."""
        n, phases = len(ground), len(_PHASES)

        def each(values: F64) -> F64:
            return np.repeat(values, phases, axis=0)

        centres, radii = spheres(each(ground), each(heading), each(speed), np.tile(_PHASES, n), each(height), each(girth))
        px, depth = self.view.project(centres[:, _OUTER])
        r = self.view.focal_px * radii[:, _OUTER] / depth
        shape = (n, phases * r.shape[1])
        x, y, r = px[..., 0].reshape(shape), px[..., 1].reshape(shape), r.reshape(shape)
        if n == 0:
            return np.empty((0, 4))
        return np.stack([(x - r).min(axis=1), (y - r).min(axis=1), (x + r).max(axis=1), (y + r).max(axis=1)], axis=1)
