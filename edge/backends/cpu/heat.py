"""The live heat of one camera on the CPU: an accumulation buffer with decay, blurred and coloured a few times a second.

A view, not a record: the ledger in the store is its oracle. Between redraws the coloured layer is cached, so that a frame costs one blend.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.data import F32, U8, Size, Warmth
from edge.heat import HeatOptions, Scale, colormap_number, colormap_table, grid_size
from edge.shapes import HeatLayer, HeatStyle

_REBASE = 1e6
"""Decay is kept as a growing weight of what comes; above this the buffer is scaled back, long before it loses digits."""
_COARSEST = 4
"""Colour and opacity are worked out for every so many pixels at most, then enlarged: what blur has smoothed needs no more."""


class LiveHeat:
    """Presence-seconds in cells, each halved every `half_life_s`; `seconds(t_ns)` is the grid as it is then."""

    def __init__(self, options: HeatOptions, reference: Size) -> None:
        self._size = grid_size(reference, options.cell)
        self._half_life_s = options.half_life_s
        # Doubles: in float32 a cell freezes once a frame's presence is below half of its last digit, after twelve days of one person.
        self._grid = np.zeros(self._size.height * self._size.width, np.float64)
        self._base_ns: int | None = None

    def warm(self, t_ns: int, warmth: Warmth) -> None:
        """Add presence that was seen at `t_ns`. What came before has decayed by then."""
        weight = self._weight(t_ns)
        if weight > _REBASE:
            self._grid /= weight
            self._base_ns, weight = t_ns, 1.0
        np.add.at(self._grid, warmth.cell, warmth.us * (1e-6 * weight))

    def seconds(self, t_ns: int) -> F32:
        """(rows, columns) float32 presence-seconds at `t_ns`."""
        grid: F32 = (self._grid / self._weight(t_ns)).astype(np.float32).reshape(self._size.height, self._size.width)
        return grid

    def _weight(self, t_ns: int) -> float:
        """How much heavier presence at `t_ns` weighs than at the base: instead of cooling every cell at every frame."""
        if self._half_life_s is None:
            return 1.0
        if self._base_ns is None:
            self._base_ns = t_ns
        exponent = (t_ns - self._base_ns) * 1e-9 / self._half_life_s
        if exponent > 60:  # all is forgotten
            self._grid[:] = 0
            self._base_ns, exponent = t_ns, 0.0
        return float(2.0**exponent)


def blurred(grid: F32, sigma_cells: float) -> F32:
    """A grid under a Gaussian; nothing is lost at the borders (they reflect), so that it still adds up."""
    if sigma_cells <= 0:
        return grid
    # A board's worth of reflection is enough: OpenCV refuses a border wider than the grid.
    sigma = min(sigma_cells, min(grid.shape) / 3)
    out: F32 = cv2.GaussianBlur(grid, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return out


def layer_of(seconds: F32, cell: int, options: HeatOptions, top: float, legend: str = "") -> HeatLayer:
    """A blurred grid as something to be painted."""
    return HeatLayer(seconds, cell, top, HeatStyle(colormap_number(options.colormap), options.alpha, options.blur), legend)


class Tint:
    """A heat layer in the size of a picture, ready to be blended any number of times: what stays of the picture, and what comes on top.

    Both are bytes, and premultiplied: a blend is `picture * rest / 255 + paint`, two passes of integers over the part where heat is. Drawing
    another layer of the same size writes into the same memory: fresh pages would cost more than what is drawn on them.
    """

    def __init__(self) -> None:
        self._part: tuple[slice, slice] | None = None
        self._paint = self._rest = np.empty((0, 0, 3), np.uint8)
        self._stays = np.empty((0, 0), np.uint8)

    def draw(self, layer: HeatLayer, picture: Size, reference: Size) -> Tint:
        """Become `layer` for a picture of this size that shows `reference`; returns itself."""
        cell_px = layer.cell * min(picture.width / reference.width, picture.height / reference.height)
        coarse = int(np.clip(cell_px / 2, 1, _COARSEST))
        level = _level(layer, picture, reference, coarse)
        index = cv2.convertScaleAbs(level, alpha=255)
        # Cold places stay untouched; opacity rises quickly and then levels off, so that little presence can be seen too.
        alpha = np.minimum(np.sqrt(level) * np.float32(1.35), 1) * np.float32(layer.style.alpha)
        alpha[index < 2] = 0
        cover = cv2.convertScaleAbs(alpha, alpha=255)
        self._part = _warm_part(cover, picture, coarse)
        if self._part is not None:
            colour = cv2.LUT(cv2.merge([index] * 3), colormap_table()[layer.style.colormap][None])
            self._enlarge(cv2.multiply(colour, cv2.merge([cover] * 3), scale=1 / 255), cv2.bitwise_not(cover), coarse)
        return self

    def over(self, picture: U8) -> U8:
        """A new picture: `picture` with the heat on it. What lies outside the heat is copied, the rest is written once."""
        out = np.empty(picture.shape, np.uint8)
        if self._part is None:
            out[:] = picture
            return out
        rows, columns = self._part
        out[: rows.start] = picture[: rows.start]
        out[rows.stop :] = picture[rows.stop :]
        out[rows, : columns.start] = picture[rows, : columns.start]
        out[rows, columns.stop :] = picture[rows, columns.stop :]
        part = out[self._part]
        cv2.multiply(picture[self._part], self._rest[self._part], dst=part, scale=1 / 255)
        cv2.add(part, self._paint[self._part], dst=part)
        return out

    def _enlarge(self, paint: U8, stays: U8, times: int) -> None:
        height, width = stays.shape[0] * times, stays.shape[1] * times
        if self._stays.shape != (height, width):
            self._paint, self._rest = np.empty((height, width, 3), np.uint8), np.empty((height, width, 3), np.uint8)
            self._stays = np.empty((height, width), np.uint8)
        cv2.resize(paint, (width, height), dst=self._paint, interpolation=cv2.INTER_LINEAR)
        cv2.resize(stays, (width, height), dst=self._stays, interpolation=cv2.INTER_LINEAR)
        cv2.merge([self._stays] * 3, dst=self._rest)


def _warm_part(cover: U8, picture: Size, coarse: int) -> tuple[slice, slice] | None:
    """Rows and columns of the picture in which there is heat, with one coarse pixel around it for its enlarged edge; None where all is cold."""
    rows, columns = (np.flatnonzero(cover.any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return None
    (top, bottom), (left, right) = ((max(int(at[0]) - 1, 0) * coarse, (int(at[-1]) + 2) * coarse) for at in (rows, columns))
    return slice(top, min(bottom, picture.height)), slice(left, min(right, picture.width))


def _level(layer: HeatLayer, picture: Size, reference: Size, coarse: int) -> F32:
    """A layer in 0..1, a value for each `coarse` x `coarse` pixels, taken at their middle; cells past the picture's edge are cut."""
    height, width = -(-picture.height // coarse), -(-picture.width // coarse)
    per_x = coarse * reference.width / picture.width / layer.cell  # cells a coarse pixel
    per_y = coarse * reference.height / picture.height / layer.cell
    to_cells = np.array([[per_x, 0, per_x / 2 - 0.5], [0, per_y, per_y / 2 - 0.5]])
    level = np.clip(layer.seconds / np.float32(layer.top), 0, 1).astype(np.float32)
    out: F32 = cv2.warpAffine(
        level, to_cells, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return out


def _enlarged(small: U8, times: int) -> U8:
    out: U8 = cv2.resize(small, None, fx=times, fy=times, interpolation=cv2.INTER_LINEAR)
    return out


class Redraw:
    """Decides when the live layer is redrawn, and keeps it in between."""

    def __init__(self, options: HeatOptions, heat: LiveHeat, *, every_s: float) -> None:
        self._options = options
        self._heat = heat
        self._scale = Scale(fixed_s=options.top_s)
        self._every_ns = round(every_s * 1e9)
        self._t_ns: int | None = None
        self._tint = Tint()
        self._size: Size | None = None

    def tint(self, t_ns: int, picture: Size, reference: Size) -> Tint:
        """The layer for a picture at `t_ns`."""
        due = self._t_ns is None or not 0 <= t_ns - self._t_ns < self._every_ns
        if due or picture != self._size:
            seconds = blurred(self._heat.seconds(t_ns), self._options.blur / self._options.cell)
            layer = layer_of(seconds, self._options.cell, self._options, self._scale.follow(seconds, t_ns))
            self._tint.draw(layer, picture, reference)
            self._t_ns, self._size = t_ns, picture
        return self._tint
