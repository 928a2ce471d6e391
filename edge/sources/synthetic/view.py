"""How the plaza's camera sees: metres to pixels, by one pinhole. Nothing stands or walks here.

The world: x to the right, y up from the ground, z forward along the ground from the point under the camera, all in metres.
"""

from __future__ import annotations

from math import cos, sin, tan

import numpy as np
from numpy.typing import NDArray

from edge.data import Size
from edge.sources.synthetic.site import WALL_M, Site

__all__ = ["WALL_M", "View"]

F64 = NDArray[np.float64]


class View:
    """A pinhole camera over a plaza, without distortion."""

    def __init__(self, size: Size, site: Site | None = None) -> None:
        self.size, self.site = size, site or Site()
        self.focal_px = size.height / 2 / tan(self.site.half_field)
        self._cos, self._sin, self._up_m = cos(self.site.tilt), sin(self.site.tilt), self.site.camera_m
        self._cx, self._cy = size.width / 2, size.height / 2

    def project(self, points: F64) -> tuple[F64, F64]:
        """World points (..., 3) in metres -> pixels (..., 2) and depth along the optical axis (...) in metres."""
        below = self._up_m - points[..., 1]
        depth = points[..., 2] * self._cos + below * self._sin
        down = below * self._cos - points[..., 2] * self._sin
        x = self._cx + self.focal_px * points[..., 0] / depth
        y = self._cy + self.focal_px * down / depth
        return np.stack([x, y], axis=-1), depth

    def ground(self, x_m: float, z_m: float) -> tuple[float, float]:
        """The pixel of a point on the ground."""
        (x, y), _ = self.project(np.array([x_m, 0.0, z_m]))
        return float(x), float(y)

    def half_width_m(self, z_m: float) -> float:
        """How far to the left and right the picture reaches on the ground at `z_m`."""
        return (z_m * self._cos + self._up_m * self._sin) * self._cx / self.focal_px

    @property
    def homography(self) -> F64:
        """(3, 3): ground (x, z) in metres -> pixels."""
        f, c, s, h = self.focal_px, self._cos, self._sin, self._up_m
        return np.array(
            [
                [f, self._cx * c, self._cx * h * s],
                [0.0, self._cy * c - f * s, f * h * c + self._cy * h * s],
                [0.0, c, h * s],
            ]
        )
