"""Frames on the device, over the stand-in driver, which does all work as late as it can. Kernels are others' tests."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.backends.cuda.device import Device
from edge.backends.cuda.lent import Stream
from edge.backends.cuda.upload import Uploads
from edge.data import U8, Frame, HostPixels, Size, Stamp
from edge.errors import DeviceError
from tests.cuda_host.driver import StandIn

pytestmark = pytest.mark.system


SMALL = Size(7, 5)


def frame(number: int, *, camera: str = "a", size: Size = SMALL, pixels: U8 | None = None) -> Frame:
    if pixels is None:
        pixels = np.random.default_rng(number).integers(0, 256, (size.height, size.width, 3), dtype=np.uint8)
    return Frame(Stamp(camera, number, number, Size(pixels.shape[1], pixels.shape[0])), HostPixels(pixels))


def seen(device: Device, uploads: Uploads, of: Frame, stream: Stream) -> U8:
    """The frame's pixels as work on the device finds them."""
    with uploads.of(of, stream) as picture, device.pinned((picture.size.height, picture.size.width, 3)) as host:
        stream.download(picture.memory, host.array)
        stream.wait()
        return host.array.copy()


def uploaded(driver: StandIn) -> int:
    return driver.calls.get("cuMemcpyHtoDAsync_v2", 0)


@pytest.mark.parametrize("size", [Size(1, 1), Size(7, 5), Size(640, 360), Size(3, 2161)], ids=str)
def test_a_frame_arrives_as_it_is(host_cuda: StandIn, size: Size) -> None:
    def look(device: Device) -> None:
        uploads, stream = Uploads(device), device.stream()
        np.testing.assert_array_equal(seen(device, uploads, frame(1, size=size), stream), frame(1, size=size).bgr)

    with Device() as device:
        device.run(lambda: look(device))


def test_rows_with_gaps_and_pictures_upside_down_arrive_too(host_cuda: StandIn) -> None:
    whole = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)

    def look(device: Device) -> None:
        uploads, stream = Uploads(device), device.stream()
        for number, part in enumerate([whole[3:20, 5:17], whole[::-1], whole[:, ::-1, ::-1], np.asfortranarray(whole)]):
            np.testing.assert_array_equal(seen(device, uploads, frame(number, pixels=part), stream), part)

    with Device() as device:
        device.run(lambda: look(device))


def test_a_frame_is_uploaded_once_for_all_who_look(host_cuda: StandIn) -> None:
    def look(device: Device) -> None:
        uploads, detector, painter = Uploads(device), device.stream(), device.stream()
        frames = [frame(number, camera=camera) for number in range(3) for camera in "ab"]
        for stream in (detector, painter, detector):
            for one in frames:
                np.testing.assert_array_equal(seen(device, uploads, one, stream), one.bgr)

    with Device() as device:
        device.run(lambda: look(device))
    assert uploaded(host_cuda) == 6


def test_another_picture_under_the_same_stamp_is_another_picture(host_cuda: StandIn) -> None:
    def look(device: Device) -> None:
        uploads, stream = Uploads(device), device.stream()
        for shade in range(6):
            one = frame(1, pixels=np.full((5, 7, 3), shade, np.uint8))
            np.testing.assert_array_equal(seen(device, uploads, one, stream), one.bgr)

    with Device() as device:
        device.run(lambda: look(device))


def test_a_picture_stays_while_somebody_looks_at_it_however_many_come(host_cuda: StandIn) -> None:
    def look(device: Device) -> None:
        uploads, stream, other = Uploads(device), device.stream(), device.stream()
        host, first = device.pinned((5, 7, 3)), frame(0)
        with uploads.of(first, stream) as picture:
            for number in range(1, 12):
                with uploads.of(frame(number), other):
                    pass
            stream.download(picture.memory, host.array)
        for number in range(12, 24):  # nor while work that was given inside has not been done
            with uploads.of(frame(number), other):
                pass
        stream.wait()
        np.testing.assert_array_equal(host.array, first.bgr)

    with Device() as device:
        device.run(lambda: look(device))


def test_many_frames_of_one_camera_can_be_looked_at_together(host_cuda: StandIn) -> None:

    def look(device: Device) -> None:
        uploads, stream = Uploads(device), device.stream()
        frames = [frame(number) for number in range(9)]
        out = [device.pinned((5, 7, 3)) for _ in frames]
        with ExitStack() as stack:
            pictures = [stack.enter_context(uploads.of(one, stream)) for one in frames]
            for picture, host in zip(pictures, out, strict=True):
                stream.download(picture.memory, host.array)
        stream.wait()
        for one, host in zip(frames, out, strict=True):
            np.testing.assert_array_equal(host.array, one.bgr)

    with Device() as device:
        device.run(lambda: look(device))


def test_nothing_is_allocated_any_more_once_sizes_have_been_seen(host_cuda: StandIn) -> None:
    def look(device: Device, uploads: Uploads, stream: Stream, numbers: range) -> None:
        for number in numbers:
            for camera, size in (("a", Size(64, 48)), ("b", Size(32, 20))):
                with uploads.of(frame(number, camera=camera, size=size), stream):
                    pass
        stream.wait()

    with Device() as device:
        uploads, stream = device.run(lambda: Uploads(device)), device.run(device.stream)
        device.run(lambda: look(device, uploads, stream, range(8)))
        before = {name: n for name, n in host_cuda.calls.items() if "Alloc" in name or "Create" in name}
        device.run(lambda: look(device, uploads, stream, range(8, 60)))
        assert {name: n for name, n in host_cuda.calls.items() if "Alloc" in name or "Create" in name} == before
        device.run(uploads.close)
        assert host_cuda.held == {"streams": 1, "contexts": 1}


def test_readers_that_come_and_go_leave_nothing(host_cuda: StandIn) -> None:
    def look(device: Device, uploads: Uploads, first: int) -> None:
        for number in range(first, first + 20):
            with device.stream() as stream, uploads.of(frame(number), stream):
                pass

    with Device() as device:
        uploads = device.run(lambda: Uploads(device))
        device.run(lambda: look(device, uploads, 0))
        held = host_cuda.held
        device.run(lambda: look(device, uploads, 20))
        assert host_cuda.held == held


def test_a_picture_that_did_not_arrive_is_not_taken_for_the_one_before(host_cuda: StandIn) -> None:
    def work(device: Device) -> None:
        uploads, stream = Uploads(device), device.stream()
        frames = [frame(number) for number in range(4)]
        for one in frames:
            seen(device, uploads, one, stream)
        host_cuda.set(memory_bytes=31_500)  # enough to stage it, not to hold it too
        with pytest.raises(DeviceError, match="out of memory"):
            seen(device, uploads, frame(5, size=Size(100, 100)), stream)
        for one in reversed(frames):
            np.testing.assert_array_equal(seen(device, uploads, one, stream), one.bgr)

    with Device() as device:
        device.run(lambda: work(device))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 7), st.integers(1, 9), st.booleans()), max_size=30))
def test_whoever_looks_at_whatever_in_any_order_sees_the_frame(host_cuda: StandIn, looks: list[tuple[str, int, int, bool]]) -> None:
    frames: dict[tuple[str, int, int], Frame] = {}

    def look(device: Device) -> None:
        uploads, streams = Uploads(device), (device.stream(), device.stream())
        wanted = []
        for camera, number, width, first in looks:
            one = frames.setdefault((camera, number, width), frame(number, camera=camera, size=Size(width, 3)))
            host = device.pinned(one.bgr.shape)
            with uploads.of(one, streams[first]) as picture:
                streams[first].download(picture.memory, host.array)
            wanted.append((one, host))
        for stream in streams:
            stream.wait()
        for one, host in wanted:
            np.testing.assert_array_equal(host.array, one.bgr)
        uploads.close()

    with Device() as device:
        device.run(lambda: look(device))
    assert not host_cuda.faults
    assert not host_cuda.held
