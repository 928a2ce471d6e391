"""A GPU opened and closed again and again, and frames going up by the ten thousand: nothing is lost on the way. Kernels are others' tests."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edge.backends.cuda.device import Device
from edge.backends.cuda.kernels import Kernels
from edge.backends.cuda.upload import Uploads
from edge.data import U8, Frame, HostPixels, Size, Stamp

Figures = Callable[[str, float], None]
SLACK_BYTES = 32 << 20
"""The driver takes memory in pieces of its own and keeps some; more than that is a leak."""


def free_bytes() -> int:
    import pycuda.driver as cuda

    return int(cuda.mem_get_info()[0])


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def frame(number: int, pixels: U8, camera: str = "a") -> Frame:
    return Frame(Stamp(camera, number, number, Size(pixels.shape[1], pixels.shape[0])), HostPixels(pixels))


def test_a_gpu_can_be_opened_and_closed_fifty_times(gpu: Any, figures: Figures) -> None:
    def work(device: Device) -> None:
        stream, memory, host = device.stream(), device.memory(16 << 20), device.pinned((1 << 20,))
        stream.clear(memory)
        stream.download(memory, host.array)
        stream.wait()
        assert not host.array.any()

    before = after_ten = 0
    began_s = time.monotonic()
    for number in range(50):
        with Device() as device:
            device.run(lambda device=device: work(device))  # type: ignore[misc]
        if number == 9:
            after_ten = gpu.device.run(free_bytes)
        before = before or gpu.device.run(free_bytes)
    figures("open_and_close_ms", (time.monotonic() - began_s) / 50 * 1e3)
    assert gpu.device.run(free_bytes) >= min(before, after_ten) - SLACK_BYTES


def test_ten_thousand_frames_go_up_and_nothing_grows(gpu: Any, figures: Figures) -> None:
    pictures = [np.random.default_rng(n).integers(0, 256, (360, 640, 3), dtype=np.uint8) for n in range(7)]

    def work(uploads: Uploads, first: int) -> None:
        stream = gpu.device.stream()
        for number in range(first, first + 1000):
            with uploads.of(frame(number, pictures[number % 7], "ab"[number % 2]), stream):
                pass
        stream.wait()
        stream.close()

    uploads = gpu.device.run(lambda: Uploads(gpu.device))
    gpu.device.run(lambda: work(uploads, 0))
    free, lent, peak = gpu.device.run(free_bytes), len(gpu.device.lender), peak_mb()
    began_s = time.monotonic()
    for thousand in range(1, 11):
        gpu.device.run(lambda thousand=thousand: work(uploads, thousand * 1000))
    figures("upload_640x360_us", (time.monotonic() - began_s) / 10_000 * 1e6)
    # Each round had a stream of its own; what was kept for it went with it.
    assert len(gpu.device.lender) == lent
    assert gpu.device.run(free_bytes) >= free - SLACK_BYTES
    assert peak_mb() < peak + 32
    gpu.device.run(uploads.close)


def test_every_frame_arrives_as_it_is_while_others_come(gpu: Any) -> None:
    pictures = [np.random.default_rng(n).integers(0, 256, (721, 1283, 3), dtype=np.uint8) for n in range(12)]

    def work() -> None:
        uploads, streams = Uploads(gpu.device), [gpu.device.stream() for _ in range(2)]
        hosts = [gpu.device.pinned(pictures[0].shape) for _ in pictures]
        for number, (picture, host) in enumerate(zip(pictures, hosts, strict=True)):
            with uploads.of(frame(number, picture), streams[number % 2]) as seen:
                streams[number % 2].download(seen.memory, host.array)
        for stream in streams:
            stream.wait()
        for picture, host in zip(pictures, hosts, strict=True):
            np.testing.assert_array_equal(host.array, picture)
        uploads.close()
        for lent in (*streams, *hosts):
            lent.close()

    gpu.device.run(work)


def test_kernels_are_compiled_once_for_this_gpu(gpu: Any, tmp_path: Path, figures: Figures) -> None:
    def load() -> float:
        began_s = time.monotonic()
        Kernels.load(gpu.device, "heat.cu", tmp_path).close()
        return time.monotonic() - began_s

    first_s, second_s = gpu.device.run(load), gpu.device.run(load)
    figures("first_load_s", first_s)
    figures("second_load_s", second_s)
    assert len(list(tmp_path.iterdir())) == 1
