"""Boxes of low score are believed less, and a second box on somebody who is followed begins nobody."""

from __future__ import annotations

import numpy as np
import pytest

from edge.count import LineOptions
from edge.data import Detections, Size, Stamp
from edge.pipeline import Pipeline, PipelineOptions
from edge.track import ByteTrack, TrackOptions

S = 1_000_000_000


def _seen(*rows: tuple[float, float, float, float, float]) -> Detections:
    """From (x1, y1, x2, y2, score)."""
    found = np.array(rows, np.float64).reshape(-1, 5)
    return Detections(found[:, :4], found[:, 4], np.zeros(len(found)))


def _standing(k: int, *, doubtful: range, low: float) -> Detections:
    """Somebody whose feet are at y 200, and whose box of score `low` is 20 px too long in the frames `doubtful`."""
    return _seen((50, 100, 90, 220, low) if k in doubtful else (50, 100, 90, 200, 0.9))


@pytest.mark.parametrize("sure_score", [0.0, 0.8])
def test_a_box_of_full_score_moves_a_track_alike_with_and_without_doubt(sure_score: float):
    tracker = ByteTrack(TrackOptions(sure_score=sure_score))
    for k in range(30):
        tracks = tracker.follow(_standing(k, doubtful=range(20, 30), low=0.9), k * S // 15)
    assert tracks.xyxy[0, 3] == pytest.approx(220, abs=3)


def test_the_lower_the_score_the_less_a_wrong_box_moves_a_track():
    feet = []
    for low in (0.9, 0.8, 0.5, 0.3):
        tracker = ByteTrack()
        for k in range(23):
            tracks = tracker.follow(_standing(k, doubtful=range(20, 23), low=low), k * S // 15)
        feet.append(float(tracks.xyxy[0, 3]))
    assert feet[0] == feet[1]  # from the sure score on all are believed alike
    assert feet[1] > feet[2] + 1 > feet[3] + 1.5 > 201


def test_a_line_beside_which_somebody_is_half_hidden_is_not_crossed():
    lines = {"kerb": LineOptions((0, 216), (600, 216))}
    for sure_score, counted in ((0.8, 0), (0.0, 2)):
        pipeline = Pipeline(PipelineOptions(lines=lines, track=TrackOptions(sure_score=sure_score), band=0.02), Size(640, 400))
        events = [
            event
            for k in range(60)
            for event in pipeline.step(Stamp("c", k, k * S // 15, Size(640, 400)), _standing(k, doubtful=range(20, 23), low=0.2)).events
        ]
        assert len(events) == counted


def _ids(options: TrackOptions, second: tuple[float, float, float, float, float], frames: int = 30) -> set[int]:
    tracker, ids = ByteTrack(options), set()
    for k in range(frames):
        rows = [(50.0, 100.0, 90.0, 200.0, 0.9)]
        tracks = tracker.follow(_seen(*rows, *([second] if k >= 10 else [])), k * S // 15)
        ids |= set(tracks.id.tolist())
    return ids


def test_a_second_box_on_somebody_begins_nobody():
    wide = (45.0, 95.0, 100.0, 205.0, 0.6)  # overlaps by 0.66
    assert _ids(TrackOptions(), wide) == {1}
    assert _ids(TrackOptions(new_iou=1.0), wide) == {1, 2}


def test_somebody_beside_is_somebody():
    assert _ids(TrackOptions(), (70.0, 100.0, 110.0, 200.0, 0.6)) == {1, 2}  # overlaps by a third
