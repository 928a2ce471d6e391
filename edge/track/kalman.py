"""The motion of boxes: a constant-velocity Kalman filter over all tracks at once. It knows no identities and no detections' scores.

A box is ``(x, y, a, h)``: its centre, aspect (width by height) and height, each with a velocity. The noise of ByteTrack's filter is diagonal, so
the four never mix and the 8 x 8 covariance is four 2 x 2 blocks. Hence the arrays: ``mean (N, 2, 4)`` (values, velocities) and
``cov (N, 3, 4)`` (variance of the value, covariance of value and velocity, variance of the velocity).

Time is counted in ticks of 1/30 s, velocities are per tick: at 30 fps this is the filter of the paper's code step by step.

Source: Wojke et al., Simple Online and Realtime Tracking with a Deep Association Metric (2017), as used by Zhang et al., ByteTrack (2022).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

TICKS_PER_S = 30.0

# ByteTrack's standard deviations for x, y and h, as parts of the height; those of the aspect are absolute.
VALUE, VELOCITY = 1 / 20, 1 / 160
_LEAST = 1e-2  # of an aspect, and of a height in px: below it a box would have no inside
_ASPECT_VALUE, _ASPECT_VELOCITY, _ASPECT_MEASURED = 1e-2, 1e-5, 1e-1


def to_xyah(xyxy: NDArray[np.floating]) -> F64:
    """Corners (N, 4) -> centre, aspect, height (N, 4)."""
    xyxy = xyxy.astype(np.float64)
    out = np.empty_like(xyxy)
    out[:, :2] = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    out[:, 2:] = xyxy[:, 2:] - xyxy[:, :2]
    np.maximum(out[:, 3], _LEAST, out=out[:, 3])
    out[:, 2] /= out[:, 3]
    return out


def to_xyxy(mean: F64) -> F64:
    """The boxes (N, 4) that the means (N, 2, 4) stand for."""
    centre, half = mean[:, 0, :2], mean[:, 0, 2:] / 2
    half[:, 0] *= mean[:, 0, 3]
    out = np.empty((len(mean), 4))
    np.subtract(centre, half, out=out[:, :2])
    np.add(centre, half, out=out[:, 2:])
    return out


def _variances(h: F64, part: float, aspect: float) -> F64:
    """(N, 4): the square of `part` of the height for x, y and h, of `aspect` for a."""
    out = np.empty((len(h), 4))
    out[:] = ((part * h) ** 2)[:, None]
    out[:, 2] = aspect**2
    return out


def begin(measured: F64) -> tuple[F64, F64]:
    """Mean and covariance of tracks first seen at `measured` (N, 4), standing still as far as one knows."""
    h = measured[:, 3]
    mean = np.zeros((len(h), 2, 4))
    mean[:, 0] = measured
    cov = np.zeros((len(h), 3, 4))
    cov[:, 0] = _variances(h, 2 * VALUE, _ASPECT_VALUE)
    cov[:, 2] = _variances(h, 10 * VELOCITY, _ASPECT_VELOCITY)
    return mean, cov


def predict(mean: F64, cov: F64, ticks: float, *, value: float = VALUE, velocity: float = VELOCITY) -> tuple[F64, F64]:
    """Mean and covariance `ticks` later; `value` and `velocity` are the noise of one tick (standard deviations) as parts of the height.

    The noise of u ticks is what u steps of one add up to, a polynomial in u that also holds for parts of a tick. So one step over a gap
    equals many small ones, at every frame rate. That polynomial is a variance while `value` is at least a tenth or so of `velocity`.
    """
    u = ticks
    out_mean = mean.copy()
    out_mean[:, 0] += u * mean[:, 1]
    # A shrinking box must not turn inside out in a long gap.
    np.maximum(out_mean[:, 0, 2:], _LEAST, out=out_mean[:, 0, 2:])
    pv, vv = cov[:, 1], cov[:, 2]
    out_cov = _noise(mean[:, 0, 3], u, value, velocity)
    out_cov += cov
    carried = pv + u * vv
    out_cov[:, 0] += u * (pv + carried)
    out_cov[:, 1] += u * vv
    return out_mean, out_cov


def _noise(h: F64, u: float, value: float, velocity: float) -> F64:
    """(N, 3, 4): what `u` ticks add to the covariance of boxes of heights `h` (N,)."""
    steps = u * (u - 1) / 2

    def grown(value: float, velocity: float) -> F64:
        of_value, of_velocity = value**2, velocity**2
        return np.array([u * of_value + steps * (2 * u - 1) / 3 * of_velocity, steps * of_velocity, u * of_velocity])

    out = np.empty((len(h), 3, 4))
    np.multiply((h * h)[:, None, None], grown(value, velocity)[:, None], out=out)
    out[:, :, 2] = grown(_ASPECT_VALUE, _ASPECT_VELOCITY)
    return out


def update(mean: F64, cov: F64, measured: F64, doubt: float | F64 = 1.0) -> tuple[F64, F64]:
    """Mean and covariance after the boxes were seen at `measured` (N, 4), each with `doubt` (N,) times the usual variance.

    Source of a variance for each sight: Du et al., GIAOTracker (2021), there of the detector's score.
    """
    noise = _variances(mean[:, 0, 3], VALUE, _ASPECT_MEASURED) * np.reshape(doubt, (-1, 1))
    gain = cov[:, :2] / (cov[:, 0] + noise)[:, None]
    out_mean, out_cov = mean.copy(), cov.copy()
    out_mean += gain * (measured - mean[:, 0])[:, None]
    out_cov[:, :2] -= gain[:, :1] * cov[:, :2]
    out_cov[:, 2] -= gain[:, 1] * cov[:, 1]
    return out_mean, out_cov
