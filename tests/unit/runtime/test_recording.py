"""A slow or broken recorder costs pictures, never counts. What a recorder writes is the recorder's own test."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.data import U8, Stamp
from edge.errors import RecorderError
from edge.runtime.recording import RecordingLane
from tests.unit.runtime.fakes import SIZE, STEP_NS

PICTURE = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)


class FakeRecorder:
    """Remembers stamps; `on_record(stamp)` may raise or wait."""

    recorded: tuple[Path, ...] = ()

    def __init__(self, on_record: Callable[[Stamp], None] = lambda _: None) -> None:
        self._on_record = on_record
        self.indices: list[int] = []
        self.shrunk: list[int] = []
        self.lives = 0

    def __enter__(self) -> FakeRecorder:
        self.lives += 1
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def record(self, stamp: Stamp, picture: U8, *, shrink: int = 1) -> None:
        self._on_record(stamp)
        self.indices.append(stamp.index)
        self.shrunk.append(shrink)


def put(lane: RecordingLane, index: int) -> None:
    lane.put(Stamp("door", index, index * STEP_NS, SIZE), PICTURE)


def feed(lane: RecordingLane, count: int) -> None:
    for index in range(count):
        put(lane, index)


def test_everything_of_a_file_is_recorded_however_slow_it_is() -> None:
    recorder = FakeRecorder(lambda _: time.sleep(0.001))
    with RecordingLane(lambda: recorder, "door", live=False) as lane:
        feed(lane, 50)
    assert recorder.indices == list(range(50))
    assert lane.dropped == 0


def test_a_live_camera_never_waits_for_a_slow_recorder() -> None:
    go = threading.Event()
    recorder = FakeRecorder(lambda _: go.wait(10) and None)
    with RecordingLane(lambda: recorder, "door", live=True) as lane:
        began_s = time.monotonic()
        feed(lane, 50)
        assert time.monotonic() - began_s < 5
        assert lane.dropped > 30
        go.set()
    assert recorder.indices == sorted(recorder.indices)
    assert recorder.indices[-1] == 49  # the newest are what is kept


@pytest.mark.parametrize("error", [RecorderError("the disk is full"), OSError("something else"), ZeroDivisionError()])
@pytest.mark.parametrize("live", [True, False])
def test_a_recorder_that_fails_costs_pictures_and_is_tried_again(
    error: Exception, live: bool, eventually: Callable[..., bool], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    def fail_once(stamp: Stamp) -> None:
        if stamp.index == 0:
            raise error

    recorder = FakeRecorder(fail_once)
    with RecordingLane(lambda: recorder, "door", live=live) as lane:
        put(lane, 0)
        assert eventually(lambda: lane.recording == "failed")
        assert not any(lane.wants_picture(index * STEP_NS) for index in range(1, 50))
        feed(lane, 30)  # returns: nobody waits for a recorder that rests
        assert lane.wants_picture(50 * STEP_NS)
        put(lane, 50)
        put(lane, 100)
        assert eventually(lambda: lane.recording == "full")
    assert recorder.indices == [50, 100]
    assert recorder.lives == 2
    assert caplog.text.count("counting goes on") == 1
    assert "recording goes on" in caplog.text


def test_one_reason_is_said_once_however_often_it_is_tried(eventually: Callable[..., bool], caplog: pytest.LogCaptureFixture) -> None:
    def full(_: Stamp) -> None:
        raise RecorderError("the disk is full")

    recorder = FakeRecorder(full)
    with RecordingLane(lambda: recorder, "door", live=True) as lane:
        for index, lives in ((0, 1), (100, 2), (300, 3)):
            put(lane, index)
            assert eventually(lambda lives=lives: recorder.lives == lives)
    assert caplog.text.count("the disk is full") == 1


def test_a_recorder_that_cannot_be_opened_is_not_the_cameras_end(eventually: Callable[..., bool]) -> None:
    def make() -> FakeRecorder:
        raise RecorderError("no folder")

    with RecordingLane(make, "door", live=False) as lane:
        put(lane, 0)
        assert eventually(lambda: lane.recording == "failed")
        feed(lane, 30)
    assert not any(thread.name == "record door" for thread in threading.enumerate())


def test_a_recorder_that_is_too_slow_is_asked_for_less_and_that_is_said_step_by_step(caplog: pytest.LogCaptureFixture) -> None:
    go, wanted = threading.Event(), []
    recorder = FakeRecorder(lambda _: go.wait(10) and None)
    with RecordingLane(lambda: recorder, "door", live=True) as lane:
        for index in range(300):  # half a minute in which the recorder is stuck
            if lane.wants_picture(index * STEP_NS):
                wanted.append(index)
                put(lane, index)
        assert lane.recording == "paused"
        go.set()
    assert [
        text for text in ("at most 10", "at most 4 pictures a second;", "half their width", "nothing for a while") if text in caplog.text
    ] == [
        "at most 10",
        "at most 4 pictures a second;",
        "half their width",
        "nothing for a while",
    ]
    assert caplog.text.count("counting goes on") == 4
    assert recorder.shrunk == sorted(recorder.shrunk)
    assert recorder.shrunk[-1] == 2
    assert len(wanted) < 200


def test_a_live_cameras_recording_has_less_right_to_the_processor_than_counting() -> None:
    seen: list[int] = []
    recorder = FakeRecorder(lambda _: seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
    with RecordingLane(lambda: recorder, "door", live=True) as lane:
        put(lane, 0)
    assert seen[0] > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
