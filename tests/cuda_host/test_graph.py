"""Work that is recorded once and replayed: when it is, and what becomes of it when it cannot be. cuda-python is a stand-in; no GPU is here."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from enum import IntEnum
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edge.backends.cuda import graph
from edge.backends.cuda.detector import TensorRtDetector
from edge.backends.cuda.device import Device
from edge.backends.cuda.gpu import Gpu
from edge.backends.cuda.graph import Replayed
from edge.data import Frame, HostPixels, Size, Stamp
from edge.detect import DetectOptions
from edge.errors import DeviceError
from tests.cuda_host.driver import StandIn
from tests.cuda_host.engines import host_tensorrt, plan_of

__all__ = ["host_tensorrt"]
pytestmark = pytest.mark.system


class Result(IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901


class Mode(IntEnum):
    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1


class CudaPython:
    """cuda.bindings.driver as far as it is used: a graph of it is the work that was going on while it was recorded, done again by a launch."""

    CUresult, CUstreamCaptureMode, CUstream = Result, Mode, int

    def __init__(self, work: Callable[[], None]) -> None:
        self.work, self.fails = work, ""
        self.calls: list[str] = []
        self.graphs: set[int] = set()

    def _answer(self, name: str, *answer: Any) -> tuple[Any, ...]:
        self.calls.append(name)
        return (Result.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,) if name == self.fails else (Result.CUDA_SUCCESS, *answer)

    def cuStreamBeginCapture(self, stream: int, mode: Mode) -> tuple[Any, ...]:  # noqa: N802  their names
        assert stream
        return self._answer("begin")

    def cuStreamEndCapture(self, stream: int) -> tuple[Any, ...]:  # noqa: N802
        self.graphs.add(1)
        return self._answer("end", 1)

    def cuGraphInstantiate(self, recorded: int, flags: int) -> tuple[Any, ...]:  # noqa: N802
        self.graphs.add(2)
        return self._answer("instantiate", 2)

    def cuGraphLaunch(self, made: int, stream: int) -> tuple[Any, ...]:  # noqa: N802
        self.work()
        return self._answer("launch")

    def cuGraphDestroy(self, recorded: int) -> tuple[Any, ...]:  # noqa: N802
        self.graphs.discard(1)
        return (Result.CUDA_SUCCESS,)

    def cuGraphExecDestroy(self, made: int) -> tuple[Any, ...]:  # noqa: N802
        self.graphs.discard(2)
        return self._answer("drop")


@pytest.fixture
def cuda_python(monkeypatch: pytest.MonkeyPatch) -> Iterator[CudaPython]:
    made = CudaPython(lambda: None)
    monkeypatch.setattr(graph, "_bindings", lambda: made)
    yield made
    assert not made.graphs


def replayed(device: Device, done: list[str], runs: list[bool], *, recording: bool = True) -> None:
    """`runs` of a work that says "done"; True where shapes have changed."""

    def job() -> None:
        with device.stream() as stream, Replayed(device, stream, lambda: done.append("done"), recording=recording) as work:
            for changed in runs:
                work.run(changed=changed)

    device.run(job)


def test_work_is_recorded_when_it_comes_again_and_anew_after_a_change(host_cuda: StandIn, cuda_python: CudaPython) -> None:
    with Device() as device:
        replayed(device, [], [True, False, False, False, True, False, False])
    once = ["begin", "end", "instantiate", "launch", "launch"]
    assert cuda_python.calls == [*once, "launch", "drop", *once, "drop"]


def test_without_the_wish_or_the_library_work_is_given_as_it_is(
    host_cuda: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "cuda", ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    graph._bindings.cache_clear()
    done: list[str] = []
    with Device() as device:
        for recording in (False, True, True):
            replayed(device, done, [True, False, False], recording=recording)
    graph._bindings.cache_clear()
    assert len(done) == 9
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "`pip install cuda-python`; work goes on without" in warnings[0]


@pytest.mark.parametrize("fails", ["begin", "end", "instantiate"])
def test_work_that_cannot_be_recorded_is_given_as_it_is_from_then_on_and_that_is_said_once(
    host_cuda: StandIn, cuda_python: CudaPython, caplog: pytest.LogCaptureFixture, fails: str
) -> None:
    cuda_python.fails = fails
    done: list[str] = []
    with Device() as device:
        replayed(device, done, [True, False, False, True, False, False])
    assert "launch" not in cuda_python.calls
    assert cuda_python.calls.count("begin") == 1
    assert len(done) == 6 + (fails != "begin")
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "cannot be recorded as a CUDA graph, and is given to the GPU piece by piece" in said
    cuda_python.graphs.clear()


def test_a_graph_that_cannot_be_launched_is_an_error(host_cuda: StandIn, cuda_python: CudaPython) -> None:
    cuda_python.fails = "launch"
    with (
        Device() as device,
        pytest.raises(DeviceError, match=r"cuGraphLaunch failed: CUDA_ERROR_STREAM_CAPTURE_INVALIDATED; set `cuda_graph: false`"),
    ):
        replayed(device, [], [True, False])


def test_an_error_of_the_work_itself_ends_the_recording(host_cuda: StandIn, cuda_python: CudaPython) -> None:
    done: list[str] = []

    def work() -> None:
        done.append("tried")
        if len(done) > 1:
            raise DeviceError("the network failed")

    def job() -> None:
        with device.stream() as stream, Replayed(device, stream, work, recording=True) as made:
            made.run(changed=True)
            made.run(changed=False)

    with Device() as device, pytest.raises(DeviceError, match="the network failed"):
        device.run(job)
    assert cuda_python.calls == ["begin", "end"]
    assert len(done) == 3  # as it is, recorded, as it is again: then the error is real
    cuda_python.graphs.clear()


def test_a_detector_that_replays_finds_what_it_found(host_tensorrt: ModuleType, host_cuda: StandIn, cuda_python: CudaPython) -> None:
    def frame(index: int) -> Frame:
        picture = np.full((240, 320, 3), 20, np.uint8)
        picture[50:150, 20 + index : 60 + index] = 250
        return Frame(Stamp("a", index, index, Size(320, 240)), HostPixels(picture))

    with Gpu(host_cuda.kernels) as gpu, TensorRtDetector(gpu, plan_of(batch=(1, 2, 2)), DetectOptions(cuda_graph=True)) as detector:
        cuda_python.work = detector._launch
        for start, count in ((0, 1), (1, 1), (2, 1), (3, 2), (5, 2), (7, 2), (9, 1), (10, 1)):
            found = detector.detect([frame(index) for index in range(start, start + count)])
            np.testing.assert_allclose(
                [seen.xyxy[0] for seen in found], [(20 + i, 50, 60 + i, 150) for i in range(start, start + count)], atol=1
            )
    assert cuda_python.calls.count("begin") == 3
    assert cuda_python.calls.count("launch") == 5


def test_a_batch_that_failed_leaves_no_old_recording_for_the_next(
    host_tensorrt: ModuleType, host_cuda: StandIn, cuda_python: CudaPython
) -> None:
    good = Frame(Stamp("a", 0, 0, Size(320, 240)), HostPixels(np.full((240, 320, 3), 20, np.uint8)))
    wrong = Frame(Stamp("b", 0, 0, Size(640, 480)), good.pixels)
    with Gpu(host_cuda.kernels) as gpu, TensorRtDetector(gpu, plan_of(batch=(1, 2, 2)), DetectOptions(cuda_graph=True)) as detector:
        cuda_python.work = detector._launch
        for _ in range(3):
            detector.detect([good])
        assert cuda_python.calls.count("launch") == 2
        with pytest.raises(ValueError, match="is stamped 640x480"):
            detector.detect([good, wrong])
        detector.detect([good, good])
        assert cuda_python.calls.count("launch") == 2  # as it is, for its shape is new
        assert cuda_python.calls[-1] == "drop"
