"""The one thread that runs networks: fair batches, and one failure that ends everything. Cameras are in `test_camera`."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.data import Frame
from edge.errors import DeviceError
from edge.runtime.accelerator import Accelerator, Lane
from edge.runtime.mailbox import Closed, Mailbox
from tests.unit.runtime.fakes import FakeDetector, frame_of


def lanes_of(count: int, work: threading.Event, room: int = 4) -> list[Lane]:
    return [
        Lane(Mailbox(room, newest=False, on_drop=Frame.close, on_change=work.set), Mailbox(2, newest=False, on_change=work.set))
        for _ in range(count)
    ]


def drain(lane: Lane) -> list[int]:
    """Indices of all that was seen, until the lane ends."""
    found: list[int] = []
    try:
        while True:
            seen = lane.seen.take(5)
            assert seen is not None, "nothing came for five seconds"
            found.append(seen[0].stamp.index)
    except Closed:
        return found


def test_every_frame_of_every_camera_is_seen_in_order_and_then_the_lanes_end() -> None:
    work, errors = threading.Event(), []
    lanes, detector = lanes_of(3, work), FakeDetector(batch=2)

    def write(lane: Lane, name: str) -> None:
        for index in range(30):
            lane.frames.put(frame_of(index, name))
        lane.frames.close()

    writers = [threading.Thread(target=write, args=(lane, f"c{n}")) for n, lane in enumerate(lanes)]
    found: dict[int, list[int]] = {}
    readers = [threading.Thread(target=lambda n=n, lane=lane: found.update({n: drain(lane)})) for n, lane in enumerate(lanes)]
    with Accelerator(detector, lanes, work, errors.append):
        for thread in [*writers, *readers]:
            thread.start()
        for thread in [*writers, *readers]:
            thread.join(10)
    assert found == {n: list(range(30)) for n in range(3)}
    assert errors == []
    assert detector.threads == {"accelerator"}
    assert all(len(batch) <= 2 and len(set(batch)) == len(batch) for batch in detector.batches)


@pytest.mark.parametrize("idle", [0, 1, 2, 3])
def test_cameras_that_always_have_a_frame_are_served_alike(idle: int) -> None:
    """Whoever else has none: a lane without frames must not give its turn to its neighbour."""
    work = threading.Event()
    lanes, detector = lanes_of(4, work, room=100), FakeDetector(batch=1)
    accelerator = Accelerator(detector, lanes, work, lambda _: None)
    for number, lane in enumerate(lanes):
        for index in range(0 if number == idle else 20):
            lane.frames.put(frame_of(index, f"c{number}"))
    for _ in range(30):
        accelerator._step(detector)
        for lane in lanes:
            lane.seen.take(0)
    served = Counter(name for (name,) in detector.batches)
    assert set(served.values()) == {10}


@settings(max_examples=200)
@given(
    cameras=st.integers(1, 5),
    batch=st.integers(1, 4),
    does=st.lists(st.tuples(st.sampled_from(["frame", "answer", "step", "step"]), st.integers(0, 4)), max_size=120),
)
def test_nobody_is_served_twice_while_another_waits(cameras: int, batch: int, does: list[tuple[str, int]]) -> None:
    """Whatever comes when, and however slow or dead some are: who has a frame, and room for its answer, is at most one turn of each other away."""
    work = threading.Event()
    lanes = [Lane(Mailbox(1, newest=True, on_drop=Frame.close), Mailbox(2, newest=False)) for _ in range(cameras)]
    detector = FakeDetector(batch)
    accelerator = Accelerator(detector, lanes, work, lambda _: None)
    accelerator._work.set()
    turns = {(waits, other): 0 for waits in range(cameras) for other in range(cameras)}
    for index, (what, number) in enumerate(does):
        lane = lanes[number % cameras]
        if what == "frame":
            lane.frames.put(frame_of(index, str(number % cameras)))
        elif what == "answer":
            lane.seen.take(0)
        else:
            waiting = [n for n, each in enumerate(lanes) if each.seen.has_room and not each.frames.has_room]
            before = len(detector.batches)
            if waiting:
                accelerator._step(detector)
            served = [int(name) for names in detector.batches[before:] for name in names]
            assert len(served) == min(batch, len(waiting)), "the accelerator idles though somebody waits"
            for waits in range(cameras):
                for other in range(cameras):
                    passed_over = waits in waiting and waits not in served
                    turns[waits, other] = turns[waits, other] + (other in served) if passed_over else 0
            assert max(turns.values()) <= 1, turns


def test_a_camera_that_does_not_take_its_answers_holds_nobody_up() -> None:
    work = threading.Event()
    lanes, detector = lanes_of(2, work, room=100), FakeDetector(batch=8)
    accelerator = Accelerator(detector, lanes, work, lambda _: None)
    for number, lane in enumerate(lanes):
        for index in range(10):
            lane.frames.put(frame_of(index, f"c{number}"))
    for _ in range(10):
        accelerator._step(detector)
        lanes[0].seen.take(0)
    assert Counter(name for batch in detector.batches for name in batch) == {"c0": 10, "c1": 2}


def test_a_detector_that_raises_ends_every_lane_with_that_error_and_leaves_no_thread() -> None:
    def fail(frames: Sequence[Frame]) -> None:
        if any(frame.stamp.index == 3 for frame in frames):
            raise DeviceError("the device is gone")

    work, errors, before = threading.Event(), [], set(threading.enumerate())
    lanes = lanes_of(2, work)
    given = [frame_of(index, f"c{n}") for n in range(2) for index in range(4)]
    with Accelerator(FakeDetector(batch=2, on_batch=fail), lanes, work, errors.append):
        for n, lane in enumerate(lanes):
            for frame in given[n * 4 : n * 4 + 4]:
                lane.frames.put(frame)
        seen = [drain(lane) for lane in lanes]
        with pytest.raises(Closed):
            lanes[0].frames.put(frame_of(9))
    assert [str(error) for error in errors] == ["the device is gone"]
    assert set(threading.enumerate()) == before
    assert all(indices == list(range(len(indices))) and len(indices) <= 3 for indices in seen)
    assert max(map(len, seen)) == 3
    # Each frame went to its reader or was given back.
    assert sum(frame.pixels.closed for frame in given) == len(given) - sum(map(len, seen))  # type: ignore[attr-defined]


def test_a_detector_that_cannot_be_opened_is_an_error_of_the_device(eventually: Callable[..., bool]) -> None:
    class Broken(FakeDetector):
        def __enter__(self) -> FakeDetector:
            raise DeviceError("no such device")

    work, errors = threading.Event(), []
    lanes = lanes_of(1, work)
    with Accelerator(Broken(), lanes, work, errors.append):
        assert drain(lanes[0]) == []
    assert [str(error) for error in errors] == ["no such device"]


def test_leaving_ends_the_thread_though_frames_are_left() -> None:
    work = threading.Event()
    lanes = lanes_of(1, work)
    frames = [frame_of(index) for index in range(4)]
    with Accelerator(FakeDetector(), lanes, work, lambda _: None):
        for frame in frames:
            lanes[0].frames.put(frame)
    assert not any(thread.name == "accelerator" for thread in threading.enumerate())
