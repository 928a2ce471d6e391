"""Which track takes which detection: the paper's order of associations, and one more. What becomes of who got none is bytetrack's matter.

Source: Zhang et al., ByteTrack: Multi-Object Tracking by Associating Every Detection Box (ECCV 2022), and its MIT-licensed code.
"""

from __future__ import annotations

import numpy as np

from edge import geometry
from edge.data import Bools, Detections
from edge.track.assignment import Rows, pair
from edge.track.kalman import F64
from edge.track.options import TrackOptions
from edge.track.population import Population


def associate(everyone: Population, foreseen: F64, seen: Detections, options: TrackOptions) -> Bools:
    """Give each track, `foreseen` at (N, 4), its row of `seen` (or -1); returns which high detections (D,) no track wanted."""
    was_in_sight, confirmed, young = everyone.row >= 0, (everyone.id > 0) & ~everyone.past, everyone.id == 0
    everyone.row = np.full(len(everyone), -1, np.int32)
    high = seen.score >= options.high_score
    if not len(everyone) or not len(seen):
        return high
    boxes, score = seen.xyxy.astype(np.float64), seen.score.astype(np.float64)
    # Whoever pairs with whom below: only what overlaps can, and that is found once.
    rows, columns, overlap = geometry.overlaps(foreseen, boxes)
    fused = overlap * score[columns] if options.fuse_score else overlap

    def match(tracks: Bools, detections: Bools, least: float, likeness: F64) -> None:
        if tracks.any() and detections.any():
            some = (tracks[rows] & detections[columns]).nonzero()[0]
            settle(rows[some], columns[some], likeness[some], least)

    def settle(rows: Rows, columns: Rows, likeness: F64, least: float) -> None:
        pairs = pair(rows, columns, 1 - likeness, 1 - least)
        everyone.row[rows[pairs]] = columns[pairs]
        high[columns[pairs]] = False

    low = ~high & (seen.score > options.low_score)
    match(confirmed, high, options.min_iou, fused)
    match(confirmed & was_in_sight & (everyone.row < 0), low, options.min_iou_low, overlap)
    match(young, high, options.min_iou_young, fused)
    alone = young & (everyone.row < 0)
    if options.reach and alone.any():
        # What moves more than its own size between two frames overlaps nothing, and has no velocity yet by which to foresee it.
        tracks, strong = alone.nonzero()[0], (high & (score >= options.reach_score)).nonzero()[0]
        i, j, near = geometry.overlaps(_grown(foreseen[tracks], options.reach), _grown(boxes[strong], options.reach))
        settle(tracks[i], strong[j], near * score[strong[j]], options.min_iou)
    return high


def _grown(boxes: F64, reach: float) -> F64:
    """Boxes (N, 4) with `reach` times their size more on each side (C-BIoU: Yang et al., Hard to Track Objects with Irregular Motions, 2023)."""
    margin = (boxes[:, 2:] - boxes[:, :2]) * reach
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)
