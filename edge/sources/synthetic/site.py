"""What tells one plaza from another: where its camera hangs, what stands on it, its stone and its sun. Nothing is projected or drawn here.

Number 0 is the plaza of demonstrations and tests. Every other number draws another one, the same at every call.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import atan2, radians
from typing import Literal

import numpy as np

Kind = Literal["kiosk", "planter", "bench", "tree", "lamp"]
Colour = tuple[float, float, float]
Standing = tuple[Kind, float, float, float]
"""What, where (a share of the picture's half width on the ground, metres away), and how far people keep from it in metres."""
Lingering = tuple[float, float, float, float]
"""Where people stop (as above), within how many metres, and for how long at most in seconds."""

WALL_M = 26.0  # z of the building's front
_WALL_TOP_M = 8.0


@dataclass(frozen=True, slots=True)
class Site:
    """One plaza and its camera. Angles in radians, places in metres, colours blue, green, red."""

    camera_m: float = 5.5
    tilt: float = radians(22.0)
    half_field: float = radians(21.0)
    """Half the vertical field of view: the upper edge of the picture looks just below the horizon."""
    pieces: tuple[Standing, ...] = (
        ("tree", -0.86, 23.5, 0.8),
        ("kiosk", -0.56, 22.0, 2.0),
        ("lamp", -0.25, 23.8, 0.5),
        ("bench", 0.47, 22.6, 1.2),
        ("tree", 0.66, 22.0, 0.8),
        ("planter", -0.72, 14.0, 1.3),
        ("planter", 0.78, 16.0, 1.3),
        ("lamp", 0.86, 11.5, 0.5),
    )
    stops: tuple[Lingering, ...] = (
        (-0.5, 19.4, 0.7, 22.0),
        (0.45, 21.0, 0.6, 25.0),
        (0.0, 14.5, 2.2, 14.0),
        (-0.08, 24.9, 0.7, 12.0),
        (0.3, 12.0, 1.6, 9.0),
    )
    arch: float = 0.2
    """The middle of the passage through the building."""
    sun: tuple[float, float] = (0.62, 0.2)
    """Where the shadow of a point one metre above the ground falls, (x, z)."""
    shade: float = 1.0
    """How deep shadows are: 1 in the sun, 0 under an even sky."""
    stone: Colour = (158, 178, 196)
    tone: float = 176.0
    """How bright the paving is, 0..255."""
    tint: Colour = (0.925, 0.975, 1.0)
    slab: tuple[float, float] = (0.9, 0.6)
    """Width and depth of a paving slab."""
    bands: float = 30.0
    """By how many grey levels the bands in the paving are darker."""
    rosette: bool = True
    """Whether rings of setts lie in the middle."""


@cache
def site_of(layout: int) -> Site:
    """The plaza of this number."""
    if layout == 0:
        return Site()
    rng = np.random.default_rng([layout, 0x517E])

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    camera_m = between(3.0, 9.0)
    below = atan2(camera_m, between(3.6, 7.0))  # the lower edge of the picture looks so far down, and the upper one ...
    above = atan2(_WALL_TOP_M - camera_m, WALL_M) - radians(between(1.0, 9.0))  # ... at the building
    stone = between(0.45, 1.15)
    grey = between(90, 200)
    return Site(
        camera_m=camera_m,
        tilt=(below - above) / 2,
        half_field=(below + above) / 2,
        pieces=_pieces(rng),
        stops=tuple((between(-0.8, 0.8), between(8.0, 24.0), between(0.5, 2.2), between(8.0, 25.0)) for _ in range(6)),
        arch=between(-0.6, 0.6),
        sun=(between(-1.1, 1.1), between(-0.2, 0.9)),
        shade=float(rng.choice([0.0, 0.4, 0.8, 1.1])),
        stone=tuple(min(225.0, stone * between(140, 205)) for _ in range(3)),  # type: ignore[arg-type]
        tone=grey,
        tint=(between(0.86, 1.04), between(0.92, 1.04), between(0.92, 1.04)),
        slab=(between(0.3, 2.0), between(0.3, 1.5)),
        bands=between(-25, 40),
        rosette=bool(rng.random() < 0.4),
    )


def _pieces(rng: np.random.Generator) -> tuple[Standing, ...]:
    """Furniture at random, apart from each other; more of it far away, as squares have it."""
    radius: dict[Kind, float] = {"tree": 0.8, "kiosk": 2.0, "lamp": 0.5, "bench": 1.2, "planter": 1.3}
    kinds: list[Kind] = ["tree", "tree", "kiosk", "lamp", "lamp", "bench", "bench", "planter", "planter"]
    placed: list[Standing] = []
    for k in rng.permutation(len(kinds))[: int(rng.integers(2, len(kinds) + 1))]:
        for _ in range(8):
            u, z = float(rng.uniform(-0.92, 0.92)), 24.0 - 15.0 * float(rng.random()) ** 1.5
            if all(abs(u - other[1]) > 0.16 or abs(z - other[2]) > 4.0 for other in placed):
                placed.append((kinds[k], u, z, radius[kinds[k]]))
                break
    return tuple(placed)
