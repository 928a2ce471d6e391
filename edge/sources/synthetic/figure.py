"""The body of a walker as spheres in space, for any number of walkers at once. It knows gait, not clothes, pixels or paths.

A part of the body is the convex hull of a few spheres. All lengths are shares of the body's height.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

STRIDE: Final = 0.83  # two steps, as a share of the height
_THIGH, _SHANK, _ANKLE, _SOLE = 0.245, 0.235, 0.045, 0.016
_ARM, _FOREARM = 0.165, 0.15

NAMES: Final = (
    "face", "hair", "tail", "neck",
    "shoulder_l", "shoulder_r", "waist_l", "waist_r", "hip_l", "hip_r", "hem_l", "hem_r",
    "elbow_l", "elbow_r", "hand_l", "hand_r",
    "knee_l", "knee_r", "ankle_l", "ankle_r", "heel_l", "heel_r", "toe_l", "toe_r",
    "pack_top", "pack_low",
)  # fmt: skip
INDEX: Final = {name: k for k, name in enumerate(NAMES)}
_RADIUS: Final = np.array(
    [0.056, 0.062, 0.034, 0.026, 0.044, 0.044, 0.052, 0.052, 0.058, 0.058, 0.072, 0.072, 0.027, 0.027, 0.022, 0.022]
    + [0.04, 0.04, 0.026, 0.026, 0.021, 0.021, 0.018, 0.018, 0.05, 0.055]
)  # fmt: skip


def spheres(ground: F64, heading: F64, speed: F64, cycle: F64, height: F64, girth: F64) -> tuple[F64, F64]:
    """Walkers at ground (M, 2) m -> centres (M, S, 3) and radii (M, S) in metres, in the order of `NAMES`.

    `cycle` counts strides (its fraction is the phase of the gait), `speed` in m/s gives their length: who stands has the legs together.
    The hip, knee and arm angles are plain sinusoids with the shape of a textbook gait cycle (Perry, Gait Analysis).
    """
    swing = np.minimum(1.0, speed / 1.1)
    f, y, s = np.zeros((3, len(heading), len(NAMES)))  # ahead, up and to the left of the hips

    def put(name: str, forward: F64 | float, above: F64 | float, left: F64 | float) -> None:
        k = INDEX[name]
        f[:, k], y[:, k], s[:, k] = forward, above, left

    for suffix, left, phase in (("_l", 1.0, 0.0), ("_r", -1.0, 0.5)):
        turn = 2 * np.pi * (cycle + phase)
        thigh = 0.40 * swing * np.sin(turn) + 0.03
        knee = swing * (0.1 + 0.75 * np.maximum(0.0, np.cos(turn)) ** 1.5) + 0.04
        shank = thigh - knee
        kx, ky = _THIGH * np.sin(thigh), -_THIGH * np.cos(thigh)
        ax, ay = kx + _SHANK * np.sin(shank), ky - _SHANK * np.cos(shank)
        pitch = shank * 0.6
        put("waist" + suffix, 0.0, 0.12, 0.038 * left)
        put("hip" + suffix, 0.0, 0.0, 0.042 * left)
        put("knee" + suffix, kx, ky, 0.05 * left)
        put("ankle" + suffix, ax, ay, 0.045 * left)
        put("heel" + suffix, ax - 0.025, ay - 0.025, 0.045 * left)
        put("toe" + suffix, ax + 0.085 * np.cos(pitch), ay - 0.028 + 0.085 * np.sin(pitch), 0.055 * left)
        put("hem" + suffix, 0.3 * kx, -0.15, 0.035 * left)
        arm = -0.42 * swing * np.sin(turn) + 0.02
        elbow = arm + 0.25 + 0.2 * swing
        ex, ey = _ARM * np.sin(arm), 0.285 - _ARM * np.cos(arm)
        put("shoulder" + suffix, 0.0, 0.285, 0.098 * left)
        put("elbow" + suffix, ex, ey, 0.135 * left)
        put("hand" + suffix, ex + _FOREARM * np.sin(elbow), ey - _FOREARM * np.cos(elbow), 0.13 * left)
    put("neck", 0.0, 0.345, 0.0)
    put("face", 0.02, 0.405, 0.0)
    put("hair", -0.01, 0.422, 0.0)
    put("tail", -0.045, 0.35, 0.0)
    put("pack_top", -0.085, 0.25, 0.0)
    put("pack_low", -0.095, 0.1, 0.0)

    y += _SOLE - y.min(axis=1, keepdims=True)  # the lower foot stands on the ground
    s *= girth[:, None]
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    centres = np.stack([f * cos - s * sin, y, f * sin + s * cos], axis=2) * height[:, None, None]
    centres[..., 0] += ground[:, None, 0]
    centres[..., 2] += ground[:, None, 1]
    return centres, _RADIUS[None, :] * height[:, None] * np.sqrt(girth)[:, None]


def riding(ground: F64, heading: float, turn: float, height: float, girth: float) -> tuple[F64, F64]:
    """One person on a bicycle at ground (2,) m -> centres (S, 3) and radii (S,) in metres; `turn` counts turns of the pedals.

    The legs are two links between the saddle and the pedals, the trunk leans forward to the bar.
    """
    f, y, s = np.zeros((3, len(NAMES)))
    hips, crank, bar = np.array([-0.13, 0.51]), np.array([-0.03, 0.165]), np.array([0.24, 0.575])

    def put(name: str, place: F64, left: float) -> None:
        k = INDEX[name]
        f[k], y[k], s[k] = place[0], place[1], left

    trunk = np.array([np.sin(0.42), np.cos(0.42)])
    for suffix, left, phase in (("_l", 1.0, 0.0), ("_r", -1.0, 0.5)):
        angle = 2 * np.pi * (turn + phase)
        ankle = crank + 0.095 * np.array([np.cos(angle), -np.sin(angle)]) + (-0.03, 0.045)
        to = ankle - hips
        away = min(float(np.hypot(*to)), _THIGH + _SHANK - 1e-6)
        bend = np.arccos(np.clip((_THIGH**2 + away**2 - _SHANK**2) / (2 * _THIGH * away), -1, 1))
        thigh = np.arctan2(to[1], to[0]) + bend
        knee = hips + _THIGH * np.array([np.cos(thigh), np.sin(thigh)])
        shoulder = hips + 0.285 * trunk
        put("waist" + suffix, hips + 0.12 * trunk, 0.038 * left)
        put("hip" + suffix, hips, 0.042 * left)
        put("hem" + suffix, hips + (0.05, -0.04), 0.04 * left)
        put("knee" + suffix, knee, 0.05 * left)
        put("ankle" + suffix, ankle, 0.05 * left)
        put("heel" + suffix, ankle + (-0.03, -0.03), 0.05 * left)
        put("toe" + suffix, ankle + (0.075, -0.035), 0.055 * left)
        put("shoulder" + suffix, shoulder, 0.098 * left)
        put("elbow" + suffix, (shoulder + bar) / 2 + (-0.02, -0.05), 0.15 * left)
        put("hand" + suffix, bar, 0.13 * left)
    neck = hips + 0.345 * trunk
    for name, place in (("neck", neck), ("face", neck + (0.035, 0.06)), ("hair", neck + (0.01, 0.08)), ("tail", neck + (-0.03, 0.03))):
        put(name, place, 0.0)
    put("pack_top", hips + 0.25 * trunk + (-0.08, 0.03), 0.0)
    put("pack_low", hips + 0.1 * trunk + (-0.09, 0.03), 0.0)
    s *= girth
    cos, sin = np.cos(heading), np.sin(heading)
    centres = np.stack([f * cos - s * sin, y, f * sin + s * cos], axis=1) * height
    centres += (ground[0], 0.0, ground[1])
    return centres, _RADIUS * height * np.sqrt(girth)
