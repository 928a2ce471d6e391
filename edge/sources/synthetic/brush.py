"""Draws shapes given in metres into a picture, anti-aliased, and remembers which pixels a piece took. It knows no plaza and no people."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge.data import U8
from edge.sources.synthetic.site import Site
from edge.sources.synthetic.view import View

F64 = NDArray[np.float64]
Colour = tuple[float, float, float]
SHIFT = 4
"""OpenCV's fixed point: pixels in sixteenths."""


def thrown_by(site: Site) -> F64:
    """Where the shadow of a point one metre above the ground falls: (x, y, z) in metres."""
    return np.array([site.sun[0], 0.0, site.sun[1]])


def fixed(points: F64) -> NDArray[np.int32]:
    """Pixels to OpenCV's fixed point; OpenCV's pixel centres are whole numbers, ours are halves."""
    return np.rint((np.clip(points, -20000, 20000) - 0.5) * (1 << SHIFT)).astype(np.int32)


def fill(picture: U8, points: F64, colour: Colour) -> None:
    """Fill a convex polygon (P, 2) px."""
    cv2.fillConvexPoly(picture, fixed(points), colour, cv2.LINE_AA, SHIFT)


def shade(colour: Colour, by: float) -> Colour:
    """Lighter (above 1) or darker (below 1)."""
    return tuple(min(255.0, c * by) for c in colour)  # type: ignore[return-value]


class Brush:
    """A picture, `scale` times as large as the view's, under a coordinate system in metres."""

    def __init__(self, view: View, picture: U8, scale: float) -> None:
        self.view, self.picture, self._scale = view, picture, scale
        self.touched: U8 = np.zeros(picture.shape[:2], np.uint8)

    def pixels(self, world: ArrayLike) -> F64:
        """World points (..., 3) m -> px of the enlarged picture (..., 2)."""
        points, _ = self.view.project(np.asarray(world, np.float64))
        return points * self._scale

    def area(self, world: ArrayLike, colour: Colour) -> None:
        """A flat area round `world` (P, 3) m, of any shape."""
        points = fixed(self.pixels(world))
        cv2.fillPoly(self.picture, [points], colour, cv2.LINE_AA, SHIFT)
        cv2.fillPoly(self.touched, [points], 255, cv2.LINE_AA, SHIFT)

    def wall(self, x0: float, x1: float, y0: float, y1: float, z: float, colour: Colour) -> None:
        """An upright rectangle that faces the camera."""
        self.area([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], colour)

    def floor(self, x0: float, x1: float, z0: float, z1: float, y: float, colour: Colour) -> None:
        """A level rectangle."""
        self.area([(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)], colour)

    def box(self, x: float, z: float, width: float, depth: float, y0: float, y1: float, colour: Colour) -> None:
        """An upright block whose near side stands at `z`: lit from the left and above."""
        x0, x1, far = x - width / 2, x + width / 2, z + depth
        if x0 > 0:  # of the two flanks the camera sees the one towards the middle of the picture
            self.area([(x0, y0, z), (x0, y0, far), (x0, y1, far), (x0, y1, z)], shade(colour, 1.06))
        elif x1 < 0:
            self.area([(x1, y0, z), (x1, y0, far), (x1, y1, far), (x1, y1, z)], shade(colour, 0.62))
        self.wall(x0, x1, y0, y1, z, shade(colour, 0.85))
        self.floor(x0, x1, z, far, y1, shade(colour, 1.12))

    def stick(self, a: tuple[float, float, float], b: tuple[float, float, float], radius: float, colour: Colour) -> None:
        """A round bar from `a` to `b`, its left side in the light."""
        ends = np.array([a, b], np.float64)
        _, depth = self.view.project(ends)
        r = self.view.focal_px * radius / depth * self._scale
        p = self.pixels(ends)
        along = (p[1] - p[0]) / max(float(np.hypot(*(p[1] - p[0]))), 1e-6)
        out = np.array([-along[1], along[0]])
        if out[0] > 0:
            out = -out
        for left, right, by in ((1.0, -1.0, 0.75), (1.0, 0.1, 1.1)):
            ring = np.array([p[0] + out * r[0] * left, p[1] + out * r[1] * left, p[1] + out * r[1] * right, p[0] + out * r[0] * right])
            fill(self.picture, ring, shade(colour, by))
        fill(self.touched, np.array([p[0] + out * r[0], p[1] + out * r[1], p[1] - out * r[1], p[0] - out * r[0]]), (255, 255, 255))

    def disc(self, centre: tuple[float, float, float], radius: float, colour: Colour, flat: float = 1.0) -> None:
        """A ball, or a blob `flat` times as high as wide."""
        point, depth = self.view.project(np.array(centre))
        r = self.view.focal_px * radius / float(depth) * self._scale
        turn = np.linspace(0, 2 * np.pi, max(8, min(48, int(r * 2))), endpoint=False)
        ring = point * self._scale + np.stack([np.cos(turn) * r, np.sin(turn) * r * flat], axis=1)
        fill(self.picture, ring, colour)
        fill(self.touched, ring, (255, 255, 255))


def darken(picture: U8, mask: U8, most: float) -> None:
    """Lay a shadow on `picture` in place: where `mask` is 255 it keeps ``1 - most`` of its light, and turns a little blue."""
    keep = np.stack([255.0 - mask * (most * tint) for tint in (0.88, 0.97, 1.03)], axis=2)
    cv2.multiply(picture, np.clip(keep, 0, 255).astype(np.uint8), dst=picture, scale=1 / 255)
