"""The picture of the plaza at a moment: the scene's people over a background that is drawn once. Who walks where is the scene's."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.data import U8
from edge.sources.synthetic.brush import SHIFT, Brush, thrown_by
from edge.sources.synthetic.buildings import draw_building, draw_piece
from edge.sources.synthetic.clothes import outfit
from edge.sources.synthetic.figure import INDEX, spheres
from edge.sources.synthetic.furniture import arch_x, furnish
from edge.sources.synthetic.ground import draw_ground, furniture_shadows
from edge.sources.synthetic.scene import People, Scene
from edge.sources.synthetic.things import Thing, circles, figure, vehicle
from edge.sources.synthetic.traffic import Vehicle
from edge.sources.synthetic.view import WALL_M

F64 = NDArray[np.float64]

_NOISE = 7  # grey levels from the darkest to the brightest grain
_SHADE = 0.42


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
        site = scene.view.site
        self._sun, self._thrown = 1.0 if site.sun[0] >= 0 else -1.0, thrown_by(site)
        most = _SHADE * min(site.shade, 1.0) * np.array([0.88, 0.97, 1.03])
        self._keep = np.clip(255 - np.arange(256)[:, None] * most, 0, 255).astype(np.uint8)[None]

    def paint(self, t_s: float) -> U8:
        """The picture at `t_s`: (H, W, 3) uint8 BGR, the caller's own. The same at every call, whatever was drawn before."""
        people = self.scene.at(t_s)
        picture = self.background.copy()
        self.draw(picture, people[people.share > 0], self.scene.traffic(t_s))
        shift = int(np.random.default_rng(round(t_s * 1e6)).integers(64))
        return np.asarray(cv2.add(picture, self._grain[:, shift : shift + picture.shape[1]], dst=picture))

    def draw(self, picture: U8, people: People, traffic: Sequence[Vehicle] = (), *, shadows: bool = True) -> None:
        """Draw `people` and vehicles, from far to near, into a copy of the background."""
        bodies = _bodies(people)
        if shadows:
            self._cast(picture, people, bodies, traffic)
        waiting = list(self._pieces)
        drawn: list[F64] = []
        for thing in self._things(people, bodies, traffic):
            while waiting and waiting[0].z >= thing.z:
                waiting.pop(0).restore(picture, self.background, drawn)
            for ring, colour in thing.fills:
                cv2.fillConvexPoly(picture, ring, colour, cv2.LINE_AA, SHIFT)
            drawn.append(thing.box())
        for piece in waiting:
            piece.restore(picture, self.background, drawn)

    def things(self, people: People, traffic: Sequence[Vehicle] = ()) -> list[Thing]:
        """What is drawn, from far to near; people in their order."""
        return self._things(people, _bodies(people), traffic)

    def seen(self, things: Sequence[Thing]) -> F64:
        """The part of each thing's silhouette inside the picture that nothing nearer covers -> (N,); 0 for what lies outside."""
        owner = np.zeros(self.background.shape[:2], np.uint16)
        alone = np.zeros(owner.shape, np.uint8)
        whole, waiting = np.zeros(len(things)), list(self._pieces)
        for k, thing in enumerate(things):
            while waiting and waiting[0].z >= thing.z:
                waiting.pop(0).cover(owner)
            for ring in thing.silhouette:
                cv2.fillConvexPoly(owner, ring, k + 1, cv2.LINE_8, SHIFT)
                cv2.fillConvexPoly(alone, ring, 1, cv2.LINE_8, SHIFT)
            x0, y0, x1, y1 = _region(thing.box().reshape(2, 2), owner.shape, 2)
            if x1 > x0 and y1 > y0:
                whole[k] = cv2.countNonZero(alone[y0:y1, x0:x1])
                alone[y0:y1, x0:x1] = 0
        for piece in waiting:
            piece.cover(owner)
        left = np.bincount(owner.ravel(), minlength=len(things) + 1)[1:]
        share: F64 = np.divide(left, whole, out=np.zeros(len(things)), where=whole > 0)
        return share

    def _things(self, people: People, bodies: tuple[F64, F64], traffic: Sequence[Vehicle]) -> list[Thing]:
        view, centres = self.scene.view, bodies[0]
        px, scale = self._eye(centres)
        r = bodies[1] * scale
        things = []
        left, right = (view.project(centres[:, INDEX[name]])[1] for name in ("shoulder_l", "shoulder_r"))
        for k in range(len(people)):
            z = float(people.ground[k, 1])
            facing = bool(np.sin(people.heading[k]) < 0)
            light = float(np.clip(1.0 - (z - WALL_M) / 2.6, 0.16, 1.0))
            near = bool(left[k] < right[k])
            things.append(
                figure(z, px[k], r[k], int(people.look[k]), left_is_near=near, facing=facing, light=light, sun=self._sun, on_foot=True)
            )
        for one in traffic:
            things += vehicle(one, self._eye, view.site.camera_m, self._sun)
        return sorted(things, key=lambda thing: -thing.z)

    def _eye(self, world: F64) -> tuple[F64, F64]:
        px, depth = self.scene.view.project(world)
        return px, self.scene.view.focal_px / depth

    def _fallen(self, world: F64) -> tuple[F64, F64]:
        """Where the shadow of `world` is seen."""
        return self._eye(world * (1.0, 0.0, 1.0) + world[..., 1:2] * self._thrown)

    def _cast(self, picture: U8, people: People, bodies: tuple[F64, F64], traffic: Sequence[Vehicle]) -> None:
        """Soft shadows on the ground. Each is cut from the background, so that where two overlap it is no darker."""
        mask, thrown = self._shadow, []
        mask[:] = 0
        px, scale = self._fallen(bodies[0])
        around = circles(px, bodies[1] * scale, 0.55)
        for k in np.flatnonzero(people.ground[:, 1] < WALL_M):
            parts = outfit(int(people.look[k])).order(True, True)
            hulls = [cv2.convexHull(around[k, list(hull)].reshape(-1, 2)) for part in parts for hull in part.hulls]
            thrown.append((hulls, around[k].reshape(-1, 2)))
        for one in traffic:
            cast = vehicle(one, self._fallen, self.scene.view.site.camera_m, self._sun)
            thrown += [(list(thing.silhouette), np.concatenate(thing.silhouette)) for thing in cast]
        for hulls, _ in thrown:
            for ring in hulls:
                cv2.fillConvexPoly(mask, ring, 255, cv2.LINE_AA, SHIFT)
        for _, points in thrown:
            x0, y0, x1, y1 = _region(points / (1 << SHIFT), mask.shape, 4)
            if x1 > x0 and y1 > y0:
                soft = cv2.GaussianBlur(mask[y0:y1, x0:x1], (5, 5), 0)
                keep = cv2.LUT(cv2.merge([soft, soft, soft]), self._keep)
                under = self.background[y0:y1, x0:x1]
                cv2.min(picture[y0:y1, x0:x1], cv2.multiply(under, keep, scale=1 / 255), dst=picture[y0:y1, x0:x1])


def _bodies(people: People) -> tuple[F64, F64]:
    """Spheres (N, S, 3) and (N, S) in metres."""
    return spheres(people.ground, people.heading, people.speed, people.cycle, people.height, people.girth)


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

    def restore(self, picture: U8, background: U8, behind: Sequence[F64]) -> None:
        """Lay the piece over the picture again, if any of the boxes (4,) `behind` it reaches it."""
        x, y = self._x, self._y
        if any(b[0] < x.stop and b[2] > x.start and b[1] < y.stop and b[3] > y.start for b in behind):
            cv2.copyTo(background[y, x], self._mask, picture[y, x])

    def cover(self, owner: NDArray[np.uint16]) -> None:
        """What stands behind the piece is not seen there."""
        owner[self._y, self._x][self._mask > 0] = 0


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
