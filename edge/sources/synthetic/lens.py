"""What a poor camera does to a picture: exposure, colour, blur, noise, JPEG. It knows no scene; the demonstration's own camera has none of it."""

from __future__ import annotations

import cv2
import numpy as np

from edge.data import U8


def spoil(picture: U8, rng: np.random.Generator) -> U8:
    """`picture` (H, W, 3) as one of many cameras might have taken it; the one in two that is good changes nothing."""
    if rng.random() < 0.5:
        return picture
    picture = _light(picture, rng)
    width = picture.shape[1]
    if rng.random() < 0.4:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.2)) * width / 640))
    if rng.random() < 0.5:
        picture = _grain(picture, rng, float(rng.uniform(1.0, 12.0)))
    if rng.random() < 0.5:
        _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])
        picture = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
    return picture


def _light(picture: U8, rng: np.random.Generator) -> U8:
    """A table for each channel: gain, gamma, a cast of colour, and veiling light."""
    level = np.linspace(0, 1, 256)[:, None] ** float(rng.uniform(0.7, 1.5))
    gain = float(rng.uniform(0.55, 1.25)) * rng.uniform(0.88, 1.12, 3)
    veil = float(rng.uniform(0.0, 0.15))
    table = np.clip(255 * (veil + (1 - veil) * level * gain), 0, 255).astype(np.uint8)
    lit = np.asarray(cv2.LUT(picture, table[None]), np.uint8)
    if rng.random() < 0.2:  # by night there is little colour
        grey = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        lit = np.asarray(cv2.addWeighted(lit, 0.15, grey, 0.85, 0), np.uint8)
    return lit


def _grain(picture: U8, rng: np.random.Generator, sigma: float) -> U8:
    grain = rng.standard_normal(picture.shape[:2], np.float32) * sigma
    shifted = np.roll(grain, (picture.shape[0] // 3, picture.shape[1] // 3), (0, 1))  # colours are noisy too, though less
    noise = np.stack([grain, 0.8 * grain + 0.4 * shifted, 0.7 * grain - 0.5 * shifted], axis=2)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)
