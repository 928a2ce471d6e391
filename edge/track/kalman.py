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
    x1, y1, x2, y2 = xyxy.astype(np.float64).T
    h = np.maximum(y2 - y1, _LEAST)
    return np.stack([(x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / h, h], axis=1)


def to_xyxy(mean: F64) -> F64:
    """The boxes (N, 4) that the means (N, 2, 4) stand for."""
    x, y, a, h = mean[:, 0].T
    w2, h2 = a * h / 2, h / 2
    return np.stack([x - w2, y - h2, x + w2, y + h2], axis=1)


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
    u, h = ticks, mean[:, 0, 3]
    value_var, velocity_var = _variances(h, value, _ASPECT_VALUE), _variances(h, velocity, _ASPECT_VELOCITY)
    pp, pv, vv = cov[:, 0], cov[:, 1], cov[:, 2]
    out_mean, out_cov = mean.copy(), np.empty_like(cov)
    out_mean[:, 0] += u * mean[:, 1]
    # A shrinking box must not turn inside out in a long gap.
    np.maximum(out_mean[:, 0, 2:], _LEAST, out=out_mean[:, 0, 2:])
    out_cov[:, 0] = pp + u * (2 * pv + u * vv) + u * value_var + (u * (u - 1) * (2 * u - 1) / 6) * velocity_var
    out_cov[:, 1] = pv + u * vv + (u * (u - 1) / 2) * velocity_var
    out_cov[:, 2] = vv + u * velocity_var
    return out_mean, out_cov


def update(mean: F64, cov: F64, measured: F64) -> tuple[F64, F64]:
    """Mean and covariance after the boxes were seen at `measured` (N, 4)."""
    pp, pv, vv = cov[:, 0], cov[:, 1], cov[:, 2]
    total = pp + _variances(mean[:, 0, 3], VALUE, _ASPECT_MEASURED)
    gain = cov[:, :2] / total[:, None]
    out_mean = mean + gain * (measured - mean[:, 0])[:, None]
    out_cov = np.empty_like(cov)
    out_cov[:, 0] = pp - gain[:, 0] * pp
    out_cov[:, 1] = pv - gain[:, 0] * pv
    out_cov[:, 2] = vv - gain[:, 1] * pv
    return out_mean, out_cov
