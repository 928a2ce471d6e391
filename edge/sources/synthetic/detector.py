"""A detector that looks at no pixels: it takes the scene's own boxes and spoils them as a network would. Scenes and pictures are made elsewhere.

What it says of a frame follows from its seed, the camera's name and the frame's stamp alone, whatever was asked before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from edge.data import Detections, Frame, Stamp
from edge.errors import UsageError
from edge.sources.synthetic.scene import People, Scene
from edge.sources.synthetic.view import WALL_M

F64 = NDArray[np.float64]

_BURST_S = 0.5  # misses that belong together fill such a stretch of time
_HIDDEN, _HALF_HIDDEN = 0.75, 0.4  # the part of a box that nearer people cover
_CUT = 0.35  # the least part of a box inside the picture


class SceneDetector:
    """The detector port over known scenes, by camera name.

    `miss`: the part of the sights in plain view that is missed, half of it singly, half in bursts of half a second; `low`: the part that
    scores below 0.3; `false_per_frame`: boxes where nobody is, on average; `jitter`: the deviation of each edge of a box, as a part of its
    width or height. Whom nearer people cover for more than three quarters is not seen, from two fifths on the score is low.
    """

    def __init__(
        self,
        scenes: Mapping[str, Scene],
        *,
        miss: float = 0.05,
        false_per_frame: float = 0.1,
        jitter: float = 0.03,
        low: float = 0.05,
        seed: int = 0,
    ) -> None:
        for name, value, most in (
            ("miss", miss, 1.0),
            ("false_per_frame", false_per_frame, 100.0),
            ("jitter", jitter, 0.3),
            ("low", low, 1.0),
        ):
            if not 0 <= value <= most:
                raise ValueError(f"{name} is {value:g}, it must be 0 to {most:g}")
        self._scenes, self._seed = dict(scenes), seed
        self._miss, self._false, self._jitter, self._low = miss, false_per_frame, jitter, low

    @property
    def names(self) -> tuple[str, ...]:
        return ("person",)

    @property
    def batch(self) -> int:
        return 1

    def __enter__(self) -> SceneDetector:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame, boxes in the frame's own pixels. UsageError for a camera whose scene was not given."""
        return [self.look(frame.stamp) for frame in frames]

    def look(self, stamp: Stamp) -> Detections:
        """What is detected at `stamp`; a frame of another size than the scene's gets its boxes scaled."""
        scene = self._scenes.get(stamp.camera)
        if scene is None:
            raise UsageError(f"camera {stamp.camera!r} has no scene here, only {', '.join(map(repr, sorted(self._scenes))) or 'none'}")
        camera = crc32(stamp.camera.encode())
        rng = np.random.default_rng([self._seed, camera, stamp.index])
        t_s = stamp.t_ns / 1e9
        boxes, score = self._seen(scene, scene.at(t_s), rng, camera, t_s)
        more, more_score = self._phantoms(scene, rng)
        boxes, score = np.concatenate([boxes, more]), np.concatenate([score, more_score])
        size = np.array(scene.options.size, np.float64)
        boxes = np.clip(boxes, 0, np.tile(size, 2)) * np.tile(np.array(stamp.size) / size, 2)
        solid = ((boxes[:, 2:] - boxes[:, :2]) > 1.0).all(axis=1)
        boxes, score = boxes[solid], score[solid]
        order = np.argsort(-score, kind="stable")
        return Detections(boxes[order].astype(np.float32), score[order].astype(np.float32), np.zeros(len(order), np.int16))

    def _seen(self, scene: Scene, people: People, rng: np.random.Generator, camera: int, t_s: float) -> tuple[F64, F64]:
        size = np.tile(np.array(scene.options.size, np.float64), 2)
        covered = _covered(np.clip(people.box, 0, size))
        n = len(people)
        single, low = rng.random((2, n))
        wrong = rng.normal(0, self._jitter, (n, 4))
        quality = rng.normal(0.0, 0.05, n)
        half = 1 - np.sqrt(1 - self._miss)  # two independent ways to be missed, each as likely
        missed = (single < half) | (_lots(people.id, self._seed ^ camera, int(t_s // _BURST_S)) < half)
        there = (people.share >= _CUT) & (people.ground[:, 1] <= WALL_M) & (covered <= _HIDDEN) & ~missed
        width, height = people.box[:, 2] - people.box[:, 0], people.box[:, 3] - people.box[:, 1]
        boxes = np.clip(people.box, 0, size) + wrong * np.stack([width, height, width, height], axis=1)
        doubt = 0.45 * np.clip((covered - _HALF_HIDDEN) / (_HIDDEN - _HALF_HIDDEN), 0, 1) + 0.3 * (1 - people.share)
        score = np.where(low < self._low, 0.2 + quality, 0.82 + quality - doubt)
        return boxes[there], np.clip(score, 0.06, 0.97)[there]

    def _phantoms(self, scene: Scene, rng: np.random.Generator) -> tuple[F64, F64]:
        """Boxes where nobody is: the size of people at that place, of low and middling score."""
        n = int(rng.poisson(self._false))
        z, u = rng.uniform(8, WALL_M - 1, n), rng.uniform(-0.95, 0.95, n)
        x = u * np.array([scene.view.half_width_m(d) for d in z]).reshape(n)
        tall = rng.uniform(0.9, 1.9, n)
        foot, _ = scene.view.project(np.stack([x, np.zeros(n), z], axis=1))
        head, _ = scene.view.project(np.stack([x, tall, z], axis=1))
        half = (foot[:, 1] - head[:, 1]) * rng.uniform(0.15, 0.35, n)
        boxes = np.stack([foot[:, 0] - half, head[:, 1], foot[:, 0] + half, foot[:, 1]], axis=1)
        return boxes, np.clip(rng.normal(0.32, 0.14, n), 0.06, 0.75)


def _covered(boxes: F64) -> F64:
    """The largest part of each box (N, 4), from far to near, that one nearer box covers -> (N,)."""
    if not len(boxes):
        return np.zeros(0)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common: F64 = np.maximum(high - low, 0).prod(axis=2)
    own = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-9)
    part: F64 = np.triu(common, 1) / own[:, None]  # a nearer one stands in a later row
    covered: F64 = part.max(axis=1)
    return covered


def _lots(ids: NDArray[np.int64], salt: int, stretch: int) -> F64:
    """For each id (N,) a number in 0..1 that holds for a stretch of time. Source of the mixing: SplitMix64 (Steele, Lea, Flood, 2014)."""
    z = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
        (salt * 0xD1342543DE82EF95 + stretch * 0xBF58476D1CE4E5B9) % (1 << 64)
    )
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    lots: F64 = (z ^ (z >> np.uint64(31))).astype(np.float64) / 2.0**64
    return lots
