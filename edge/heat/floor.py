"""Heat on the floor: presence of the picture's cells, moved to where they lie in metres. A view: the ledger stays in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.data import F32, Size
from edge.geometry import F64, apply_homography, fit_homography

Point = tuple[float, float]

_SPLIT = 6
"""Each cell is laid down in so many parts each way: far off, one cell of the picture covers several of the floor."""


@dataclass(frozen=True, slots=True)
class FloorOptions:
    """How the picture lies on the floor. The plan shows the rectangle around the points."""

    px: tuple[Point, ...]
    """At least four points on the floor, no three of them on a line, in pixels of the reference picture."""
    metres: tuple[Point, ...]
    """The same points on the plan: x to the right, y down, in metres."""
    cell_m: float = 0.25
    """Metres of a cell of the plan."""

    def __post_init__(self) -> None:
        if not 0.01 <= self.cell_m <= 100:
            raise ValueError(f"cell_m is {self.cell_m:g}, it must be 0.01 to 100 m")
        fit_homography(self.px, self.metres)
        if self.size.width * self.size.height > 1_000_000:
            raise ValueError(f"cell_m {self.cell_m:g} makes {self.size} cells of this floor; take a larger one")

    @property
    def homography(self) -> F64:
        """(3, 3), pixels of the reference picture to metres."""
        return fit_homography(self.px, self.metres)

    @property
    def origin(self) -> Point:
        """The plan's left upper corner in metres."""
        return min(x for x, _ in self.metres), min(y for _, y in self.metres)

    @property
    def size(self) -> Size:
        """Columns and rows of the plan."""
        left, top = self.origin
        width, height = max(x for x, _ in self.metres) - left, max(y for _, y in self.metres) - top
        return Size(max(1, int(np.ceil(width / self.cell_m - 1e-9))), max(1, int(np.ceil(height / self.cell_m - 1e-9))))

    def cells(self, points: F64) -> F64:
        """Points (A, 2) of the picture as (A, 2) columns and rows of the plan; NaN beyond the horizon, where no floor is."""
        h = self.homography
        ahead = np.column_stack([points, np.ones(len(points))]) @ h[2]
        known = np.column_stack([np.asarray(self.px, np.float64), np.ones(len(self.px))]) @ h[2]
        with np.errstate(divide="ignore", invalid="ignore"):
            where: F64 = (apply_homography(h, points) - np.array(self.origin)) / self.cell_m
        where[ahead * np.sign(known.mean()) <= 1e-9] = np.nan
        return where


def on_floor(seconds: F32, cell: int, floor: FloorOptions) -> F32:
    """Presence-seconds (rows, columns) of a picture's cells of `cell` px as those of the plan's; what lies beside the plan is left out."""
    warm_rows, warm_columns = seconds.nonzero()
    parts = (np.arange(_SPLIT) + 0.5) / _SPLIT
    x = (warm_columns[:, None, None] + parts[None, None, :] + 0 * parts[None, :, None]) * cell
    y = (warm_rows[:, None, None] + parts[None, :, None] + 0 * parts[None, None, :]) * cell
    where = floor.cells(np.column_stack([x.ravel(), y.ravel()]))
    share = np.repeat(seconds[warm_rows, warm_columns].astype(np.float64) / _SPLIT**2, _SPLIT**2)
    width, height = floor.size
    inside = (where >= 0).all(axis=1) & (where[:, 0] < width) & (where[:, 1] < height)  # NaN is nowhere
    columns, rows = where[inside].astype(np.int64).T
    plan = np.bincount(rows * width + columns, share[inside], minlength=width * height)
    out: F32 = plan.reshape(height, width).astype(np.float32)
    return out
