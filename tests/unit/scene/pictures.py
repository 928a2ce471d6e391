"""Pictures of a made-up place, and what befalls a camera: small, quick, and known. No test lives here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.data import U8

S = 1_000_000_000
WIDTH, HEIGHT = 320, 180
_AROUND = 100

Fault = Callable[[U8], U8]
Timed = tuple[int, U8]


_GRAIN = np.random.default_rng(9).standard_normal((HEIGHT + 97, WIDTH + 97), np.float32)


def grained(grey: NDArray[np.int16], noise: float, rng: np.random.Generator) -> U8:
    """Grey levels (180, 320) as a picture with the grain of its moment."""
    if noise:
        y, x = rng.integers(0, 97, 2)
        grey = grey + np.rint(_GRAIN[y : y + HEIGHT, x : x + WIDTH] * np.float32(noise)).astype(np.int16)
    level = np.clip(grey, 0, 255).astype(np.uint8)
    return np.asarray(cv2.merge([level, level, level]))


class Place:
    """A wide wall of rectangles, of which a camera sees the middle; `people` walk before it, and each picture has its own grain."""

    def __init__(self, seed: int = 1, *, noise: float = 2.0, people: int = 0, light: float = 1.0) -> None:
        rng = np.random.default_rng(seed)
        self.wall = np.full((HEIGHT + 2 * _AROUND, WIDTH + 2 * _AROUND), 110, np.uint8)
        for _ in range(260):
            x, y = rng.integers(0, WIDTH + 2 * _AROUND), rng.integers(0, HEIGHT + 2 * _AROUND)
            angle, level = float(rng.uniform(0, 180)), int(rng.integers(40, 200))
            corners = cv2.boxPoints(((float(x), float(y)), (float(rng.integers(8, 60)), float(rng.integers(8, 60))), angle))
            cv2.fillPoly(self.wall, [corners.astype(np.int32)], level, cv2.LINE_AA)
        self._rng, self._noise, self._people, self._light = rng, noise, people, light

    def picture(self, t_s: float, *, right: int = 0, down: int = 0, turned: float = 0.0) -> U8:
        """At `t_s`. The scene lies so many pixels to the right and down of where it was, or is turned by so many degrees."""
        wall = self.wall
        if turned:
            middle = (wall.shape[1] / 2, wall.shape[0] / 2)
            wall = np.asarray(cv2.warpAffine(wall, cv2.getRotationMatrix2D(middle, turned, 1.0), (wall.shape[1], wall.shape[0])), np.uint8)
        seen = wall[_AROUND - down :, _AROUND - right :][:HEIGHT, :WIDTH].astype(np.int16)
        for k in range(self._people):
            x = int((t_s * (20 + 3 * k) + 37 * k) % (WIDTH + 40)) - 20
            y = 40 + (29 * k) % 90
            seen[y : y + 50, max(0, x) : max(0, x + 18)] = 60 + 30 * k % 150
        if self._light != 1:
            seen = (seen * self._light).astype(np.int16)
        return grained(seen, self._noise, self._rng)

    def film(self, seconds: float, *, begin_s: float = 0.0, fps: float = 4.0, fault: Fault = lambda picture: picture) -> Iterator[Timed]:
        """Frames from `begin_s` on, each through `fault`."""
        for k in range(round(seconds * fps)):
            t_s = begin_s + k / fps
            yield round(t_s * S), fault(self.picture(t_s))

    def knocked(self, seconds: float, *, begin_s: float = 0.0, fps: float = 4.0, **where: float) -> Iterator[Timed]:
        """Frames with the scene in another place."""
        for k in range(round(seconds * fps)):
            t_s = begin_s + k / fps
            yield round(t_s * S), self.picture(t_s, **where)  # type: ignore[arg-type]


def black(picture: U8) -> U8:
    return np.zeros_like(picture)


def _moment(picture: U8) -> np.random.Generator:
    return np.random.default_rng(int(picture[::7, ::7].sum()))


def hand(picture: U8) -> U8:
    """Skin before the lens: dim light through it, stronger on one side, and the sensor's noise."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return grained((40 + 25 * x - 15 * y).astype(np.int16), 3, _moment(picture))


def paint(picture: U8) -> U8:
    """A bright, plain nothing, with noise."""
    return grained(np.full((HEIGHT, WIDTH), 170, np.int16), 3, _moment(picture))


def grainy(picture: U8) -> U8:
    return grained(picture[..., 1].astype(np.int16), 15, _moment(picture))


def night(picture: U8) -> U8:
    return grained((picture[..., 1] * 0.1 + 3).astype(np.int16), 6, _moment(picture))


def unfocused(picture: U8) -> U8:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), picture.shape[1] / 50), np.uint8)


class Frozen:
    """The first picture for ever."""

    def __init__(self) -> None:
        self._held: U8 | None = None

    def __call__(self, picture: U8) -> U8:
        self._held = picture if self._held is None else self._held
        return self._held
