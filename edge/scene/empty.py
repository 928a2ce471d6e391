"""The empty scene: a running median of the picture that leaves tracked people out. No blindness, no movement, no files.

Each sample moves every pixel towards itself by at most a step that shrinks with the number of samples the pixel has had (stochastic
approximation of the median, Robbins and Monro 1951): a first sample is taken as it is, an undetected passer-by moves it by a few levels.
"""

from __future__ import annotations

import numpy as np

from edge.data import F32, U8, Size

_WIDEST_PX = 960
"""Wider pictures are kept at every second (third, ...) pixel: a background needs no more, and a small board has no memory to spare."""
_STEP = np.array([255, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2], np.int16)
"""Largest move in levels after 0, 1, 2, ... samples of a pixel; the last one for ever."""
_MARGIN = 0.15
"""Boxes are widened by this share of their size before they are left out: hair, bags and shadows stick out."""


class EmptyScene:
    """Learns from frames of one camera; `picture` is what it knows so far."""

    def __init__(self, *, every_s: float = 1.0, eager_s: float = 0.2, eager_samples: int = 20) -> None:
        self._every_ns = round(every_s * 1e9)
        self._eager_ns = round(eager_s * 1e9)
        self._eager_samples = eager_samples
        self._scene = np.empty((0, 0, 3), np.int16)
        self._sights = np.empty((0, 0), np.uint8)
        self._stride = 1
        self._samples = 0
        self._t_ns = 0

    def wants(self, t_ns: int) -> bool:
        """Whether a sample at `t_ns` would be used: a few a second at first, then one a second."""
        pause = self._eager_ns if self._samples < self._eager_samples else self._every_ns
        return self._samples == 0 or not 0 <= t_ns - self._t_ns < pause

    def learn(self, picture: U8, boxes: F32, t_ns: int) -> None:
        """Take a sample: `picture` (H, W, 3), `boxes` (N, 4) of the people in it, in its pixels. A change of size starts anew."""
        stride = -(-picture.shape[1] // _WIDEST_PX)
        sample = picture[::stride, ::stride]
        if sample.shape != self._scene.shape:
            self._scene = np.zeros(sample.shape, np.int16)
            self._sights = np.zeros(sample.shape[:2], np.uint8)
            self._stride, self._samples = stride, 0
        free = np.ones(sample.shape[:2], np.bool_)
        for x1, y1, x2, y2 in boxes / stride:
            dx, dy = (x2 - x1) * _MARGIN, (y2 - y1) * _MARGIN
            free[max(0, int(y1 - dy)) : max(0, int(y2 + dy) + 1), max(0, int(x1 - dx)) : max(0, int(x2 + dx) + 1)] = False
        step = (_STEP[self._sights] * free)[..., None]
        self._scene += np.clip(sample - self._scene, -step, step)
        self._sights += free & (self._sights < len(_STEP) - 1)
        self._samples += 1
        self._t_ns = t_ns

    def picture(self, size: Size) -> U8:
        """The scene as far as it was ever seen empty, in `size`; what never was is grey, so that nobody shows through. (H, W, 3)"""
        if self._samples == 0:
            return np.full((size.height, size.width, 3), 96, np.uint8)
        known = self._sights > 0
        grey = self._scene[known].mean(axis=0) if known.any() else 96
        scene = np.where(known[..., None], self._scene, grey).astype(np.uint8)
        rows = np.minimum(np.arange(size.height) * scene.shape[0] // size.height, scene.shape[0] - 1)
        columns = np.minimum(np.arange(size.width) * scene.shape[1] // size.width, scene.shape[1] - 1)
        # Made contiguous: picked by columns, NumPy leaves the axes in another order, which costs every reader.
        enlarged: U8 = np.ascontiguousarray(scene[rows][:, columns])
        return enlarged
