"""What a user says about a line or a zone, and what of it cannot be meant. No counting happens here.

Coordinates are pixels of the camera's reference picture. shapely is used here only, when a configuration is loaded.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class LineOptions:
    """A counting line: a segment `start` -> `end`; `in` leads to the right hand of someone who walks along it."""

    start: Point
    end: Point

    def __post_init__(self) -> None:
        if not 2 <= self.length_px < math.inf:
            raise ValueError(f"a line needs two points at least 2 px apart, here they are {_short(self.start)} and {_short(self.end)}")

    @property
    def length_px(self) -> float:
        return float(((self.end[0] - self.start[0]) ** 2 + (self.end[1] - self.start[1]) ** 2) ** 0.5)

    @property
    def points(self) -> tuple[Point, ...]:
        return (self.start, self.end)

    @property
    def digest(self) -> str:
        """Names this geometry: a line with another digest counts into totals of its own."""
        return _digest(self.points)


@dataclass(frozen=True, slots=True)
class ZoneOptions:
    """A zone: a simple polygon of at least three points. A ring that repeats its first point at the end is accepted."""

    polygon: tuple[Point, ...]

    def __post_init__(self) -> None:
        from shapely import Polygon, is_valid_reason

        if len(self.polygon) > 1 and self.polygon[0] == self.polygon[-1]:
            object.__setattr__(self, "polygon", self.polygon[:-1])
        if not all(math.isfinite(value) for point in self.polygon for value in point):
            raise ValueError("a zone's points must be finite numbers")
        if len(set(self.polygon)) < 3:
            raise ValueError(f"a zone needs a polygon of at least three different points, here are {len(set(self.polygon))}")
        shape = Polygon(self.polygon)
        if not shape.is_valid:
            raise ValueError(
                f"a zone's polygon must not cross or touch itself: {is_valid_reason(shape)}; give its corners in order round it"
            )
        if shape.area < 1:
            raise ValueError("a zone's polygon must enclose an area, here its points lie on one line")

    @property
    def points(self) -> tuple[Point, ...]:
        return self.polygon

    @property
    def digest(self) -> str:
        """Names this geometry: a zone with another digest counts into totals of its own."""
        return _digest(self.points)


def _digest(points: tuple[Point, ...]) -> str:
    text = ";".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _short(point: Point) -> str:
    return f"({point[0]:g}, {point[1]:g})"
