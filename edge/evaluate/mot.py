"""How well tracks follow annotated objects: CLEAR MOT and identity measures. Lines and heat are judged elsewhere.

Sources: Bernardin and Stiefelhagen, Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics, 2008 (MOTA, switches);
Ristani et al., Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking, 2016 (IDF1).
"""

from __future__ import annotations

from collections import Counter

import lap
import numpy as np
from numpy.typing import NDArray

from edge import geometry
from edge.data import I64

LEAST_IOU = 0.5
"""Boxes that overlap less are not of one person."""


class MotScore:
    """Scores a video a frame at a time, in the order of its frames."""

    def __init__(self) -> None:
        self.misses = 0
        self.false_positives = 0
        self.switches = 0
        self._partner: dict[int, int] = {}  # object -> the track it was last matched with, however long ago
        self._objects: Counter[int] = Counter()  # frames of each object ...
        self._tracks: Counter[int] = Counter()  # ... of each track ...
        self._together: Counter[tuple[int, int]] = Counter()  # ... and in which the two overlap enough

    def add(self, objects: I64, object_boxes: NDArray[np.floating], tracks: I64, track_boxes: NDArray[np.floating]) -> None:
        """One frame: ids (N,) and boxes (N, 4) of annotated objects, ids (M,) and boxes (M, 4) of tracks."""
        self._objects.update(objects.tolist())
        self._tracks.update(tracks.tolist())
        overlap = geometry.iou(object_boxes.astype(np.float64), track_boxes.astype(np.float64))
        pairs = overlap >= LEAST_IOU
        self._together.update((int(objects[o]), int(tracks[t])) for o, t in np.argwhere(pairs))
        matched = self._match(objects, tracks, overlap, pairs)
        self.misses += len(objects) - matched
        self.false_positives += len(tracks) - matched

    def _match(self, objects: I64, tracks: I64, overlap: NDArray[np.floating], pairs: NDArray[np.bool_]) -> int:
        """Match objects and tracks one to one, old partners first; the number of matches."""
        free = pairs.copy()
        column = {int(track): t for t, track in enumerate(tracks)}
        matched = 0
        for o, thing in enumerate(objects.tolist()):
            partner = self._partner.get(thing)
            t = None if partner is None else column.get(partner)
            if t is not None and free[o, t]:
                free[o, :] = free[:, t] = False
                matched += 1
        many = 1 + min(free.shape)  # one match more is worth more than any better overlaps
        for o, t in assign(np.where(free, overlap + many, 0.0)):
            thing, track = int(objects[o]), int(tracks[t])
            self.switches += self._partner.get(thing, track) != track
            self._partner[thing] = track
            matched += 1
        return matched

    @property
    def mota(self) -> float:
        """One less the share of misses, false positives and switches in the annotated boxes; it can be below zero."""
        return 1 - (self.misses + self.false_positives + self.switches) / max(self._objects.total(), 1)

    @property
    def idf1(self) -> float:
        """The share of boxes, annotated and tracked, that are explained when each object is one track for good, as well as can be."""
        objects = {thing: o for o, thing in enumerate(self._objects)}
        tracks = {track: t for t, track in enumerate(self._tracks)}
        together = np.zeros((len(objects), len(tracks)))
        for (thing, track), frames in self._together.items():
            together[objects[thing], tracks[track]] = frames
        explained = sum(together[o, t] for o, t in assign(together))
        return float(2 * explained / max(self._objects.total() + self._tracks.total(), 1))


def assign(worth: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Rows and columns of `worth` (N, M) >= 0 matched one to one, so that the sum is greatest; what is worth nothing is not matched."""
    if not worth.any():
        return []
    _, column_of, _ = lap.lapjv(-worth, extend_cost=True)
    return [(row, int(column)) for row, column in enumerate(column_of) if column >= 0 and worth[row, column] > 0]
