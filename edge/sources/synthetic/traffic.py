"""Bicycles and cars that pass over the plaza, as a function of time, in metres. People on foot are `walks`; nothing is drawn here.

They follow from the seed alone and pass through whoever is in the way: they are there for detectors to see, and no truth counts them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.sources.synthetic.view import View

F64 = NDArray[np.float64]

PERSON, BICYCLE, CAR = 0, 1, 2
"""Class ids, which are COCO's."""

_PEDALLED_M = 4.6  # the way of one turn of the pedals


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A bicycle or a car at one moment: its middle on the ground at (x, z) m, ``heading`` in rad from x towards z."""

    kind: int
    x: float
    z: float
    heading: float
    turn: float
    """Turns of the pedals so far."""
    look: int


class Traffic:
    """Who drives, and where, at any time, in any order."""

    def __init__(self, view: View, seed: int, number: int) -> None:
        self._view, self._seed, self._number = view, seed, number

    def at(self, t_s: float) -> tuple[Vehicle, ...]:
        return tuple(self._slot(k, t_s) for k in range(self._number))

    def _slot(self, slot: int, t_s: float) -> Vehicle:
        """One after the other along one lane, to and fro at one speed; some stand there for good."""
        rng = np.random.default_rng([self._seed, 0x7AF, slot])
        kind = BICYCLE if rng.random() < 0.6 else CAR
        z, speed = float(rng.uniform(8.0, 23.0)), float(rng.uniform(2.0, 5.5))
        reach = self._view.half_width_m(z) + 3.0
        lasts_s = 2 * reach / speed
        number, since = divmod(t_s + float(rng.uniform(0, lasts_s)), lasts_s)
        if rng.random() < 0.25:
            number, since = 0.0, float(rng.uniform(0.15, 0.85)) * lasts_s
        rng = np.random.default_rng([self._seed, 0x7B0, slot, int(number)])
        start, end = z + rng.uniform(-2.5, 2.5, 2)
        way = since * speed
        along = 1.0 if number % 2 else -1.0
        part = way / (2 * reach)
        return Vehicle(
            kind=kind,
            x=along * (way - reach),
            z=float(start + (end - start) * part),
            heading=float(np.arctan2(end - start, along * 2 * reach)),
            turn=way / _PEDALLED_M,
            look=int(rng.integers(1 << 62)),
        )
