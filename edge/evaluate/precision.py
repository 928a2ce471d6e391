"""How well boxes of single pictures are found: precision, recall and average precision. Tracks, counts and heat are judged elsewhere.

Source: Lin et al., Microsoft COCO: Common Objects in Context, 2014, and its evaluation: detections in order of their score, each matched with
the free annotated box that it overlaps most; what is to be ignored costs neither who finds it nor who does not; precision is read at 101 recalls.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge import geometry
from edge.data import Bools

F64 = NDArray[np.float64]

LEAST_IOU = 0.5


class PrecisionRecall:
    """Collects the detections of one class, a picture at a time, in any order."""

    def __init__(self, *, least_iou: float = LEAST_IOU) -> None:
        self._least_iou = least_iou
        self._scores: list[F64] = []
        self._right: list[Bools] = []
        self.annotated = 0
        """Boxes that should be found."""

    def add(self, boxes: NDArray[np.floating], scores: NDArray[np.floating], annotated: NDArray[np.floating], ignored: Bools) -> None:
        """One picture: detected boxes (N, 4) with scores (N,), annotated boxes (M, 4), and which of those (M,) are to be ignored."""
        order = np.argsort(-scores, kind="stable")
        overlap = geometry.iou(boxes[order].astype(np.float64), annotated.astype(np.float64))
        wanted = ~ignored
        right, judged = np.zeros(len(order), np.bool_), np.ones(len(order), np.bool_)
        for row in range(len(order)):
            match = _best(overlap[row], wanted, self._least_iou)
            if match is not None:
                right[row] = True
                wanted[match] = False
            else:
                judged[row] = _best(overlap[row], ignored, self._least_iou) is None
        self._scores.append(scores[order][judged].astype(np.float64))
        self._right.append(right[judged])
        self.annotated += int(np.count_nonzero(~ignored))

    @property
    def average_precision(self) -> float:
        """The area under precision over recall, in 0..1; NaN where nothing was annotated."""
        if not self.annotated:
            return float("nan")
        right, wrong = self._running()
        recall = right / self.annotated
        precision = right / np.maximum(right + wrong, 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]  # the best precision at this recall or more
        at = np.searchsorted(recall, np.linspace(0, 1, 101) - 1e-12)
        return float(np.concatenate([envelope, [0.0]])[np.minimum(at, len(envelope))].mean())

    def at(self, score: float) -> tuple[float, float]:
        """Precision and recall of the detections with at least this score; NaN where there is nothing to divide by."""
        scores, right = self._sorted()
        kept = right[scores >= score]
        found = int(np.count_nonzero(kept))
        return found / len(kept) if len(kept) else float("nan"), found / self.annotated if self.annotated else float("nan")

    def _sorted(self) -> tuple[F64, Bools]:
        scores, right = np.concatenate([np.empty(0), *self._scores]), np.concatenate([np.empty(0, np.bool_), *self._right])
        order = np.argsort(-scores, kind="stable")
        return scores[order], right[order]

    def _running(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        _, right = self._sorted()
        return np.cumsum(right), np.cumsum(~right)


def _best(overlap: F64, free: Bools, least: float) -> int | None:
    """The column of the greatest overlap among the free ones, if it is enough."""
    among = np.where(free, overlap, -1.0)
    if not len(among) or among.max() < least:
        return None
    return int(among.argmax())
