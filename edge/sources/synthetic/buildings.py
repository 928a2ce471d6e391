"""Draws what stands on the plaza, once: the building behind it and each piece of furniture. Ground and people are elsewhere."""

from __future__ import annotations

import numpy as np

from edge.sources.synthetic.brush import Brush, Colour, shade
from edge.sources.synthetic.furniture import Piece
from edge.sources.synthetic.view import WALL_M

ARCH_HALF_M = 1.8
_FRAME: Colour = (62, 66, 70)
_GLASS: Colour = (92, 84, 74)
_AWNINGS: tuple[Colour, ...] = ((66, 92, 60), (58, 62, 148), (120, 84, 46), (60, 120, 168))
_GREENS: tuple[Colour, ...] = ((46, 92, 62), (52, 112, 80), (60, 128, 96), (38, 76, 50), (74, 146, 118))
_IRON: Colour = (64, 62, 58)
_WOOD: Colour = (70, 104, 140)


def draw_building(brush: Brush, arch: float, rng: np.random.Generator) -> None:
    """Shop fronts at z = `WALL_M`, with a passage round x = `arch`."""
    half = brush.view.half_width_m(WALL_M) + 3
    z, stone = WALL_M, brush.view.site.stone
    brush.wall(-half, half, 0.0, 8.0, z, stone)
    brush.wall(-half, half, 0.0, 0.5, z, shade(stone, 0.72))
    for course in np.arange(0.9, 8.0, 0.42):  # joints of the ashlar
        brush.wall(-half, half, course, course + 0.025, z, shade(stone, 0.9))
    brush.wall(-half, half, 4.05, 4.3, z, shade(stone, 1.14))
    brush.wall(-half, half, 3.95, 4.05, z, shade(stone, 0.66))
    width = 3.4
    for k, x in enumerate(np.arange(arch - ARCH_HALF_M - 0.9 - width, -half, -(width + 0.9))):
        _shop(brush, float(x), float(x) + width, k, rng)
    for k, x in enumerate(np.arange(arch + ARCH_HALF_M + 0.9, half, width + 0.9)):
        _shop(brush, float(x), float(x) + width, k + 2, rng)
    _passage(brush, arch)


def _shop(brush: Brush, x0: float, x1: float, number: int, rng: np.random.Generator) -> None:
    z, awning = WALL_M, _AWNINGS[number % len(_AWNINGS)]
    brush.wall(x0, x1, 0.0, 3.3, z, _FRAME)
    door = x1 - 0.95
    for a, b, low in ((x0 + 0.1, x0 + 1.2, 0.45), (x0 + 1.28, door - 0.08, 0.45), (door, x1 - 0.1, 0.08)):
        brush.wall(a, b, low, 2.95, z, _GLASS)
        brush.area([(a + 0.1, low, z), (a + 0.4, low, z), (b - 0.05, 2.95, z), (b - 0.5, 2.95, z)], shade(_GLASS, 1.28))
        for _ in range(5):  # goods on show
            x = float(rng.uniform(a + 0.12, max(b - 0.12, a + 0.2)))
            tint = tuple(float(c) for c in rng.uniform(70, 190, 3))
            brush.wall(x - 0.09, x + 0.09, low + 0.1, low + float(rng.uniform(0.3, 0.9)), z, shade(tint, 0.75))  # type: ignore[arg-type]
    brush.wall(x0, x1, 3.05, 3.55, z, shade(awning, 0.7))
    stripes = 12
    for k in range(stripes):
        a, b = x0 + (x1 - x0) * k / stripes, x0 + (x1 - x0) * (k + 1) / stripes
        cloth = awning if k % 2 else (214.0, 222.0, 228.0)
        brush.area([(a, 3.15, z), (b, 3.15, z), (b, 2.55, z - 1.0), (a, 2.55, z - 1.0)], cloth)
        brush.wall(a, b, 2.38, 2.55, z - 1.0, shade(cloth, 0.84))


def _passage(brush: Brush, x: float) -> None:
    """A vault through the building: dark inside, so that people come out of the shade."""
    rise, stone = np.linspace(0, np.pi, 24), brush.view.site.stone
    for radius, colour in ((ARCH_HALF_M + 0.35, shade(stone, 1.16)), (ARCH_HALF_M, (46.0, 44.0, 42.0))):
        ring = [(x + radius * np.cos(a), 2.0 + 0.85 * radius * np.sin(a), WALL_M) for a in rise]
        brush.area([*ring, (x - radius, 0.0, WALL_M), (x + radius, 0.0, WALL_M)], colour)
    for k in range(8):  # the floor fades into the dark
        near, far = WALL_M + 0.45 * k, WALL_M + 0.45 * (k + 1)
        brush.floor(x - ARCH_HALF_M + 0.06 * k, x + ARCH_HALF_M - 0.06 * k, near, far, 0.0, shade((132.0, 138.0, 142.0), 0.92 - 0.085 * k))


def draw_piece(brush: Brush, piece: Piece, rng: np.random.Generator) -> None:
    match piece.kind:
        case "kiosk":
            _kiosk(brush, piece.x, piece.z - 0.9, rng)
        case "planter":
            _planter(brush, piece.x, piece.z - 0.5, rng)
        case "bench":
            _bench(brush, piece.x, piece.z - 0.25)
        case "lamp":
            _lamp(brush, piece.x, piece.z)
        case "tree":
            _tree(brush, piece.x, piece.z, rng)


def _kiosk(brush: Brush, x: float, z: float, rng: np.random.Generator) -> None:
    green: Colour = (92, 110, 58)
    brush.box(x, z, 2.6, 1.8, 0.0, 2.5, green)
    brush.wall(x - 1.15, x + 1.15, 1.0, 2.1, z, (52, 58, 66))
    for shelf in (1.1, 1.45, 1.8):  # papers on the shelves
        for k in range(9):
            paper = tuple(float(c) for c in rng.uniform(95, 225, 3))
            brush.wall(x - 1.08 + k * 0.245, x - 0.9 + k * 0.245, shelf, shelf + 0.26, z, paper)  # type: ignore[arg-type]
    brush.box(x, z - 0.35, 2.5, 0.35, 0.92, 1.0, (150, 170, 186))
    brush.wall(x - 1.2, x + 1.2, 0.08, 0.9, z, shade(green, 0.95))
    for k in range(7):
        brush.wall(x - 1.1 + k * 0.34, x - 1.08 + k * 0.34, 0.12, 0.86, z, shade(green, 0.7))
    brush.box(x, z - 0.45, 3.0, 2.6, 2.5, 2.62, shade(green, 0.8))
    brush.box(x, z + 0.1, 2.2, 1.4, 2.62, 2.95, shade(green, 1.1))


def _planter(brush: Brush, x: float, z: float, rng: np.random.Generator) -> None:
    brush.box(x, z, 1.8, 1.0, 0.0, 0.5, (138, 146, 152))
    brush.floor(x - 0.8, x + 0.8, z + 0.1, z + 0.9, 0.5, (40, 52, 62))
    _leaves(brush, (x, 0.72, z + 0.5), (0.42, 0.13, 0.2), 170, rng, 0.09)
    for _ in range(26):  # blossoms
        dx, dy, dz = rng.uniform(-1, 1, 3) * (0.72, 0.14, 0.25)
        brush.disc((x + dx, 0.84 + dy, z + 0.3 + dz), 0.035, (110, 96, 214) if rng.random() < 0.6 else (120, 214, 236))


def _bench(brush: Brush, x: float, z: float) -> None:
    for side in (-0.75, 0.75):
        brush.box(x + side, z, 0.08, 0.45, 0.0, 0.42, _IRON)
    for k in range(4):
        brush.box(x, z + 0.12 * k, 1.9, 0.09, 0.42, 0.46, shade(_WOOD, 1.0 + 0.04 * k))
    for k in range(3):
        brush.wall(x - 0.95, x + 0.95, 0.55 + 0.13 * k, 0.64 + 0.13 * k, z + 0.5, shade(_WOOD, 0.9))


def _lamp(brush: Brush, x: float, z: float) -> None:
    brush.stick((x, 0.0, z), (x, 0.5, z), 0.1, _IRON)
    brush.stick((x, 0.5, z), (x, 3.7, z), 0.05, _IRON)
    brush.disc((x, 3.85, z), 0.2, (196, 220, 232))
    brush.disc((x - 0.05, 3.9, z), 0.1, (232, 244, 250))


def _tree(brush: Brush, x: float, z: float, rng: np.random.Generator) -> None:
    brush.floor(x - 0.7, x + 0.7, z - 0.7, z + 0.7, 0.0, (66, 74, 82))
    brush.stick((x, 0.0, z), (x + 0.05, 3.4, z), 0.13, (62, 82, 100))
    brush.stick((x, 2.2, z), (x - 0.6, 3.6, z), 0.06, (62, 82, 100))
    brush.stick((x, 2.4, z), (x + 0.65, 3.7, z), 0.06, (62, 82, 100))
    _leaves(brush, (x, 4.0, z), (0.95, 0.6, 0.8), 900, rng, 0.15)


def _leaves(
    brush: Brush, centre: tuple[float, float, float], spread: tuple[float, float, float], count: int, rng: np.random.Generator, size: float
) -> None:
    """A crown of blobs, far and low ones first and darker, those towards the sun lighter."""
    at = rng.normal(0, 1, (count, 3))
    at *= np.minimum(1.0, 1.9 / np.maximum(np.linalg.norm(at, axis=1), 1e-6))[:, None]
    for dx, dy, dz in at[np.argsort(at[:, 1] * 0.8 - at[:, 2] * 0.6 - at[:, 0] * 0.3)]:
        light = 0.74 + 0.16 * dy - 0.1 * dx - 0.04 * dz + float(rng.normal(0, 0.08))
        leaf = _GREENS[int(rng.integers(len(_GREENS)))]
        point = (centre[0] + dx * spread[0], centre[1] + dy * spread[1], centre[2] + dz * spread[2])
        brush.disc(point, size * float(rng.uniform(0.6, 1.4)), shade(leaf, max(0.4, light)), float(rng.uniform(0.55, 0.9)))
