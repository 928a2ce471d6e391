"""One camera's life: read, reopen, resume, stop, fail; what was counted is committed whatever ends it. Sources and detectors are scripted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from edge.count.tally import SEEN
from edge.data import Frame
from edge.errors import DeviceError, DiskFull, SourceError, SourceTimeout, UsageError
from edge.runtime import Clock, Device
from edge.runtime import reader as reader_module
from tests.unit.runtime.fakes import Camera, FakeDetector, FakeSource
from tests.unit.store.changes import checkpoint


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Any:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def run(camera: Camera, detector: FakeDetector | None = None, on_tick: Callable[[], None] = lambda: None) -> Device:
    device = Device(detector or FakeDetector(), [camera.parts], Clock())
    device.run(on_tick)
    return device


def states(camera: Camera) -> list[str]:
    return [state for state, _, _ in camera.states]


def test_a_file_is_read_to_its_end_and_finished() -> None:
    camera = Camera(lambda start: FakeSource(start, 50, live=False), live=False)
    device = run(camera)
    last = camera.ledger.checkpoints[-1]
    assert (last.frame, last.done, camera.ledger.totals[SEEN]) == (49, True, 4_900_000)
    assert states(camera) == ["live", "ended"]
    assert (device.cameras[0].frames_done, device.cameras[0].frames_in_all, device.stopped) == (50, 50, False)


def test_frames_are_given_back() -> None:
    sources: list[FakeSource] = []
    camera = Camera(lambda start: sources.append(FakeSource(start, 20, live=False)) or sources[-1], live=False)
    run(camera)
    assert all(frame.pixels.closed for frame in sources[0].given)  # type: ignore[attr-defined]


def test_a_broken_file_is_an_error_after_what_was_read_is_counted() -> None:
    def broken() -> None:
        raise SourceError("cut off after picture 30")

    camera = Camera(lambda start: FakeSource(start, 30, live=False, then=broken), live=False)
    with pytest.raises(SourceError, match="cut off after picture 30"):
        run(camera)
    last = camera.ledger.checkpoints[-1]
    assert (last.frame, last.done) == (29, False)
    assert camera.states[-1] == ("failed", "cut off after picture 30", None)


def test_a_live_camera_is_reopened_with_growing_pauses_and_goes_on_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_FIRST_PAUSE_S", 0.01)
    pauses: list[float] = []
    lives = 0

    def silent() -> None:
        raise SourceTimeout("it went silent")

    def open(start: int) -> FakeSource:
        nonlocal lives
        lives += 1
        if lives == 8:
            device.stop()
        if lives in (2, 3, 4, 5):
            raise SourceError("nobody answers")
        return FakeSource(start, start + 3, live=True, then=silent)

    camera = Camera(open, live=True, max_pause_s=0.04)
    device = Device(FakeDetector(), [camera.parts], Clock())
    wait = device.cameras[0]._stopping.wait
    monkeypatch.setattr(device.cameras[0]._stopping, "wait", lambda s: pauses.append(s) or wait(s))
    device.run()
    assert camera.opened[:7] == [0, 3, 3, 3, 3, 3, 6]  # no index is given twice
    assert states(camera)[:5] == ["live", "reconnecting", "reconnecting", "live", "reconnecting"]  # one with each reason
    for pause_s, aim_s in zip(pauses, [0.01, 0.02, 0.04, 0.04, 0.04, 0.04], strict=False):  # three frames do not make it short again
        assert 0.7 * aim_s <= pause_s <= aim_s
    assert camera.states[2][1] == "nobody answers"
    assert not camera.ledger.checkpoints[-1].done


def test_a_live_stream_that_ends_is_reopened() -> None:
    camera = Camera(lambda start: FakeSource(start, start + 2, live=True), live=True)
    device = Device(FakeDetector(), [camera.parts], Clock())
    device.run(lambda: device.stop() if len(camera.opened) > 3 else None)
    assert camera.states[1][:2] == ("reconnecting", "the stream ended")


@pytest.mark.parametrize("live", [True, False])
def test_what_may_be_a_camera_is_waited_for_and_then_read_as_what_it_is(live: bool) -> None:
    """An http address: a stream of pictures, or a file on somebody's server."""

    def open(start: int) -> FakeSource:
        if len(camera.opened) < 3:
            raise SourceError("nobody answers")
        return FakeSource(start, start + 5, live=live)

    camera = Camera(open, live=False, may_be_live=True, max_pause_s=0.01)
    device = Device(FakeDetector(), [camera.parts], Clock())
    device.run(lambda: device.stop() if len(camera.opened) > 5 else None)
    assert states(camera)[:3] == ["reconnecting", "live", "reconnecting" if live else "ended"]
    assert len(camera.opened) > 5 if live else len(camera.opened) == 3
    box = device.cameras[0].lane.frames
    assert (box._newest, box._room) == ((True, 1) if live else (False, 4))


def test_a_camera_that_must_open_and_does_not_is_an_error() -> None:
    def open(start: int) -> FakeSource:
        raise SourceError("there is no such camera")

    camera = Camera(open, live=True, must_open=True)
    with pytest.raises(SourceError, match="no such camera"):
        run(camera)
    assert states(camera) == ["failed"]


def test_stopping_commits_what_was_read_and_does_not_call_it_finished() -> None:
    source = FakeSource(0, 1_000_000, live=False)
    camera = Camera(lambda start: source, live=False)
    device = Device(FakeDetector(), [camera.parts], Clock())
    device.run(device.stop)
    last = camera.ledger.checkpoints[-1]
    assert 0 < last.frame + 1 <= len(source.given) <= last.frame + 2  # the one that was not taken any more
    assert camera.ledger.totals[SEEN] == last.frame * 100_000
    assert not last.done
    assert states(camera) == ["live"]
    assert device.stopped


def test_an_interrupted_file_goes_on_after_its_last_committed_frame() -> None:
    camera = Camera(lambda start: FakeSource(start, 60, live=False), live=False, resume=checkpoint(frame=41, t_ns=41 * 10**8, state={}))
    device = run(camera)
    assert camera.opened == [0, 42]
    assert camera.began[0] is not None
    assert camera.ledger.seen_s == pytest.approx(1.8)
    assert (device.cameras[0].frames_done, device.cameras[0].frames_in_all) == (18, 18)


@pytest.mark.parametrize("change", [{"done": True}, {"source": "another file"}])
def test_a_finished_or_another_file_begins_at_its_beginning(change: dict[str, Any]) -> None:
    camera = Camera(lambda start: FakeSource(start, 20, live=False), live=False, resume=checkpoint(**change))
    run(camera)
    assert camera.opened == [0, 0]
    assert camera.began == [None]


def test_a_run_interrupted_after_the_last_frame_is_finished_by_the_next() -> None:
    camera = Camera(lambda start: FakeSource(start, 42, live=False), live=False, resume=checkpoint(frame=41, t_ns=41 * 10**8, state={}))
    run(camera)
    last = camera.ledger.checkpoints[-1]
    assert (last.frame, last.t_ns, last.done) == (41, 41 * 10**8, True)
    assert states(camera)[-1] == "ended"


def test_a_detector_that_fails_leaves_a_file_unfinished_and_resumable() -> None:
    def fail(frames: Sequence[Frame]) -> None:
        if frames[0].stamp.index == 20:
            raise DeviceError("the device is gone")

    for _ in range(10):  # the reader hears of it at any moment
        camera = Camera(lambda start: FakeSource(start, 200, live=False), live=False)
        with pytest.raises(DeviceError):
            run(camera, FakeDetector(on_batch=fail))
        last = camera.ledger.checkpoints[-1]
        assert (last.frame, last.done) == (19, False)
        assert "ended" not in states(camera)


def test_a_configuration_that_does_not_fit_the_picture_stops_the_device() -> None:
    camera = Camera(lambda start: FakeSource(start, 200, live=False), live=False)

    def refuse(*_: object) -> Any:
        raise UsageError("line 'gate' is outside the picture")

    object.__setattr__(camera.parts, "begin", refuse)
    with pytest.raises(UsageError, match="outside the picture"):
        run(camera)


def test_one_camera_that_fails_lets_the_others_commit_what_they_have() -> None:
    endless = FakeSource(0, 1_000_000, live=False)

    def broken() -> None:
        while len(endless.given) < 20:  # more than wait anywhere: some were worked on
            time.sleep(0.001)
        raise SourceError("broken")

    bad = Camera(lambda start: FakeSource(start, 5, live=False, then=broken), live=False)
    good = Camera(lambda start: endless, live=False)
    with pytest.raises(SourceError, match="broken"):
        Device(FakeDetector(batch=2), [bad.parts, good.parts], Clock()).run()
    last = good.ledger.checkpoints[-1]
    assert not last.done
    assert good.ledger.seen_s == pytest.approx(last.frame * 0.1)


def test_watching_that_fails_stops_every_thread() -> None:
    def tick() -> None:
        raise ZeroDivisionError

    camera = Camera(lambda start: FakeSource(start, start + 5, live=True), live=True)
    with pytest.raises(ZeroDivisionError):
        run(camera, on_tick=tick)


def test_a_disk_that_is_full_for_a_while_costs_nothing() -> None:
    def toggle(frames: Sequence[Frame]) -> None:
        camera.ledger.full = 10 <= frames[0].stamp.index < 150

    camera = Camera(lambda start: FakeSource(start, 200, live=False), live=False)
    run(camera, FakeDetector(on_batch=toggle))
    assert camera.ledger.seen_s == pytest.approx(19.9)
    assert camera.ledger.checkpoints[-1].done


@pytest.mark.parametrize("stops", [True, False])
def test_a_disk_that_is_full_at_the_end_is_an_error(stops: bool) -> None:
    camera = Camera(lambda start: FakeSource(start, 50, live=stops, then=lambda: device.stop()), live=stops)
    camera.ledger.full = True
    device = Device(FakeDetector(), [camera.parts], Clock())
    with pytest.raises(DiskFull):
        device.run()


def test_a_camera_without_frames_commits_nothing(eventually: Callable[..., bool]) -> None:
    quiet = threading.Event()
    camera = Camera(lambda start: FakeSource(start, 5, live=True, then=lambda: quiet.wait(10) and None), live=True)
    device = Device(FakeDetector(), [camera.parts], Clock())
    thread = threading.Thread(target=device.run)
    thread.start()
    try:
        assert eventually(lambda: camera.ledger.checkpoints and camera.ledger.checkpoints[-1].frame == 4)
        time.sleep(0.15)
        commits = len(camera.ledger.checkpoints)
        time.sleep(0.3)  # many times commit_s
        assert len(camera.ledger.checkpoints) == commits
    finally:
        device.stop()
        quiet.set()
        thread.join(10)
    assert not thread.is_alive()
