"""Reading a YOLO detection head: raw tensor to boxes in network pixels, NMS included. It knows no pictures and runs no network.

Two layouts: YOLO11's ``[B, 4 + classes, anchors]`` (centre x, y, width, height, then a score a class, no NMS inside) and the end-to-end
``[B, rows, 6]`` (corners, score, class; NMS done by the network).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge import geometry
from edge.data import F32, Detections
from edge.detect.options import DetectOptions
from edge.errors import ModelError

HeadLayout = Literal["raw", "end-to-end"]

_MOST_CANDIDATES = 2000
"""Only so many of the best boxes meet one another in NMS: a noisy picture at a low `conf` has thousands, and pairs take memory."""


def head_layout(shape: tuple[int | None, ...], classes: int) -> HeadLayout:
    """Which head an output of `shape` (batch first; None where free) is, for a model of so many classes. ModelError if it is none."""
    if len(shape) == 3:
        if shape[2] == 6 and shape[1] != 4 + classes:
            return "end-to-end"
        if shape[1] == 4 + classes:
            return "raw"
    shown = "x".join("?" if n is None else str(n) for n in shape)
    raise ModelError(
        f"the output {shown} is no YOLO detection head of {classes} classes; it should be ?x{4 + classes}x(anchors) or ?x(rows)x6:"
        " export a detection model, not one for segmentation, pose or classification"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The rows of a head that are good enough, in the head's own order: ``xyxy (N, 4) f32`` network px, ``score (N,)``, ``class_id (N,)``."""

    xyxy: F32
    score: F32
    class_id: NDArray[np.intp]


def read_head(output: F32, layout: HeadLayout, options: DetectOptions, class_ids: frozenset[int] | None = None) -> Detections:
    """One picture's output, ``(4 + C, A)`` or ``(rows, 6)``, to detections in network pixels, best first; `class_ids` keeps only these classes."""
    found = _read_raw(output, options.conf, class_ids) if layout == "raw" else _read_end_to_end(output, options.conf, class_ids)
    return best_of(found, layout, options)


def best_of(found: Candidates, layout: HeadLayout, options: DetectOptions) -> Detections:
    """What stays of a head's candidates, best first: real boxes, without those that NMS takes out (an end-to-end head did it itself)."""
    order = np.argsort(-found.score, kind="stable")[: max(_MOST_CANDIDATES, options.max_det)]
    xyxy, score, class_id = found.xyxy[order], found.score[order], found.class_id[order]
    real = ((xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)) & np.isfinite(xyxy).all(axis=1)
    xyxy, score, class_id = xyxy[real], score[real], class_id[real]
    if layout == "raw":
        keep = nms(xyxy, class_id, options.iou)
        xyxy, score, class_id = xyxy[keep], score[keep], class_id[keep]
    most = options.max_det
    return Detections(xyxy[:most], score[:most], class_id[:most].astype(np.int16))


def _read_raw(output: F32, conf: float, class_ids: frozenset[int] | None) -> Candidates:
    scores = output[4:]
    if class_ids is None:
        best = scores.max(axis=0)
        rows = np.flatnonzero(best >= conf)
        class_id = scores[:, rows].argmax(axis=0)  # argmax only of what is kept: a third of the time
    else:
        # An object belongs to its best class; one whose best class is not wanted is not there.
        wanted = np.array(sorted(class_ids), np.intp)
        rows = np.flatnonzero(scores[wanted].max(axis=0) >= conf)
        class_id = scores[:, rows].argmax(axis=0)
        kept = np.isin(class_id, wanted)
        rows, class_id = rows[kept], class_id[kept]
    x, y, w, h = output[:4, rows]
    xyxy = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1)
    return Candidates(xyxy, scores[class_id, rows], class_id)


def _read_end_to_end(output: F32, conf: float, class_ids: frozenset[int] | None) -> Candidates:
    rows = output[output[:, 4] >= conf]
    class_id = rows[:, 5].astype(np.intp)
    if class_ids is not None:
        kept = np.isin(class_id, list(class_ids))
        rows, class_id = rows[kept], class_id[kept]
    return Candidates(rows[:, :4], rows[:, 4], class_id)


def nms(xyxy: F32, class_id: NDArray[np.intp], iou: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression within each class over boxes (N, 4) sorted best first -> indices that stay, in order."""
    if len(xyxy) == 0:
        return np.empty(0, np.intp)
    overlap = geometry.iou(xyxy, xyxy) > iou
    overlap &= class_id[:, None] == class_id[None, :]
    stays = np.ones(len(xyxy), np.bool_)
    for row in range(len(xyxy)):
        if stays[row]:
            stays[row + 1 :] &= ~overlap[row, row + 1 :]
    return np.flatnonzero(stays)
