"""Presence becomes microseconds in cells. The sums live in the store; this room only says what one step adds.

The unit is integer microseconds: a track adds the time since its last sight, measured between whole microseconds of its timeline, so that
the parts of an hour sum to the hour, to the last bit, at any frame rate.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edge.data import I32, I64, Sights, Size, Warmth
from edge.heat.options import HeatOptions
from edge.roll import Array, Roll


def grid_size(reference: Size, cell: int) -> Size:
    """Columns and rows of a grid of `cell` px over the reference picture; the last ones may stick out."""
    return Size(-(-reference.width // cell), -(-reference.height // cell))


class HeatGrid:
    """Turns the sights of one camera into warmth."""

    def __init__(self, options: HeatOptions, reference: Size, *, feet_below: float = 0.0) -> None:
        """`feet_below`: how far below their point the feet of sights are, in heights of the box."""
        self._cell = options.cell
        self._size = grid_size(reference, options.cell)
        self._last = np.array(self._size) - 1
        self._max_gap_us = round(options.max_gap_s * 1e6)
        self._spread = options.footprint == "box"
        self._feet_below = feet_below
        self._roll = Roll({"t_us": ((), np.int64, 0)})

    def warm(self, sights: Sights) -> Warmth:
        """What these sights add; a track's first sight adds nothing yet."""
        if not len(sights):
            return Warmth.empty()
        rows, new = self._roll.rows(sights.id)
        t_us = sights.t_ns // 1000
        us = np.minimum(t_us - self._roll.of(rows, "t_us"), self._max_gap_us)
        us[new] = 0
        self._roll["t_us"][rows] = t_us
        seen = (us > 0).nonzero()[0]
        if self._spread:
            return self._spread_out(sights, us, seen)
        return Warmth(self._cells(sights.point.take(seen, axis=0)), us.take(seen), sights.class_id.take(seen))

    def end(self, ids: I64) -> None:
        """Forget tracks that never come again."""
        self._roll.drop(ids)

    def state(self) -> dict[str, Array]:
        return self._roll.state()

    def restore(self, state: Mapping[str, Array]) -> None:
        self._roll.restore(state)

    def _cells(self, points: Array) -> I32:
        """Flat index of the cell under each point (A, 2); points outside belong to the nearest cell of the border."""
        at = np.minimum(np.maximum(points // self._cell, 0), self._last).astype(np.int32)
        cells: I32 = at[:, 1] * np.int32(self._size.width) + at[:, 0]
        return cells

    def _spread_out(self, sights: Sights, us: Array, seen: Array) -> Warmth:
        """Presence spread evenly over the cells under the lower third of each box; what does not divide goes to the first cells."""
        cells, shares, classes = [], [], []
        for t in seen:
            (x, y), w, h = sights.point[t], sights.width[t], sights.height[t]
            y += self._feet_below * h
            low = np.array([[x - w / 2, y - h / 3], [x + w / 2, y]])
            left, top = np.clip(low[0] // self._cell, 0, (self._size.width - 1, self._size.height - 1)).astype(int)
            right, bottom = np.clip(low[1] // self._cell, (left, top), (self._size.width - 1, self._size.height - 1)).astype(int)
            block = (np.arange(top, bottom + 1)[:, None] * self._size.width + np.arange(left, right + 1)).ravel()
            share, rest = divmod(int(us[t]), len(block))
            cells.append(block)
            shares.append(share + (np.arange(len(block)) < rest))
            classes.append(np.full(len(block), sights.class_id[t]))
        if not cells:
            return Warmth.empty()
        return Warmth(np.concatenate(cells), np.concatenate(shares), np.concatenate(classes))
