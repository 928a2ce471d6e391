"""The picture of the plaza at a moment: the scene's people over a background that is drawn once. Who walks where is the scene's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.data import U8
from edge.sources.synthetic.brush import SHADOW, SHIFT, Brush, fixed, shade
from edge.sources.synthetic.buildings import draw_building, draw_piece
from edge.sources.synthetic.clothes import outfit
from edge.sources.synthetic.figure import INDEX, spheres
from edge.sources.synthetic.furniture import arch_x, furnish
from edge.sources.synthetic.ground import draw_ground, furniture_shadows
from edge.sources.synthetic.scene import People, Scene
from edge.sources.synthetic.view import WALL_M

F64 = NDArray[np.float64]
Fixed = NDArray[np.int32]

_CIRCLE = np.stack([np.cos(t := np.linspace(0, 2 * np.pi, 10, endpoint=False)), np.sin(t)], axis=1)
_NOISE = 7  # grey levels from the darkest to the brightest grain
_SHADE = 0.42
_BLEED_PX = 0.7  # by how much OpenCV's anti-aliased fill goes beyond its outline


class Renderer:
    """Draws one scene at its own size. Not for several threads at once."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        rng = np.random.default_rng([scene.options.seed, 0xB6])
        self.background, self._pieces = _background(scene, rng)
        width, height = scene.options.size
        grain = rng.triangular(0, _NOISE / 2, _NOISE, (height, width + 64, 1)) + rng.uniform(-0.5, 0.5, (height, width + 64, 3))
        self._grain = np.clip(np.rint(grain), 0, 255).astype(np.uint8)
        self._shadow = np.zeros((height, width), np.uint8)
        self._keep = np.clip(255 - np.arange(256)[:, None] * (_SHADE * np.array([0.88, 0.97, 1.03])), 0, 255).astype(np.uint8)[None]

    def paint(self, t_s: float) -> U8:
        """The picture at `t_s`: (H, W, 3) uint8 BGR, the caller's own. The same at every call, whatever was drawn before."""
        people = self.scene.at(t_s)
        people = people[people.share > 0]
        picture = self.background.copy()
        self.draw(picture, people)
        shift = int(np.random.default_rng(round(t_s * 1e6)).integers(64))
        return np.asarray(cv2.add(picture, self._grain[:, shift : shift + picture.shape[1]], dst=picture))

    def draw(self, picture: U8, people: People, *, shadows: bool = True) -> None:
        """Draw `people`, from far to near, into a copy of the background."""
        if not len(people):
            return
        centres, radii = spheres(people.ground, people.heading, people.speed, people.cycle, people.height, people.girth)
        if shadows:
            self._cast(picture, people, centres, radii)
        px, depth = self.scene.view.project(centres)
        r = self.scene.view.focal_px * radii / depth
        dark, bright = _circles(px, r), _circles(px + r[..., None] * (-0.26, -0.16), r * 0.66)
        waiting = list(self._pieces)
        for k in range(len(people)):
            z = float(people.ground[k, 1])
            while waiting and waiting[0].z >= z:
                waiting.pop(0).restore(picture, self.background, people.box[:k])
            left_is_near = bool(depth[k, INDEX["shoulder_l"]] < depth[k, INDEX["shoulder_r"]])
            facing = bool(np.sin(people.heading[k]) < 0)
            light = float(np.clip(1.0 - (z - WALL_M) / 2.6, 0.16, 1.0))
            _figure(picture, dark[k], bright[k], int(people.look[k]), left_is_near, facing, light)
        for piece in waiting:
            piece.restore(picture, self.background, people.box)

    def _cast(self, picture: U8, people: People, centres: F64, radii: F64) -> None:
        """Soft shadows on the ground. Each is cut from the background, so that where two overlap it is no darker."""
        mask, view = self._shadow, self.scene.view
        mask[:] = 0
        fallen = centres * (1.0, 0.0, 1.0) + centres[..., 1:2] * SHADOW
        px, depth = view.project(fallen)
        around = _circles(px, view.focal_px * radii / depth, 0.55)
        regions = []
        for k in np.flatnonzero(people.ground[:, 1] < WALL_M):
            for part in outfit(int(people.look[k])).order(True, True):
                for hull in part.hulls:
                    cv2.fillConvexPoly(mask, cv2.convexHull(around[k, list(hull)].reshape(-1, 2)), 255, cv2.LINE_AA, SHIFT)
            regions.append(_region(around[k].reshape(-1, 2) / (1 << SHIFT), mask.shape, 4))
        for x0, y0, x1, y1 in regions:
            if x1 > x0 and y1 > y0:
                soft = cv2.GaussianBlur(mask[y0:y1, x0:x1], (5, 5), 0)
                keep = cv2.LUT(cv2.merge([soft, soft, soft]), self._keep)
                under = self.background[y0:y1, x0:x1]
                cv2.min(picture[y0:y1, x0:x1], cv2.multiply(under, keep, scale=1 / 255), dst=picture[y0:y1, x0:x1])


def _figure(picture: U8, dark: Fixed, bright: Fixed, look: int, left_is_near: bool, facing: bool, light: float) -> None:
    """One walker: each part in its shaded colour, and inside that a lighter one on the side of the sun."""
    for part in outfit(look).order(left_is_near, facing):
        for circles, tone in ((dark, 0.78 * light), (bright, 1.06 * light)):
            colour = shade(part.colour, tone)
            for hull in part.hulls:
                cv2.fillConvexPoly(picture, cv2.convexHull(circles[list(hull)].reshape(-1, 2)), colour, cv2.LINE_AA, SHIFT)


def _circles(px: F64, r: F64, squash: float = 1.0) -> Fixed:
    """Spheres at (N, S, 2) px with radii (N, S) -> points round them (N, S, K, 2), in fixed point."""
    r = np.maximum(r - _BLEED_PX, 0.3 * r)
    return fixed(px[:, :, None, :] + r[:, :, None, None] * (_CIRCLE * (1.0, squash)))


def _region(points: F64, shape: tuple[int, ...], margin: int) -> tuple[int, int, int, int]:
    """The rectangle round `points`, in whole pixels of a picture of `shape`."""
    low, high = np.floor(points.min(axis=0)) - margin, np.ceil(points.max(axis=0)) + margin
    x0, y0 = (int(max(0, v)) for v in low)
    return x0, y0, int(min(shape[1], high[0])), int(min(shape[0], high[1]))


class _Standing:
    """A piece of furniture in the background, to be put in front of those behind it."""

    def __init__(self, z: float, mask: U8) -> None:
        self.z = z
        x, y, w, h = cv2.boundingRect(mask)
        self._x, self._y = slice(x, x + w), slice(y, y + h)
        self._mask = mask[self._y, self._x].copy()

    def restore(self, picture: U8, background: U8, behind: F64) -> None:
        """Lay the piece over the picture again, if any of the boxes (N, 4) `behind` it reaches it."""
        x, y = self._x, self._y
        if ((behind[:, 0] < x.stop) & (behind[:, 2] > x.start) & (behind[:, 1] < y.stop) & (behind[:, 3] > y.start)).any():
            cv2.copyTo(background[y, x], self._mask, picture[y, x])


def _background(scene: Scene, rng: np.random.Generator) -> tuple[U8, list[_Standing]]:
    """The empty plaza, and its furniture from far to near. Drawn larger than wanted where that is affordable, for smooth edges."""
    view, (width, height) = scene.view, scene.options.size
    scale = 3 if width <= 640 else 2 if width <= 1920 else 1
    large = np.zeros((height * scale, width * scale, 3), np.uint8)
    pieces = furnish(view)
    draw_ground(view, large, scale, rng)
    furniture_shadows(view, large, scale, pieces, rng)
    draw_building(Brush(view, large, scale), arch_x(view), rng)
    standing = []
    for piece in pieces:
        brush = Brush(view, large, scale)
        draw_piece(brush, piece, rng)
        mask = cv2.resize(brush.touched, (width, height), interpolation=cv2.INTER_AREA)
        standing.append((piece.z, np.where(mask > 127, 255, 0).astype(np.uint8)))
    picture = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = 1.02 - 0.08 * x - 0.05 * y - 0.07 * (x**2 + y**2)
    lit = np.clip(picture * light[..., None], 0, 255 - _NOISE).astype(np.uint8)
    return lit, [_Standing(z, mask) for z, mask in standing if mask.any()]
