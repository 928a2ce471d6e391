"""What a user may say about tracking, and the sentences for what cannot be meant."""

from __future__ import annotations

from typing import Any

import pytest

from edge.track import TrackOptions

THEIRS = {
    "tracker_type": "bytetrack",
    "track_high_thresh": 0.25,
    "track_low_thresh": 0.1,
    "new_track_thresh": 0.25,
    "track_buffer": 30,
    "match_thresh": 0.8,
    "fuse_score": True,
}


def test_their_own_file_means_their_own_profile():
    options = TrackOptions.from_ultralytics_yaml(THEIRS)
    assert options.min_iou == pytest.approx(0.2)
    assert options == TrackOptions.ultralytics(min_iou=options.min_iou)


def test_their_keys_are_understood_one_by_one():
    options = TrackOptions.from_ultralytics_yaml(
        {
            "track_high_thresh": 0.5,
            "track_low_thresh": 0.2,
            "new_track_thresh": 0.6,
            "track_buffer": 90,
            "match_thresh": 0.7,
            "fuse_score": False,
        }
    )
    assert (options.high_score, options.low_score, options.new_score) == (0.5, 0.2, 0.6)
    assert options.min_iou == pytest.approx(0.3)
    assert 3 <= options.lost_s < 3.1
    assert not options.fuse_score


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"tracker_type": "botsort"}, "tracker_type is 'botsort'; this tracker is ByteTrack"),
        ({"tracker_type": "bytetrack", "gmc_method": "none"}, "ByteTrack has no setting 'gmc_method'; its settings are"),
    ],
)
def test_what_is_not_bytetrack_is_answered_with_a_sentence(settings: dict[str, Any], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        TrackOptions.from_ultralytics_yaml(settings)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"high_score": 25}, "high_score must be between 0 and 1, here it is 25"),
        ({"new_iou": 1.5}, "new_iou must be between 0 and 1, here it is 1.5"),
        ({"sure_score": 1.0}, "sure_score must be at least 0 and less than 1, here it is 1.0"),
        ({"low_score": 0.5}, r"low_score \(0.5\) must not be above high_score \(0.25\)"),
        ({"confirm_s": -1}, "confirm_s must be 0 or more, here it is -1"),
        ({"stitch_s": -1}, "stitch_s must be 0 or more, here it is -1"),
        ({"lost_s": 0}, "lost_s must be more than 0 seconds, here it is 0"),
        ({"lost_s": float("nan")}, "lost_s must be more than 0 seconds"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_would_be_right(wrong: dict[str, Any], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        TrackOptions(**wrong)
