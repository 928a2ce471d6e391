"""Where the scene that a camera was set up for lies in its present picture. How long it must lie there to have moved is decided elsewhere.

A view is the direction of the edge in each cell, as a unit vector at twice its angle that shrinks where the edge is no stronger than noise
(orientation correlation: Fitch, Kadyrov, Christmas and Kittler, BMVC 2002; the angle doubled, so that an edge that turns from dark on bright to
bright on dark is the same edge). Light that comes, goes or moves changes how strong edges are, but seldom their directions, and what
hides a half of the picture leaves the other half where it was: the highest place of the correlation stays at nought.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.data import F32
from edge.scene.sample import GRID

Directions = NDArray[np.complex64]

_NOISE_LEVELS = 2.0
"""An edge of so many levels from a cell's left to its right counts for half."""
_FOUND = 0.12
"""Correlation of a scene that was found. Measured: 0.13 to 0.25 in its place with eight ninths of the light gone in noise, or four fifths of it
hidden; 0.06 to 0.12 for other scenes; 0.37 to 0.81 where it had shifted."""
_RATHER = 0.6
"""A scene has shifted when in its old place it is found less well than this share of how well it is in the new one."""
_KNOWN = 4
"""Views from which the scene is known."""
_LONGEST = 300
"""Views over which the scene goes on being learned: shadows wander, seasons change, cars park."""
_LEAST_EDGES = 200
"""Cells' worth of edges that a scene must have to be found again."""


class Shift(NamedTuple):
    """How far the scene lies from its place, as shares of the picture's width and height, right and down."""

    right: float
    down: float


class KnownView:
    """The scene as it was when the camera was set up: learned from views, found in later ones."""

    def __init__(self, state: Mapping[str, NDArray[Any]] | None = None) -> None:
        """`state`: of an earlier run's, by `state()`."""
        self._mean: Directions = np.zeros((GRID.height, GRID.width), np.complex64)
        self.views = 0
        if state is not None and state["mean"].shape == (*self._mean.shape, 2):
            self._mean = (state["mean"].astype(np.float32) / 127).view(np.complex64)[..., 0]
            self.views = int(state["views"])

    def state(self) -> dict[str, NDArray[Any]]:
        """What there is to be kept: 28.8 kB of directions. No picture can be made of them that shows anybody."""
        mean = np.ascontiguousarray(self._mean)[..., None].view(np.float32)
        return {"mean": np.rint(mean * 127).astype(np.int8), "views": np.array(self.views)}

    @property
    def known(self) -> bool:
        return self.views >= _KNOWN and float(np.abs(self._mean).sum()) >= _LEAST_EDGES

    def learn(self, view: Directions) -> None:
        """A view in which the scene lies in its place. Who walks through it leaves nothing: directions that change come to nought."""
        self.views += 1
        self._mean += (view - self._mean) / min(self.views, _LONGEST)

    def find(self, view: Directions) -> Shift | None:
        """Where the scene lies in a view; None where it is not to be found."""
        correlation = np.fft.ifft2(np.fft.fft2(view) * np.conj(np.fft.fft2(self._mean))).real
        norm = float(np.linalg.norm(view) * np.linalg.norm(self._mean))
        there = int(np.argmax(correlation))
        down, right = divmod(there, GRID.width)
        best = float(correlation[down, right])
        if norm == 0 or best < _FOUND * norm:
            return None
        if correlation[0, 0] >= _RATHER * best:
            return Shift(0.0, 0.0)
        down, right = (n - whole if n > whole // 2 else n for n, whole in ((down, GRID.height), (right, GRID.width)))
        return Shift(right / GRID.width, down / GRID.height)


def directions(levels: F32) -> Directions:
    """The view of a grey sample (90, 160), best of a mean over a few seconds: noise and walkers are weaker in it."""
    slope = np.zeros(levels.shape, np.complex64)
    slope.real[:, 1:-1] = levels[:, 2:] - levels[:, :-2]
    slope.imag[1:-1] = levels[2:] - levels[:-2]
    strength = slope.real**2 + slope.imag**2
    view: Directions = slope * slope / (strength + np.float32(_NOISE_LEVELS**2))
    return view
