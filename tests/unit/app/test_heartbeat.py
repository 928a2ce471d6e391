"""What a device writes of itself for a health check: when it is good for, and what stands in it. Who reads it is the command's test."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import pytest

from edge.app.heartbeat import EVERY_S, PATIENCE_S, Heartbeat
from edge.beat import Beat, born, read_beat
from edge.engine import Progress
from edge.runtime.gauges import CameraGauges
from edge.runtime.watchdog import Watchdog


def watched(**counts: tuple[int, int]) -> Watchdog:
    """A watchdog over live cameras, each with what it gave and what was counted on."""
    cameras = {}
    for name, (gave, counted) in counts.items():
        cameras[name] = CameraGauges()
        cameras[name].state, cameras[name].frames_in, cameras[name].frames_processed = "live", gave, counted
    return Watchdog(cameras)


def beat_in(path: Path) -> Beat:
    beat = read_beat(path)
    assert beat is not None
    return beat


def test_a_device_that_counts_says_so_and_for_how_long_that_is_good(tmp_path: Path):
    path = tmp_path / "beat"
    dog = watched(door=(30, 29), till=(10, 10))
    dog.look(0.0)
    Heartbeat(path).tick(0.0, dog)
    beat = beat_in(path)
    assert beat.says == "2 of 2 cameras live, 39 frames counted on"
    assert beat.stuck == ""
    assert 0 < beat.until_s - time.monotonic() <= PATIENCE_S
    assert (beat.pid, beat.born) == (os.getpid(), born(os.getpid()))


def test_a_camera_that_owes_work_stands_in_it(tmp_path: Path):
    dog = watched(door=(1, 1))
    dog.look(0.0)
    dog.cameras["door"].frames_processed += 1
    dog.look(0.0)
    dog.cameras["door"].frames_in += 400
    dog.look(PATIENCE_S + 1)
    Heartbeat(tmp_path / "beat").tick(PATIENCE_S + 1, dog)
    assert "no frame of camera door was counted on for 31 s" in beat_in(tmp_path / "beat").stuck


def test_it_is_written_now_and_then_and_not_at_every_look(tmp_path: Path):
    heart, path, dog = Heartbeat(tmp_path / "beat"), tmp_path / "beat", watched(door=(1, 1))
    heart.tick(0.0, dog)
    path.unlink()
    heart.tick(EVERY_S - 0.1, dog)
    assert not path.exists()
    heart.tick(EVERY_S, dog)
    assert path.exists()


def test_a_start_and_an_engine_s_building_have_more_time(tmp_path: Path):
    heart, path = Heartbeat(tmp_path / "beat"), tmp_path / "beat"
    heart.starting()
    assert beat_in(path).until_s - time.monotonic() > PATIENCE_S
    heart.warming(Progress(0.25, None, what="Building yolo11n.engine"))
    assert beat_in(path).says == "Building yolo11n.engine: 25 %"
    assert beat_in(path).until_s - time.monotonic() > 30 * 60


def test_nobody_who_did_not_ask_for_it_has_a_file_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for heart in (Heartbeat.from_environment({}), Heartbeat.from_environment({"EDGE_HEARTBEAT": ""})):
        heart.starting()
        heart.tick(0.0, watched(door=(1, 1)))
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_said_once_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    heart = Heartbeat(tmp_path / "nowhere" / "beat")
    heart.starting()
    heart.starting()
    assert [record.message.count("EDGE_HEARTBEAT") for record in caplog.records] == [1]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "born": 2, "until_s": 3, "says": "", "more": 1}'])
def test_what_is_no_heartbeat_is_none(tmp_path: Path, text: str):
    (tmp_path / "beat").write_text(text)
    assert read_beat(tmp_path / "beat") is None


def test_a_full_disk_is_not_filled_with_what_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(json, "dump", full)
    heart, dog = Heartbeat(tmp_path / "beat"), watched(door=(1, 1))
    for n in range(5):
        heart.tick(n * EVERY_S, dog)
    assert list(tmp_path.iterdir()) == []
