"""A slow or broken recorder costs pictures, never counts. What a recorder writes is the recorder's own test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.data import U8, Stamp
from edge.errors import RecorderError
from edge.runtime import recording
from edge.runtime.recording import RecordingLane
from tests.unit.runtime.fakes import SIZE, STEP_NS

PICTURE = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)


class FakeRecorder:
    """Remembers stamps; `on_record(stamp)` may raise or wait."""

    recorded: tuple[Path, ...] = ()

    def __init__(self, on_record: Callable[[Stamp], None] = lambda _: None) -> None:
        self._on_record = on_record
        self.indices: list[int] = []
        self.lives = 0

    def __enter__(self) -> FakeRecorder:
        self.lives += 1
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def record(self, stamp: Stamp, picture: U8) -> None:
        self._on_record(stamp)
        self.indices.append(stamp.index)


def feed(lane: RecordingLane, count: int) -> None:
    for index in range(count):
        lane.put(Stamp("door", index, index * STEP_NS, SIZE), PICTURE)


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
    error: Exception, live: bool, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., bool], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recording, "_REST_S", 0.1)

    def fail_once(stamp: Stamp) -> None:
        if stamp.index == 0:
            raise error

    recorder = FakeRecorder(fail_once)
    with RecordingLane(lambda: recorder, "door", live=live) as lane:
        feed(lane, 1)
        assert eventually(lambda: not lane.wants_picture)
        feed(lane, 30)  # returns: nobody waits for a recorder that rests
        assert eventually(lambda: lane.wants_picture and recorder.lives == 2)
        lane.put(Stamp("door", 99, 99 * STEP_NS, SIZE), PICTURE)
    assert recorder.indices[-1] == 99
    assert "counting goes on" in caplog.text


def test_a_recorder_that_cannot_be_opened_is_not_the_cameras_end(eventually: Callable[..., bool]) -> None:
    def make() -> FakeRecorder:
        raise RecorderError("no folder")

    with RecordingLane(make, "door", live=False) as lane:
        assert eventually(lambda: not lane.wants_picture)
        feed(lane, 30)
    assert not any(thread.name == "record door" for thread in threading.enumerate())
