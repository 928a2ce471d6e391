"""A fault in any call of the driver that a run makes: one DeviceError, a clean end, everything given back. A run is one line in RUNS.

Runs are done over the stand-in driver, first without a fault, which tells the calls that they make; then again for each of these calls, which fails.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edge.backends.cuda.detector import TensorRtDetector
from edge.backends.cuda.device import Device
from edge.backends.cuda.gpu import Gpu
from edge.backends.cuda.kernels import Kernels
from edge.backends.cuda.painter import CudaPainter
from edge.backends.cuda.upload import Uploads
from edge.data import Frame, HostPixels, Size, Stamp, Warmth
from edge.detect import DetectOptions
from edge.errors import DeviceError
from edge.heat import HeatOptions
from edge.shapes import Overlay
from tests.cuda_host.driver import ILLEGAL_ADDRESS, UNKNOWN, StandIn
from tests.cuda_host.engines import plan_of, tensorrt_standin

pytestmark = pytest.mark.system

GIVE_BACK = {
    "cuMemFree_v2",
    "cuMemFreeHost",
    "cuStreamDestroy_v2",
    "cuEventDestroy_v2",
    "cuModuleUnload",
    "cuCtxDetach",
    "cuCtxDestroy_v2",
    "cuDevicePrimaryCtxRelease_v2",
    "cuCtxPopCurrent_v2",
}
"""What gives something back. pycuda tells stderr where these fail and goes on, for there is nothing else to do: the context's end takes all."""
WAITS = {"cuLaunchKernel", "cuStreamSynchronize", "cuEventSynchronize", "cuMemcpyDtoHAsync_v2"}
"""Where CUDA says that a kernel has failed before; then every later call fails as well."""
NOT_OURS = {"cuCtxGetCurrent", "cuLaunchHostFunc", "cuMemGetAddressRange_v2"}
"""What the stand-in TensorRT asks of the driver; its own failures are test_detector.py's."""
MOST = 24
"""Calls of one function that are made to fail: all up to here, then the last."""


def upload_and_add(driver: StandIn) -> None:
    """The device's own part: frames up, a kernel, numbers down."""
    frames = [
        Frame(Stamp("a", n, n, Size(8 + n, 6)), HostPixels(np.full((6, 8 + n, 3), n, np.uint8))) for n in range(3)
    ]  # each larger than the last

    with Device() as device:

        def work() -> None:
            uploads, stream, done = Uploads(device), device.stream(), device.event()
            kernels = Kernels.load(device, str(Path(__file__).with_name("samples.cu")), driver.kernels)
            to, a, out = device.memory(400), device.memory(400), device.pinned((100,), np.float32)
            for frame in frames:
                with uploads.of(frame, stream):
                    stream.upload(np.ones(100, np.float32), a)
                    stream.clear(to)
                    kernels["add"].launch(stream, (1, 1, 1), (128, 1, 1), to, a, 100)
                stream.download(to, out.array)
                done.record(stream).wait()
                assert (out.array == 1).all()
            uploads.close()
            for lent in (kernels, to, a, out, done, stream):
                lent.close()

        device.run(work)


def paint(driver: StandIn) -> None:
    """A painter from its first presence: a buffer that is scaled back, a scale that moves, a picture that grows, memory of the GPU's own."""
    driver.set(integrated=False)
    with Gpu(driver.kernels) as gpu, CudaPainter(gpu, HeatOptions(half_life_s=0.1), Size(64, 36), redraw_s=1.0) as painter:
        for number, size in enumerate((Size(64, 36), Size(96, 54))):
            stamp = Stamp("a", number, number * 1_500_000_000, size)
            painter.warm(stamp, Warmth([9, 12], [33_333, 50_000], [0, 0]))
            picture = painter.paint(Frame(stamp, HostPixels(np.full((size.height, size.width, 3), 90, np.uint8))), Overlay(size, ()))
            assert (picture != 90).any()


def detect(driver: StandIn) -> None:
    """Frames of two sizes through the detector, in batches of one and two."""
    frames = [Frame(Stamp("a", n, n, Size(64 + n, 48)), HostPixels(np.full((48, 64 + n, 3), 20, np.uint8))) for n in range(3)]
    plan = plan_of(network=(64, 64), head=(6, 10), batch=(1, 2, 2))
    with tensorrt_standin(), Gpu(driver.kernels) as gpu, TensorRtDetector(gpu, plan, DetectOptions()) as detector:
        assert [len(seen) for seen in detector.detect(frames)] == [0, 0, 0]


RUNS: dict[str, Callable[[StandIn], None]] = {
    "upload and add": upload_and_add,
    "detect": detect,
    "paint": paint,
}


@contextmanager
def no_complaints() -> Iterator[None]:
    """What pycuda says when it is too late to give something back, on another thread than the context's, is an error here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def faults(calls: dict[str, int]) -> Iterator[tuple[str, int, bool]]:
    for function, count in calls.items():
        if function in NOT_OURS:
            continue
        for number in sorted({*range(1, min(count, MOST) + 1), count}):
            yield function, number, False
            if function in WAITS:
                yield function, number, True


def trouble_after(driver: StandIn, run: Callable[[StandIn], None], function: str, number: int, stays: bool) -> str | None:
    """What was not as it should be when a call failed."""
    driver.begin()
    driver.fail(function, number, error=ILLEGAL_ADDRESS if stays else UNKNOWN, stays=stays)
    said: Exception | None = None
    try:
        with no_complaints():
            run(driver)
    except DeviceError as error:
        said = error
    except Exception as error:  # noqa: BLE001  every other kind is what is looked for
        return f"{type(error).__name__}: {error}"
    if said is None and function not in GIVE_BACK:
        return "nobody noticed"
    if said is not None and ("\n" in str(said) or len(str(said)) > 400):
        return f"not one sentence: {said}"
    held = {kind: n for kind, n in driver.held.items() if not (kind == "contexts" and function in GIVE_BACK)}
    if held and "contexts" not in held and "contexts" in driver.held:
        held = {}  # the context could not be ended, and holds what it holds
    if held:
        return f"still held: {held}"
    if not stays and driver.reclaimed > (function in GIVE_BACK):
        return f"{driver.reclaimed} things were only given back by the context's end"
    if any(thread.name == "device" for thread in threading.enumerate()):
        return "the device's thread goes on"
    if driver.faults:
        return f"the driver noticed {driver.faults}"
    return None


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_a_fault_in_any_call_is_one_error_and_everything_is_given_back(run: Callable[[StandIn], None], host_cuda: StandIn) -> None:
    run(host_cuda)  # compiles what is to be compiled
    host_cuda.begin()
    run(host_cuda)
    calls = host_cuda.calls
    assert host_cuda.reclaimed == 0
    assert not host_cuda.held
    assert len(calls) > 15
    found = {}
    for function, number, stays in faults(calls):
        trouble = trouble_after(host_cuda, run, function, number, stays)
        if trouble is not None:
            found[f"{function} {number}{' stays' * stays}"] = trouble
    assert not found, "\n".join(f"{where}: {what}" for where, what in found.items())
    host_cuda.begin()
    run(host_cuda)  # nothing of it stayed in this process
    assert host_cuda.reclaimed == 0
