"""Which presence gets the last colour: a high percentile that moves slowly, or a fixed value. Numbers only."""

from __future__ import annotations

import math

import numpy as np

from edge.data import F32

PERCENTILE = 98.0
LEAST_S = 0.05
"""A scale below this would show the noise of a first second as full heat."""


def top_of(seconds: F32) -> float:
    """The 98th percentile of those cells of a grid that are warm at all, in seconds, and never 0: an empty grid has a scale too."""
    warm = seconds[seconds > 1e-3 * max(float(seconds.max(initial=0.0)), 1e-9)]
    if not warm.size:
        return LEAST_S
    # np.percentile says the same and takes four times as long.
    part, rank = math.modf((warm.size - 1) * PERCENTILE / 100)
    low, high = int(rank), min(int(rank) + 1, warm.size - 1)
    ranked = np.partition(warm, (low, high))
    return max(float(ranked[low] + part * (ranked[high] - ranked[low])), LEAST_S)


class Scale:
    """Follows `top_of` with a time constant, so that colours do not flicker; `fixed_s` holds it still."""

    def __init__(self, *, fixed_s: float | None = None, settle_s: float = 5.0) -> None:
        self._fixed_s = fixed_s
        self._settle_s = settle_s
        self._top: float | None = fixed_s
        self._t_ns = 0

    def follow(self, seconds: F32, t_ns: int) -> float:
        """The scale's top for a grid at `t_ns`, in presence-seconds a cell."""
        if self._fixed_s is not None:
            return self._fixed_s
        wanted = top_of(seconds)
        if self._top is None:
            self._top = wanted
        else:
            part = 1 - math.exp(-max(0, t_ns - self._t_ns) * 1e-9 / self._settle_s)
            self._top += part * (wanted - self._top)
        self._t_ns = t_ns
        return self._top
