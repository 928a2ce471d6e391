"""The paving of the plaza in perspective, and the shadows that furniture throws on it. Nothing that stands is drawn here."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.data import U8
from edge.sources.synthetic.brush import Brush, darken, thrown_by
from edge.sources.synthetic.furniture import Piece
from edge.sources.synthetic.site import Site
from edge.sources.synthetic.view import WALL_M, View

F64 = NDArray[np.float64]

_NEAR_M = 3.0
_ROSETTE_M, _ROSETTE_Z_M = 3.15, 14.5


def draw_ground(view: View, picture: U8, scale: float, rng: np.random.Generator) -> None:
    """Pave `picture`, which is `scale` times as large as the view's."""
    half = view.half_width_m(WALL_M + 4) + 1
    fine = int(np.clip(picture.shape[0] / 26, 8, 55))  # px a metre: what is seen sharply some way off
    plan = _paving(view.site, half, fine, rng)
    metre = np.array([[1 / fine, 0, -half], [0, 1 / fine, _NEAR_M], [0, 0, 1]])
    larger = np.diag([scale, scale, 1.0])
    h, w = picture.shape[:2]
    cv2.warpPerspective(
        plan, larger @ view.homography @ metre, (w, h), dst=picture, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _paving(site: Site, half: float, fine: int, rng: np.random.Generator) -> U8:
    """The ground seen from above: slabs in running bond, darker bands every few metres, a rosette in the middle, some dirt."""
    rows, columns = int((WALL_M + 4 - _NEAR_M) * fine), int(2 * half * fine)
    x = np.arange(columns)[None, :] / fine - half
    z = np.arange(rows)[:, None] / fine + _NEAR_M
    course = np.floor(z / site.slab[1]).astype(np.int64)
    along = x / site.slab[0] + 0.5 * (course % 2)
    column = np.floor(along).astype(np.int64)
    tones = rng.normal(0, 6.5, (61, 67))
    tone = site.tone + tones[course % 61, column % 67]
    edge = np.minimum(
        np.minimum(along % 1, 1 - along % 1) * site.slab[0], np.minimum(z / site.slab[1] % 1, 1 - z / site.slab[1] % 1) * site.slab[1]
    )
    band = (np.abs((x + 100) % 6.3 - 3.15) < 0.24) | (np.abs((z + 1.2) % 6.0 - 3.0) < 0.3)
    tone = np.where(band, tone - site.bands, tone)
    warm = np.ones(tone.shape)
    if site.rosette:
        _rosette(x, z, tone, warm, edge)
    tone = tone - 26 * np.clip(1 - edge / 0.016, 0, 1)
    tone = tone + _dirt(rng, tone.shape)
    bgr = np.stack([tone * (site.tint[0] - 0.05 * (warm - 1)), tone * site.tint[1], tone * (site.tint[2] + 0.05 * (warm - 1))], axis=2)
    paving: U8 = np.clip(bgr, 0, 255).astype(np.uint8)
    return paving


def _rosette(x: F64, z: F64, tone: F64, warm: F64, edge: F64) -> None:
    """Lay rings of setts round (0, `_ROSETTE_Z_M`), where people stop and talk, into the plan in place."""
    columns = slice(*np.searchsorted(x[0], (-_ROSETTE_M, _ROSETTE_M)))
    rows = slice(*np.searchsorted(z[:, 0], (_ROSETTE_Z_M - _ROSETTE_M, _ROSETTE_Z_M + _ROSETTE_M)))
    x, z = x[:, columns], z[rows] - _ROSETTE_Z_M
    away, angle = np.hypot(x, z), np.arctan2(z, x)
    ring = np.floor(away / 0.45)
    cut = np.maximum(np.round(2 * np.pi * (ring + 0.5) * 0.45 / 0.6), 1)
    turn = angle / (2 * np.pi) * cut + ring * 0.37
    part = np.where(ring > 0, (np.floor(turn) * 37 + ring * 11) % 17 / 17, 0.7)
    alternate = np.where(ring % 3 == 2, -34.0, np.where(ring % 3 == 1, -8.0, 6.0))
    between = np.where(ring > 0, np.minimum(turn % 1, 1 - turn % 1) * 0.6, 1.0)
    there = away < _ROSETTE_M
    np.copyto(tone[rows, columns], 166 + alternate + 16 * part, where=there)
    np.copyto(warm[rows, columns], 2.1, where=there)
    np.copyto(edge[rows, columns], np.minimum(np.minimum(away % 0.45, 0.45 - away % 0.45), between), where=there)


def _dirt(rng: np.random.Generator, shape: tuple[int, ...]) -> F64:
    """Stains of many sizes: noise of several octaves."""
    rows, columns = shape[:2]
    total = np.zeros((rows, columns))
    for cells, strength in ((6, 5.0), (24, 4.0), (90, 3.0), (330, 2.5)):
        coarse = rng.normal(0, strength, (cells, cells * 2))
        total += cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return total


def furniture_shadows(view: View, picture: U8, scale: float, pieces: tuple[Piece, ...], rng: np.random.Generator) -> None:
    """What the furniture and the building throw on the ground."""
    mask = np.zeros(picture.shape, np.uint8)
    brush, sun = Brush(view, mask, scale), thrown_by(view.site)
    white = (255.0, 255.0, 255.0)

    def thrown(points: list[tuple[float, float, float]]) -> None:
        """The shadow of a solid: the hull of its corners and of where their shadows fall."""
        world = np.array(points)
        fallen = world * (1, 0, 1) + world[:, 1:2] * sun
        hull = cv2.convexHull(brush.pixels(np.vstack([world * (1, 0, 1), fallen])).astype(np.float32))[:, 0]
        cv2.fillPoly(mask, [np.rint(hull * 16).astype(np.int32)], white, cv2.LINE_AA, 4)

    def solid(x: float, z: float, width: float, depth: float, y: float) -> None:
        thrown([(x + i * width / 2, h, z + j) for i in (-1, 1) for j in (0.0, depth) for h in (0.0, y)])

    for piece in pieces:
        match piece.kind:
            case "kiosk":
                solid(piece.x, piece.z - 0.9, 2.6, 1.8, 2.5)
            case "planter":
                solid(piece.x, piece.z - 0.5, 1.8, 1.0, 0.85)
            case "bench":
                solid(piece.x, piece.z - 0.25, 1.9, 0.5, 0.45)
            case "lamp":
                solid(piece.x, piece.z, 0.1, 0.1, 3.9)
            case "tree":
                solid(piece.x, piece.z, 0.26, 0.1, 3.0)
                for _ in range(260):
                    dx, dy, dz = rng.normal(0, (0.95, 0.6, 0.95))
                    y = 4.0 + dy
                    brush.disc((piece.x + dx + y * sun[0], 0.0, piece.z + dz + y * sun[2]), float(rng.uniform(0.12, 0.3)), white, 0.4)
    sigma = max(0.5, picture.shape[0] / 450)
    darken(picture, cv2.GaussianBlur(mask[:, :, 0], (0, 0), sigma), 0.45 * view.site.shade)
