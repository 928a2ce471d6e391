"""The field's tracker on real detections: the same identities with its profile, better ones with ours. Needs the shared clips."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edge.data import Detections
from edge.track import ByteTrack, TrackOptions

SHARED = Path(os.environ.get("EDGE_SHARED", Path(__file__).parents[4] / "shared"))
DETECTIONS = SHARED / "detections"

pytestmark = pytest.mark.skipif(not DETECTIONS.is_dir(), reason=f"no shared detections at {DETECTIONS} (EDGE_SHARED names another place)")

CLIPS = pytest.mark.parametrize("clip", ["pets-s2l1", "tud-stadtmitte"])


def _follow(clip: str, options: TrackOptions) -> np.ndarray:
    """Rows (frame, id, x1, y1, x2, y2) of the tracks, for stamps 1/30 s apart."""
    table = np.load(DETECTIONS / f"{clip}.npz")["dets"]
    tracker, rows = ByteTrack(options), []
    for frame in range(1, int(table[:, 0].max()) + 1):
        mine = table[table[:, 0] == frame]
        tracks = tracker.follow(Detections(mine[:, 1:5], mine[:, 5], np.zeros(len(mine))), round(frame * 1e9 / 30))
        rows.append(np.column_stack([np.full(len(tracks), frame), tracks.id, tracks.xyxy]))
    return np.concatenate(rows)


@CLIPS
def test_their_profile_gives_their_identities_and_their_boxes(clip: str):
    theirs = np.load(DETECTIONS / f"{clip}.ultralytics-bytetrack.npz")["rows"]
    ours = _follow(clip, TrackOptions.ultralytics())
    assert len(ours) == len(theirs)
    names: dict[int, int] = {}
    for frame in np.unique(theirs[:, 0]):
        mine, other = ours[ours[:, 0] == frame], theirs[theirs[:, 0] == frame]
        assert len(mine) == len(other)
        away = np.abs(mine[None, :, 2:] - other[:, None, 2:]).max(axis=2)
        pick = away.argmin(axis=1)
        assert sorted(pick) == list(range(len(mine)))
        assert away.min(axis=1).max() < 0.01
        for their_id, our_id in zip(other[:, 1], mine[pick, 1], strict=True):
            assert names.setdefault(int(their_id), int(our_id)) == our_id
    assert len(set(names.values())) == len(names)


@CLIPS
def test_our_profile_needs_fewer_ids_for_the_same_people(clip: str):
    assert len(np.unique(_follow(clip, TrackOptions())[:, 1])) < len(np.unique(_follow(clip, TrackOptions.ultralytics())[:, 1]))
