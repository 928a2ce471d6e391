"""Feet that are hidden for a moment stay where they are foreseen; what is really lower, or elsewhere, is believed."""

from __future__ import annotations

import numpy as np
import pytest

from edge.count import LineOptions
from edge.data import Detections, Size, Stamp
from edge.pipeline import Pipeline, PipelineOptions
from edge.track import ByteTrack, TrackOptions
from edge.track.feet import hidden

S = 1_000_000_000


def _seen(k: int, *, cut: range = range(0), part: float = 0.55, fps: int = 10) -> Detections:
    """Somebody of 40 x 100 px who walks at 60 px/s to the right and 5 down, of whom only the upper `part` is seen in the frames `cut`."""
    x, y = 50 + 60 * k / fps, 100 + 5 * k / fps
    height = 100 * (part if k in cut else 1)
    return Detections(np.array([[x, y, x + 40, y + height]]), np.array([0.8]), np.zeros(1))


def _feet(frames: int, cut: range, *, fps: int = 10, options: TrackOptions | None = None, part: float = 0.55) -> np.ndarray:
    """How far the told feet lie below the true ones in each frame, in px; NaN before confirmation."""
    tracker, off = ByteTrack(options), []
    for k in range(frames):
        tracks = tracker.follow(_seen(k, cut=cut, fps=fps, part=part), k * S // fps)
        off.append(tracks.xyxy[0, 3] - (200 + 5 * k / fps) if len(tracks) else np.nan)
    return np.array(off)


@pytest.mark.parametrize("fps", [5, 10, 30])
@pytest.mark.parametrize("part", [0.4, 0.65])
def test_feet_hidden_for_a_moment_stay_where_they_are_foreseen(fps: int, part: float):
    cut = range(2 * fps, 2 * fps + fps // 2 - 1)
    assert np.nanmax(np.abs(_feet(4 * fps, cut, fps=fps, part=part))) < 5
    assert np.nanmin(_feet(4 * fps, cut, fps=fps, part=part, options=TrackOptions(hidden_feet_s=0))) < -10


def test_a_box_that_stays_lower_is_believed():
    off = _feet(60, range(20, 60))
    assert np.abs(off[20:24]).max() < 5
    assert off[-1] == pytest.approx(-45, abs=2)


def test_a_height_is_not_believed_for_longer_than_it_was_watched():
    assert np.nanmin(_feet(10, range(3, 10))) < -30


def test_a_line_beside_which_somebody_is_hidden_is_not_crossed():
    lines = {"kerb": LineOptions((0, 180), (600, 180))}
    for hidden_feet_s, counted in ((0.5, 0), (0, 2)):
        pipeline = Pipeline(PipelineOptions(lines=lines, track=TrackOptions(hidden_feet_s=hidden_feet_s)), Size(640, 400))
        events = [
            event
            for k in range(40)
            for event in pipeline.step(Stamp("c", k, k * S // 10, Size(640, 400)), _seen(k, cut=range(20, 24), part=0.5)).events
        ]
        assert len(events) == counted


def test_only_a_box_cut_from_below_has_hidden_feet():
    foreseen = np.tile([100.0, 100, 140, 200], (6, 1))
    seen = np.array(
        [
            [100, 100, 140, 160],  # the legs are hidden
            [100, 105, 140, 155],
            [100, 100, 140, 185],  # a stride
            [100, 150, 140, 200],  # the head is hidden
            [100, 130, 140, 190],  # somebody lower, elsewhere
            [100, 100, 140, 260],  # higher than foreseen
        ],
        np.float64,
    )
    assert hidden(foreseen, seen).tolist() == [True, True, False, False, False, False]
