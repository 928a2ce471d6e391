"""A detector measured by its boxes in single pictures: of synthetic plazas, and of annotated video. Nothing is followed or counted here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge.data import Frame, HostPixels, Size, Stamp
from edge.evaluate.precision import PrecisionRecall
from edge.evaluate.truth import CLASS_NAME, Truth
from edge.ports import Detector
from edge.sources.synthetic.album import HELD_OUT, LEAST_SEEN, NAMES, album

HELD_OUT_SEED = 9002
LEAST_PX = (8.0, 22.0)
"""A box narrower or lower than this, in a picture 1280 px wide, may be found or not: about three by seven pixels where the network looks."""
Tick = Callable[[], None]


def boxes_of_pictures(
    detector: Detector, count: int, *, seed: int = HELD_OUT_SEED, spoilt: bool = False, tick: Tick = lambda: None
) -> dict[str, PrecisionRecall]:
    """How well `detector` finds each class in `count` pictures of held-out plazas, as they are rendered or, `spoilt`, through poor lenses.

    Who is hidden by more than three quarters, or stands in the dark of the passage, may be found or not.
    """
    found = {name: PrecisionRecall() for name in NAMES}
    ids = {name: list(detector.names).index(name) for name in NAMES if name in detector.names}
    for index, one in enumerate(album(HELD_OUT, count, seed=seed, spoilt=spoilt)):
        size = Size(one.picture.shape[1], one.picture.shape[0])
        (seen,) = detector.detect([Frame(Stamp("album", index, index, size), HostPixels(one.picture))])
        extent = (one.xyxy[:, 2:] - one.xyxy[:, :2]) * (1280 / size.width)
        ignored = (one.seen < LEAST_SEEN) | (extent < LEAST_PX).any(axis=1)
        for class_id, name in enumerate(NAMES):
            rows, mine = one.class_id == class_id, seen.class_id == ids.get(name, -1)
            found[name].add(seen.xyxy[mine], seen.score[mine], one.xyxy[rows], ignored[rows])
        tick()
    return found


def boxes_of_video(detector: Detector, truth: Truth, *, tick: Tick = lambda: None) -> PrecisionRecall:
    """How well `detector` finds the annotated people, in every frame of the video. SourceError where it cannot be read."""
    from edge.sources import open_source

    people = [number for number, name in enumerate(detector.names) if name == CLASS_NAME]
    found, annotation = PrecisionRecall(), truth.annotation
    with open_source(str(truth.video), camera="video") as source:
        for frame in source:
            with frame:
                (seen,) = detector.detect([frame])
            first, last = np.searchsorted(annotation.frame, [frame.stamp.index + 1, frame.stamp.index + 2])
            mine, boxes = np.isin(seen.class_id, people), annotation.xyxy[first:last]
            found.add(seen.xyxy[mine], seen.score[mine], boxes, np.zeros(len(boxes), np.bool_))
            tick()
    return found
