"""Recorded detections played back frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.data import Frame, HostPixels, Size, Stamp
from edge.errors import UsageError
from edge.evaluate import RecordedDetections
from edge.ports import Detector

ROWS = np.array([[3, 5, 6, 7, 8, 0.5], [1, 0, 0, 10, 20, 0.9], [3, 1, 2, 3, 4, 0.25]], np.float32)


def saved(folder: Path, rows: Any) -> Path:
    np.savez(folder / "dets.npz", dets=rows)
    return folder / "dets.npz"


def frame(index: int) -> Frame:
    return Frame(Stamp("door", index, index * 100_000_000, Size(32, 24)), HostPixels(np.zeros((24, 32, 3), np.uint8)))


def test_index_zero_is_the_recordings_frame_one(tmp_path: Path) -> None:
    detector: Detector = RecordedDetections(saved(tmp_path, ROWS))
    with detector:
        first, second, third, fourth = detector.detect([frame(index) for index in range(4)])
    assert (len(first), len(second), len(third), len(fourth)) == (1, 0, 2, 0)
    assert first.xyxy.tolist() == [[0, 0, 10, 20]]
    assert third.score.tolist() == [0.5, 0.25]
    assert third.class_id.tolist() == [0, 0]
    assert detector.names == ("person",)


def test_an_empty_recording_plays_nothing(tmp_path: Path) -> None:
    assert len(RecordedDetections(saved(tmp_path, np.empty((0, 6)))).of(0)) == 0


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (ROWS[:, :5], r"dets has shape \(3, 5\), wanted \(N, 6\)"),
        (ROWS * [0, 1, 1, 1, 1, 1], "frames count from 1"),
        (ROWS * [1, np.nan, 1, 1, 1, 1], "finite numbers"),
        (ROWS * [1, 1, 1, -1, 1, 1], "x2 > x1 and y2 > y1 do not hold"),
        (np.array(["a"]), "an array named dets"),
        (np.array([None]), "an array named dets"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused(tmp_path: Path, rows: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        RecordedDetections(saved(tmp_path, rows))


def test_a_file_that_is_no_recording_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.npz cannot be read"):
        RecordedDetections(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", rows=ROWS)
    np.save(tmp_path / "bare.npy", ROWS)
    (tmp_path / "text.npz").write_text("nothing of the kind")
    (tmp_path / "torn.npz").write_bytes(saved(tmp_path, ROWS).read_bytes()[:200])
    (tmp_path / "empty.npz").write_bytes(b"")
    for name in ("empty.npz", "other.npz", "bare.npy", "text.npz", "torn.npz"):
        with pytest.raises(UsageError, match=r"must be an \.npz file with an array named dets"):
            RecordedDetections(tmp_path / name)


@pytest.mark.parametrize("clip", ["pets-s2l1", "tud-stadtmitte"])
def test_the_real_recordings_can_be_played(shared: Path, clip: str) -> None:
    detector = RecordedDetections(shared / "detections" / f"{clip}.npz")
    assert len(detector.of(0)) > 0
