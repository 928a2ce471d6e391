"""Boxes of people who walk to and fro over a picture, and pictures to walk over: what both sides of a measurement are given. Nothing is timed here."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from edge.data import Detections, Size

_PICTURES = 8
_MISSED, _LOW = 0.03, 0.05  # parts of the sights that a network misses, or is unsure of


def walk(size: Size, people: int, frames: int, *, fps: float = 30.0, seed: int = 1) -> list[Detections]:
    """What a good detector would see of `people` in each of `frames`: jittered boxes, some missed, some of a low score.

    Each walks straight at 0.3 to 1.2 of its heights a second and turns at the border; who stands lower in the picture is larger.
    """
    rng = np.random.default_rng(seed)
    span = np.array([size.width, size.height * 0.55])
    at, speed = rng.random((people, 2)) * span, rng.uniform(0.3, 1.2, people)
    heading = rng.uniform(0, 2 * np.pi, people)
    velocity = np.stack([np.cos(heading), np.sin(heading) * 0.5], axis=1) * (speed * size.height * 0.2)[:, None]
    seen = []
    for frame in range(frames):
        turned = np.mod(at + velocity * (frame / fps), 2 * span)
        foot = np.minimum(turned, 2 * span - turned) + [0, size.height * 0.42]
        height = size.height * (0.12 + 0.33 * (foot[:, 1] / size.height - 0.42))  # 0.12 to 0.3 of the picture, as in PETS 2009
        half = height * 0.2
        xyxy = np.stack([foot[:, 0] - half, foot[:, 1] - height, foot[:, 0] + half, foot[:, 1]], axis=1)
        xyxy += rng.normal(0, 0.01, (people, 4)) * height[:, None]
        score = np.where(rng.random(people) < _LOW, rng.uniform(0.12, 0.24, people), rng.uniform(0.45, 0.95, people))
        kept = rng.random(people) >= _MISSED
        xyxy = np.clip(xyxy[kept], 0, [size.width, size.height] * 2)
        whole = (xyxy[:, 2:] - xyxy[:, :2] > 2).all(axis=1)
        seen.append(Detections(xyxy[whole], score[kept][whole], np.zeros(int(whole.sum()), np.int16)))
    return seen


def save_walk(path: Path, seen: list[Detections]) -> None:
    """`seen` as .npz for another interpreter: ``xyxy (M, 4)``, ``score (M,)``, and ``start (frames + 1,)``, where each frame's rows begin."""
    start = np.cumsum([0, *(len(detections) for detections in seen)])
    np.savez(path, xyxy=np.concatenate([d.xyxy for d in seen]), score=np.concatenate([d.score for d in seen]), start=start)


def load_walk(path: Path) -> list[Detections]:
    """What `save_walk` wrote."""
    with np.load(path) as file:
        xyxy, score, start = file["xyxy"], file["score"], file["start"]
    return [Detections(xyxy[a:b], score[a:b], np.zeros(b - a, np.int16)) for a, b in pairwise(start)]


def save_pictures(path: Path, size: Size, people: int) -> None:
    """A few pictures of the plaza, half a second apart, as .npy of (N, H, W, 3) uint8 BGR."""
    from edge.sources.synthetic import open_synthetic

    pictures = []
    with open_synthetic(
        f"synthetic://plaza?seed=7&size={size}&fps=2&people={min(people, 60)}&seconds={_PICTURES / 2:g}", "bench"
    ) as source:
        for frame in source:
            with frame:
                pictures.append(frame.bgr.copy())
    np.save(path, np.stack(pictures))
