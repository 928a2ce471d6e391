"""What stands on the plaza, where people stop, and a layout of lines and a zone that suits it. Drawing is elsewhere.

Places are given as a share of the picture's half width on the ground, so that a picture of any shape holds them all.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.data import Size
from edge.sources.synthetic.site import Kind, site_of
from edge.sources.synthetic.view import WALL_M, View

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of furniture: people keep `radius_m` away from (x, z)."""

    kind: Kind
    x: float
    z: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Where people linger: anywhere within `spread_m` of (x, z), for up to `longest_s`."""

    x: float
    z: float
    spread_m: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Named lines and zones in pixels of the picture."""

    lines: dict[str, tuple[Point, Point]]
    zones: dict[str, tuple[Point, ...]]


def furnish(view: View) -> tuple[Piece, ...]:
    """The furniture as this camera sees it, from far to near."""
    pieces = [Piece(kind, u * view.half_width_m(z), z, radius) for kind, u, z, radius in view.site.pieces]
    return tuple(sorted(pieces, key=lambda piece: -piece.z))


def stops(view: View) -> tuple[Stop, ...]:
    return tuple(Stop(u * view.half_width_m(z), z, spread, longest) for u, z, spread, longest in view.site.stops)


def arch_x(view: View) -> float:
    """The middle of the passage through the building, where people come out and go in."""
    return view.site.arch * view.half_width_m(WALL_M)


def plaza_layout(size: Size, layout: int = 0) -> Layout:
    """Two lines and a zone in pixels of a picture of `size`, where much happens on plaza number `layout`: for demonstrations and tests."""
    view = View(size, site_of(layout))

    def on_ground(u: float, z: float) -> Point:
        x, y = view.ground(u * view.half_width_m(z), z)
        return round(x, 1), round(y, 1)

    return Layout(
        lines={
            "plaza": (on_ground(-0.12, 22.5), on_ground(-0.12, 7.5)),
            "arch": (on_ground(view.site.arch - 0.2, 23.6), on_ground(view.site.arch + 0.2, 23.6)),
        },
        zones={"centre": (on_ground(-0.3, 18.5), on_ground(0.4, 18.5), on_ground(0.5, 10.5), on_ground(-0.38, 10.5))},
    )
