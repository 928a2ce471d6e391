"""Which newborn track continues which lost one. It decides from columns; what becomes of ids and rows is bytetrack's matter.

Two explanations of a newborn are weighed: it is the lost one, carried on by the motion model, or a stranger. Position and velocity of both tracks
are known with a covariance each, so the first says how densely they would differ by what they do; the second, how densely strangers stand and
walk. What is foreseen sharply (a short gap, a steady walk) must be hit sharply; what is foreseen vaguely speaks for nobody, and is left alone.

Source: the test for a common origin of two tracks and the likelihood ratio of a track's continuation, as in Bar-Shalom and Li,
Multitarget-Multisensor Tracking: Principles and Techniques, 1995.
"""

from __future__ import annotations

import numpy as np

from edge.track.assignment import Rows, pair
from edge.track.kalman import F64, TICKS_PER_S
from edge.track.population import Population

_STRANGERS = 1 / 20
"""Strangers a squared box height: a newborn may stand anywhere in a patch of four by five heights. It also bounds the reach, whatever the gap: by
position alone a newborn farther than 1 / sqrt(pi e _STRANGERS), one and a half heights, from where the lost one would be is likelier a stranger."""
_WALK = 1.0
"""How fast a stranger moves (standard deviation along each axis), in box heights a second: 1.4 m/s is 0.8 of a person's height."""
_LEAP = 0.1
"""By how much a box may have leapt (standard deviation), in box heights: a track is lost on the spot only if its box did not move as foreseen."""
_LEAST_HEIGHT = 2 / 3
"""Of the taller box: one that is lower is no more the same box, but a part of a person or somebody farther away."""


def continuations(everyone: Population, lost: Rows, born: Rows) -> tuple[Rows, Rows]:
    """The pairs (K,), (K,) out of the rows `lost` (L,) and `born` (B,): one newborn to one lost track, both carried to the same moment.

    A newborn must have been first seen after the last sight of the lost one, and be of its class and of about its height.
    """
    old, new = np.ix_(lost, born)
    height = everyone.mean[:, 0, 3]
    possible = (
        (everyone.born_ns[new] > everyone.seen_ns[old])
        & (everyone.class_id[new] == everyone.class_id[old])
        & (np.minimum(height[old], height[new]) >= _LEAST_HEIGHT * np.maximum(height[old], height[new]))
    )
    rows, columns = possible.nonzero()
    if not len(rows):
        return rows, columns
    pairs = pair(rows, columns, _doubt(everyone, lost, born)[rows, columns], 0.0)
    return lost[rows[pairs]], born[columns[pairs]]


def _doubt(everyone: Population, lost: Rows, born: Rows) -> F64:
    """How much more the newborn (B,) look like strangers than like the lost (L,): minus the log of the likelihood ratio -> (L, B)."""
    old, new = np.ix_(lost, born)
    scale = np.sqrt(everyone.mean[old, 0, 3] * everyone.mean[new, 0, 3])[..., None]
    mean, cov = everyone.mean[..., :2], everyone.cov[..., :2]  # x and y; the filter never mixes them
    at, speed = np.moveaxis((mean[new] - mean[old]) / scale[..., None], 2, 0)
    pp, pv, vv = np.moveaxis((cov[new] + cov[old]) / scale[..., None] ** 2, 2, 0)
    pp = pp + _LEAP**2
    volume = pp * vv - pv**2
    apart = (vv * at**2 - 2 * pv * at * speed + pp * speed**2) / volume
    same = -(apart + np.log(volume)) / 2 - np.log(2 * np.pi)
    stranger_speed = mean[new][..., 1, :] / scale
    spread = cov[new][..., 2, :] / scale**2 + (_WALK / TICKS_PER_S) ** 2
    stranger = -(stranger_speed**2 / spread + np.log(2 * np.pi * spread)) / 2
    doubt: F64 = np.log(_STRANGERS) + (stranger - same).sum(axis=-1)
    return doubt
