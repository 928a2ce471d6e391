"""People, riders, bicycles and cars as convex polygons in pixels: what is filled, in which order and colour. It fills nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.sources.synthetic.brush import SHIFT, fixed, shade
from edge.sources.synthetic.clothes import outfit
from edge.sources.synthetic.figure import INDEX, riding
from edge.sources.synthetic.site import Colour
from edge.sources.synthetic.traffic import BICYCLE, CAR, PERSON, Vehicle

F64 = NDArray[np.float64]
Fixed = NDArray[np.int32]
Eye = Callable[[F64], tuple[F64, F64]]
"""World points (..., 3) m -> px (..., 2) and px per metre there (...)."""

CIRCLE = np.stack([np.cos(t := np.linspace(0, 2 * np.pi, 10, endpoint=False)), np.sin(t)], axis=1)
_BLEED_PX = 0.7  # by how much OpenCV's anti-aliased fill goes beyond its outline
_ROUND = np.linspace(0, 2 * np.pi, 17)
_RUBBER: Colour = (38, 38, 40)
_CAR_COLOURS: tuple[Colour, ...] = (
    (200, 204, 206), (60, 60, 64), (120, 124, 128), (60, 50, 150), (140, 90, 50), (84, 110, 70), (226, 228, 230), (60, 140, 190),
)  # fmt: skip
_FRAMES: tuple[Colour, ...] = ((60, 60, 170), (150, 110, 50), (70, 130, 70), (50, 50, 52), (190, 190, 194))


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """One object: how far away, its class, the polygons of its silhouette, and those it is painted with, from back to front."""

    z: float
    class_id: int
    silhouette: tuple[Fixed, ...]
    fills: tuple[tuple[Fixed, Colour], ...]
    on_foot: bool = False

    def box(self) -> F64:
        """(4,) px, round the silhouette."""
        points = np.concatenate(self.silhouette) / (1 << SHIFT) + 0.5
        return np.concatenate([points.min(axis=0), points.max(axis=0)])


def circles(px: F64, r: F64, squash: float = 1.0) -> Fixed:
    """Spheres at (N, S, 2) px with radii (N, S) -> points round them (N, S, K, 2), in fixed point."""
    r = np.maximum(r - _BLEED_PX, 0.3 * r)
    return fixed(px[..., None, :] + r[..., None, None] * (CIRCLE * (1.0, squash)))


def figure(z: float, px: F64, r: F64, look: int, *, left_is_near: bool, facing: bool, light: float, sun: float, on_foot: bool) -> Thing:
    """One person as spheres (S, 2), (S,) px: each part in its shaded colour, and inside that a lighter one on the side of the sun."""
    dark, bright = circles(px, r), circles(px + r[:, None] * (-0.26 * sun, -0.16), r * 0.66)
    silhouette, fills = [], []
    for part in outfit(look).order(left_is_near, facing):
        for rings, tone in ((dark, 0.78 * light), (bright, 1.06 * light)):
            colour = shade(part.colour, tone)
            for hull in part.hulls:
                ring = _hull(rings[list(hull)])
                fills.append((ring, colour))
                if rings is dark:
                    silhouette.append(ring)
    return Thing(z, PERSON, tuple(silhouette), tuple(fills), on_foot)


def _hull(points: Fixed) -> Fixed:
    """The convex hull (K, 2) of points (..., 2)."""
    hull: Fixed = cv2.convexHull(points.reshape(-1, 2))[:, 0]
    return hull


def vehicle(it: Vehicle, eye: Eye, camera_m: float, sun: float) -> tuple[Thing, ...]:
    """A car, or a bicycle and who rides it."""
    if it.kind == CAR:
        return (_car(it, eye, camera_m),)
    return _bicycle(it, eye), _rider(it, eye, sun)


class _Frame:
    """The vehicle's own axes: ahead, up and to the left of its middle on the ground."""

    def __init__(self, it: Vehicle) -> None:
        self._cos, self._sin = np.cos(it.heading), np.sin(it.heading)
        self._at = np.array([it.x, 0.0, it.z])

    def world(self, own: F64) -> F64:
        ahead, up, left = own[..., 0], own[..., 1], own[..., 2]
        world: F64 = self._at + np.stack([ahead * self._cos - left * self._sin, up, ahead * self._sin + left * self._cos], axis=-1)
        return world


def _rider(it: Vehicle, eye: Eye, sun: float) -> Thing:
    rng = np.random.default_rng(it.look)
    height, girth = float(np.clip(rng.normal(1.72, 0.09), 1.52, 1.95)), float(rng.uniform(0.9, 1.15))
    centres, radii = riding(np.array([it.x, it.z]), it.heading, it.turn, height, girth)
    px, scale = eye(centres)
    near = bool(centres[INDEX["shoulder_l"], 2] < centres[INDEX["shoulder_r"], 2])
    facing = bool(np.sin(it.heading) < 0)
    return figure(it.z - 1e-3, px, radii * scale, it.look, left_is_near=near, facing=facing, light=1.0, sun=sun, on_foot=False)


def _bicycle(it: Vehicle, eye: Eye) -> Thing:
    """Wheels, a frame and a bar."""
    frame = _Frame(it)
    paint = _FRAMES[it.look % len(_FRAMES)]
    rim = np.stack([0.34 * np.cos(_ROUND), 0.34 + 0.34 * np.sin(_ROUND), np.zeros(17)], axis=1)
    rear, front = rim + (-0.52, 0, 0), rim + (0.54, 0, 0)
    bars: list[tuple[F64, F64, float, Colour]] = []
    for wheel in (rear, front):
        bars += [(a, b, 0.03, _RUBBER) for a, b in pairwise(wheel)]
    hub, crank, fork = np.array([-0.52, 0.34, 0.0]), np.array([-0.05, 0.28, 0.0]), np.array([0.54, 0.34, 0.0])
    seat, head = np.array([-0.2, 0.86, 0.0]), np.array([0.38, 0.92, 0.0])
    for a, b in ((hub, crank), (crank, seat), (hub, seat), (crank, head), (seat, head), (head, fork)):
        bars.append((a, b, 0.028, paint))
    bars.append((head + (0.02, 0.06, -0.25), head + (0.02, 0.06, 0.25), 0.025, _RUBBER))
    bars.append((seat + (-0.1, 0.05, 0), seat + (0.12, 0.05, 0), 0.05, _RUBBER))
    fills = tuple((_bar(eye, frame.world(a), frame.world(b), thick), colour) for a, b, thick, colour in bars)
    px = [eye(frame.world(wheel))[0] for wheel in (rear, front)]
    across = fixed(eye(frame.world(np.array([seat, head, crank])))[0])
    outline = (*(_hull(fixed(ring)) for ring in px), _hull(across), fills[-2][0])
    return Thing(it.z, BICYCLE, outline, fills)


def _bar(eye: Eye, a: F64, b: F64, thick_m: float) -> Fixed:
    """A thin quadrangle from `a` to `b`."""
    px, scale = eye(np.stack([a, b]))
    along = px[1] - px[0]
    out = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6)
    half = np.maximum(scale * thick_m / 2, 0.2)[:, None] * out
    return fixed(np.array([px[0] + half[0], px[1] + half[1], px[1] - half[1], px[0] - half[0]]))


def _car(it: Vehicle, eye: Eye, camera_m: float) -> Thing:
    """A body, a cabin of glass with a roof, wheels and lights, each flat side as far as the camera sees it."""
    rng = np.random.default_rng(it.look)
    frame = _Frame(it)
    van = rng.random() < 0.3
    long, wide, high = (
        float(rng.uniform(1.8, 2.5)),
        float(rng.uniform(0.83, 0.95)),
        float(rng.uniform(1.85, 2.2) if van else rng.uniform(1.38, 1.65)),
    )
    paint = _CAR_COLOURS[int(rng.integers(len(_CAR_COLOURS)))]
    waist = 1.05 if van else 0.9
    body = _block((-long, long, 0.25, wide), (-long * 0.97, long * 0.97, waist, wide * 0.97))
    rear, nose = (-0.97, 0.8) if van else (-0.78, 0.42)
    cabin = _block((long * rear, long * nose, waist, wide * 0.95), (long * (rear + 0.08), long * (nose - 0.22), high, wide * 0.8))
    glass: Colour = (70, 62, 54)
    fills: list[tuple[Fixed, Colour]] = []
    outline = []
    for corners, sides, top in ((body, paint, paint), (cabin, paint if van else glass, paint)):
        world = frame.world(corners)
        outline.append(_hull(fixed(eye(world)[0])))
        for name, quad in _SIDES.items():
            face = world[list(quad)]
            normal = np.cross(face[1] - face[0], face[2] - face[0])
            if normal @ (np.array([0.0, camera_m, 0.0]) - face.mean(axis=0)) <= 0:
                continue
            light = 1.12 if name == "top" else 0.78 + 0.2 * float(-normal[0] / max(np.linalg.norm(normal), 1e-9))
            fills.append((fixed(eye(face)[0]), shade(top if name == "top" else sides, light)))
            if van and corners is cabin and name == "front":
                middle = face.mean(axis=0)
                fills.append((fixed(eye(middle + (face - middle) * 0.8)[0]), glass))
            if corners is body and name in ("left", "right"):
                side = wide if name == "left" else -wide
                for along in (-0.62 * long, 0.62 * long):
                    ring = np.stack([along + 0.33 * np.cos(_ROUND), 0.33 + 0.33 * np.sin(_ROUND), np.full(17, side)], axis=1)
                    px = eye(frame.world(ring))[0]
                    fills += [(fixed(px), _RUBBER), (fixed(px.mean(axis=0) + (px - px.mean(axis=0)) * 0.5), (150, 150, 152))]
                    outline.append(_hull(fixed(px)))
            if corners is body and name in ("front", "back"):
                ahead = long if name == "front" else -long
                for left in (-0.7 * wide, 0.7 * wide):
                    lamp = np.array([(ahead, y, left + s) for y, s in ((0.6, -0.14), (0.6, 0.14), (0.74, 0.14), (0.74, -0.14))])
                    fills.append((fixed(eye(frame.world(lamp))[0]), (220, 236, 240) if name == "front" else (50, 44, 170)))
    return Thing(it.z, CAR, tuple(outline), tuple(fills))


def _block(low: tuple[float, float, float, float], high: tuple[float, float, float, float]) -> F64:
    """Eight corners (ahead, up, left): (back, front, height, half the width) of the lower and of the upper face."""
    return np.array([(x, up, s * half) for back, front, up, half in (low, high) for x in (back, front) for s in (-1.0, 1.0)])


_SIDES = {"back": (0, 1, 5, 4), "front": (3, 2, 6, 7), "left": (1, 3, 7, 5), "right": (2, 0, 4, 6), "top": (4, 5, 7, 6)}
"""Corners of each face, counted so that the normal points outwards."""
