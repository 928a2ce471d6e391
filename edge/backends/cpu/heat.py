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
    """A heat layer in the size of a picture: colour and opacity a pixel, ready to be blended any number of times."""

    def __init__(self, layer: HeatLayer, picture: Size, reference: Size) -> None:
        level = np.clip(layer.seconds / np.float32(layer.top), 0, 1)
        scale_x, scale_y = picture.width / reference.width, picture.height / reference.height
        # The grid's last cells may stick out of the picture: enlarge all of it, then cut.
        whole = (round(level.shape[1] * layer.cell * scale_x), round(level.shape[0] * layer.cell * scale_y))
        level = cv2.resize(level, whole, interpolation=cv2.INTER_LINEAR)[: picture.height, : picture.width]
        if level.shape != (picture.height, picture.width):
            level = cv2.copyMakeBorder(level, 0, picture.height - level.shape[0], 0, picture.width - level.shape[1], cv2.BORDER_REPLICATE)
        index = cv2.convertScaleAbs(level, alpha=255)
        self._colour = colormap_table()[layer.style.colormap][index]
        # Cold places stay untouched; opacity rises quickly and then levels off, so that little presence can be seen too.
        self._alpha = np.minimum(np.sqrt(level) * np.float32(1.35), 1) * np.float32(layer.style.alpha)
        self._alpha[index < 2] = 0
        rows, columns = np.flatnonzero(self._alpha.any(axis=1)), np.flatnonzero(self._alpha.any(axis=0))
        self._box = (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) if len(rows) else None
        if self._box:
            y1, y2, x1, x2 = self._box
            self._colour = np.ascontiguousarray(self._colour[y1:y2, x1:x2])
            alpha = cv2.merge([self._alpha[y1:y2, x1:x2]] * 3)
            self._weight = alpha
            self._rest = 1 - alpha

    def blend(self, picture: U8) -> None:
        """Lay the heat over `picture`, in place."""
        if self._box is None:
            return
        y1, y2, x1, x2 = self._box
        part = picture[y1:y2, x1:x2]
        part[:] = cv2.blendLinear(np.ascontiguousarray(part), self._colour, self._rest[..., 0], self._weight[..., 0])


class Redraw:
    """Decides when the live layer is redrawn, and keeps it in between."""

    def __init__(self, options: HeatOptions, heat: LiveHeat, *, every_s: float) -> None:
        self._options = options
        self._heat = heat
        self._scale = Scale(fixed_s=options.top_s)
        self._every_ns = round(every_s * 1e9)
        self._t_ns: int | None = None
        self._tint: Tint | None = None
        self._size: Size | None = None

    def tint(self, t_ns: int, picture: Size, reference: Size) -> Tint:
        """The layer for a picture at `t_ns`."""
        due = self._t_ns is None or not 0 <= t_ns - self._t_ns < self._every_ns
        if self._tint is None or due or picture != self._size:
            seconds = blurred(self._heat.seconds(t_ns), self._options.blur / self._options.cell)
            self._tint = Tint(layer_of(seconds, self._options.cell, self._options, self._scale.follow(seconds, t_ns)), picture, reference)
            self._t_ns, self._size = t_ns, picture
        return self._tint
