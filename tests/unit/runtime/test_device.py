"""Several cameras on one device: one that is slow, dead or stuck is its own trouble. What one camera does alone is in `test_camera`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.change import Change
from edge.data import U8, Frame, Stamp, Warmth
from edge.errors import SourceError
from edge.runtime import Clock, Device, HealthMeter
from edge.runtime.looking import LivePicture
from edge.runtime.session import Viewer
from edge.shapes import Overlay
from tests.conftest import in_its_thread
from tests.unit.runtime.fakes import SIZE, Camera, FakeDetector, FakeSource, Ledger

FRAMES = 60


class HangingPainter:
    """Paints nothing until `over`."""

    def __init__(self, over: threading.Event) -> None:
        self._over = over

    def __enter__(self) -> HangingPainter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def warm(self, stamp: Stamp, warmth: Warmth) -> None:
        pass

    def paint(self, frame: Frame, overlay: Overlay) -> U8:
        self._over.wait()
        return frame.bgr


class AlwaysLooking(LivePicture):
    @property
    def wants_picture(self) -> bool:
        return True


class HangingLedger(Ledger):
    """Commits nothing until `over`: a disk that does not come back."""

    def __init__(self, over: threading.Event) -> None:
        super().__init__()
        self._over = over

    def commit(self, change: Change) -> None:
        self._over.wait()
        super().commit(change)


def endless(start: int) -> FakeSource:
    return FakeSource(start, 1_000_000, live=True)


def stuck_camera(trouble: str, over: threading.Event) -> Camera:
    """A live camera that gives frames without end, and whose `trouble` lasts until `over`."""
    if trouble == "source that hangs":
        return Camera(lambda start: FakeSource(start, start + 3, live=True, then=over.wait), live=True)
    if trouble == "source that is not there":

        def refused(start: int) -> FakeSource:
            raise SourceError("no route to host")

        return Camera(refused, live=True)
    if trouble == "painter that hangs":
        viewer = Viewer(HangingPainter(over), lambda result: Overlay(SIZE, ()), looking=(AlwaysLooking(max_fps=1000),))
        return Camera(endless, live=True, viewer=viewer)
    camera = Camera(endless, live=True)
    if trouble == "commit that hangs":
        camera.ledger = HangingLedger(over)
    else:
        begin = camera.parts.begin

        def waits(*about: Any) -> Any:
            over.wait()
            return begin(*about)

        camera.parts = replace(camera.parts, begin=waits)
    return camera


@pytest.mark.parametrize(
    "trouble",
    ["source that hangs", "source that is not there", "painter that hangs", "commit that hangs", "session that does not begin"],
)
def test_a_camera_that_is_stuck_keeps_nobody_from_the_accelerator(trouble: str, eventually: Callable[..., bool]) -> None:
    over = threading.Event()
    stuck, other = stuck_camera(trouble, over), Camera(lambda start: FakeSource(start, FRAMES, live=False), live=False)
    parts = [replace(stuck.parts, name="stuck"), replace(other.parts, name="other")]
    device = Device(FakeDetector(batch=2), parts, Clock())
    with in_its_thread(device.run, device.stop, 20):
        try:
            assert eventually(lambda: other.states and other.states[-1][0] == "ended")
            assert device.cameras[1].frames_done == FRAMES
        finally:
            over.set()


def test_whoever_is_behind_drops_frames_of_its_own_only(eventually: Callable[..., bool]) -> None:
    """One camera's work takes much longer than the network: its frames are late, its neighbours' are not fewer."""
    over = threading.Event()
    behind, others = stuck_camera("painter that hangs", over), [Camera(endless, live=True) for _ in range(2)]
    parts = [replace(camera.parts, name=name) for camera, name in zip([behind, *others], ("behind", "left", "right"), strict=True)]
    device = Device(FakeDetector(batch=1), parts, Clock())
    slow, left, right = device.cameras
    with in_its_thread(device.run, device.stop, 20):
        try:
            assert eventually(lambda: left.frames_done >= 200 and right.frames_done >= 200)
            assert eventually(lambda: slow.gauges.drops["late"]() > 100)
            assert slow.gauges.frames_seen <= 4  # one at work, two answers that wait, and none is asked for in vain
        finally:
            over.set()
    for camera in (slow, left, right):
        gauges = camera.gauges
        assert gauges.frames_processed + gauges.drops["late"]() == gauges.frames_in


def test_where_the_network_is_too_slow_health_tells_equal_parts(tmp_path: Path, eventually: Callable[..., bool]) -> None:
    over = threading.Event()
    cameras = {
        "dead": stuck_camera("source that is not there", over),
        "left": Camera(endless, live=True),
        "right": Camera(endless, live=True),
    }
    parts = [replace(camera.parts, name=name) for name, camera in cameras.items()]
    device = Device(FakeDetector(batch=1, on_batch=lambda _: time.sleep(0.002)), parts, Clock())
    gauges = {loop.name: loop.gauges for loop in device.cameras}
    head = {"device": "shop", "stream": "s", "boot_id": "b", "version": "1"}
    meter = HealthMeter(head=head, clock=Clock(), cameras=gauges, folder=tmp_path, every_s=3600)
    with in_its_thread(device.run, device.stop, 20):
        assert eventually(lambda: gauges["left"].frames_seen + gauges["right"].frames_seen >= 200)
        told = meter.measure().cameras
    assert told["dead"].share == 0
    assert told["left"].share == pytest.approx(0.5, abs=0.05)
    assert told["right"].share == pytest.approx(0.5, abs=0.05)
    assert told["left"].drops["late"] > 0


def test_a_frame_that_nobody_takes_any_more_did_not_come(eventually: Callable[..., bool]) -> None:
    loops: list[Any] = []

    def last_words() -> None:
        """The source has one more frame when the device has been stopped."""
        assert eventually(lambda: loops[0].lane.frames.finished)

    class Late(FakeSource):
        def __iter__(self) -> Iterator[Frame]:
            yield from super().__iter__()
            yield from FakeSource(self.count, self.count + 1, live=True)

    camera = Camera(lambda start: Late(start, 1, live=True, then=last_words), live=True)
    device = Device(FakeDetector(), [camera.parts], Clock())
    loops.extend(device.cameras)
    device.run(lambda: device.stop() if loops[0].frames_done else None)
    assert (loops[0].gauges.frames_in, loops[0].frames_done, loops[0].gauges.drops["late"]()) == (1, 1, 0)
