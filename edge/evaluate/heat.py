"""How well the product's heat is the presence of the annotated feet. The product's own grid is made elsewhere and only summed here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge import geometry
from edge.data import Size

F64 = NDArray[np.float64]


def presence(xyxy: F64, seconds: F64, size: Size, cell: int) -> F64:
    """Presence-seconds under the feet of boxes (N, 4) that lasted `seconds` (N,), in cells of `cell` px over a picture of `size` -> (rows, columns).

    Feet outside the picture belong to the nearest cell of its border, as the product has it.
    """
    grid = empty_grid(size, cell)
    column, row = np.clip(geometry.feet(xyxy) // cell, 0, (grid.shape[1] - 1, grid.shape[0] - 1)).astype(int).T
    np.add.at(grid, (row, column), seconds)
    return grid


def empty_grid(size: Size, cell: int) -> F64:
    """No presence yet; cells that stick out of the picture are whole ones."""
    return np.zeros((-(-size.height // cell), -(-size.width // cell)))


def correlation(a: F64, b: F64, *, sigma: float) -> float:
    """Pearson's correlation of two grids after a Gaussian blur of `sigma` cells; 0 where one of them is the same everywhere."""
    x, y = (blurred(grid, sigma=sigma).ravel() for grid in (a, b))
    x, y = x - x.mean(), y - y.mean()
    spread = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / spread) if spread > 0 else 0.0


def blurred(grid: F64, *, sigma: float) -> F64:
    """The grid (R, C) under a Gaussian of `sigma` cells, cut at four sigma; what would leave over the border is reflected by it."""
    reach = max(1, int(np.ceil(4 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(grid, reach, mode="symmetric")
    across = np.apply_along_axis(np.convolve, 1, padded, kernel, "valid")
    return np.asarray(np.apply_along_axis(np.convolve, 0, across, kernel, "valid"))
