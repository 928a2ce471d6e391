"""Tracker files of Ultralytics: ByteTrack's are read, BoT-SORT's answered with a sentence, missing and broken ones refused."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.solutions.tracker import track_options
from edge.track import TrackOptions


def test_bytetrack_without_a_file_is_this_packages_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert track_options("bytetrack.yaml") == TrackOptions()
    assert not caplog.records


def test_a_file_is_read_as_bytetracks_settings(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("tracker_type: bytetrack\ntrack_high_thresh: 0.4\nmatch_thresh: 0.7\n")
    options = track_options(file)
    assert options.high_score == 0.4
    assert options.min_iou == pytest.approx(0.3)


def test_botsort_by_name_or_file_is_answered_with_a_sentence_and_bytetrack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert track_options("botsort.yaml") == TrackOptions()
    (tmp_path / "theirs.yaml").write_text(
        "tracker_type: botsort\ntrack_high_thresh: 0.4\ngmc_method: sparseOptFlow\nwith_reid: False\nproximity_thresh: 0.5\n"
        "appearance_thresh: 0.8\nmodel: auto\n"
    )
    assert track_options("theirs.yaml").high_score == 0.4
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert all("ByteTrack" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("name", ["bytetrak.yaml", "nowhere/mine.yaml"])
def test_a_file_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no tracker file"):
        track_options(name)


@pytest.mark.parametrize(
    "text", ["tracker_type: sort", "tracker_type: bytetrack\ngmc_method: none", "just words", "a: [", "track_high_thresh: high"]
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"mine\.yaml") as refusal:
        track_options(file)
    assert "\n" not in str(refusal.value)
