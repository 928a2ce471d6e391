"""The stand-in TensorRT itself: it refuses, or notices, what the real one would fail or crash of. The product is not here."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from edge.backends.cuda.device import Device
from tests.architecture.tensorrt_calls import MEMBERS, VERSIONS
from tests.cuda_host.driver import StandIn
from tests.cuda_host.engines import host_tensorrt, plan_of

__all__ = ["host_tensorrt"]
pytestmark = pytest.mark.system
TRT = ModuleType


def with_context(trt: Any, job: Callable[[Any, Device], None], **how: Any) -> list[str]:
    """Do `job(execution context, device)` as a job of a device's; what the library said and noticed, which the test's end then forgives."""
    said: list[str] = []

    class Log(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            said.append(msg)

    def work() -> None:
        runtime = trt.Runtime(Log())
        engine = runtime.deserialize_cuda_engine(plan_of(**how).plan)
        context = engine.create_execution_context()
        job(context, device)

    with Device() as device:
        device.run(work)
    said += trt.misuse
    trt.misuse.clear()
    return said


def ready(context: Any, device: Device, *, small: str = "") -> None:
    """All addresses set, to enough memory but for `small`."""
    for name, count in (("images", 4 * 3 * 320 * 320), ("output0", 4 * 60)):
        context.set_tensor_address(name, device.memory(count // 2 if name == small else count).address)


def test_right_use_is_silent(host_tensorrt: TRT) -> None:
    def job(context: Any, device: Device) -> None:
        ready(context, device)
        with device.stream() as stream:
            assert context.execute_async_v3(stream.handle)
            stream.wait()

    assert with_context(host_tensorrt, job) == []


def test_running_without_addresses_or_shapes_is_refused(host_tensorrt: TRT) -> None:
    def job(context: Any, device: Device) -> None:
        with device.stream() as stream:
            assert not context.execute_async_v3(stream.handle)
            ready(context, device)
            assert context.infer_shapes() == ["images"]
            assert not context.execute_async_v3(stream.handle)

    said = " ".join(with_context(host_tensorrt, job, batch=(1, 2, 4)))
    assert "Address is not set for tensor images" in said
    assert "Neither shape nor address" in said


def test_shapes_and_names_that_the_engine_does_not_have_are_refused(host_tensorrt: TRT) -> None:
    def job(context: Any, device: Device) -> None:
        assert not context.set_input_shape("images", (9, 3, 320, 320))
        assert not context.set_input_shape("image", (1, 3, 320, 320))
        assert not context.set_tensor_address("output1", 256)

    said = with_context(host_tensorrt, job, batch=(1, 2, 4))
    assert "do not satisfy the profile 0" in said[0]
    assert "invalid tensor name: image." in said[1]
    assert "invalid tensor name: output1" in said[2]


@pytest.mark.parametrize("small", ["images", "output0"])
def test_memory_that_is_too_small_is_noticed(host_tensorrt: TRT, small: str) -> None:
    def job(context: Any, device: Device) -> None:
        ready(context, device, small=small)
        with device.stream() as stream:
            assert not context.execute_async_v3(stream.handle)

    said = " ".join(with_context(host_tensorrt, job))
    assert "illegal memory access" in said
    assert f"{small} needs" in said


def test_the_default_stream_and_half_an_allocation_are_noticed(host_tensorrt: TRT) -> None:
    def job(context: Any, device: Device) -> None:
        ready(context, device)
        context.set_tensor_address("output0", device.memory(4096).address + 16)
        context.execute_async_v3(0)

    said = with_context(host_tensorrt, job)
    assert said == ["output0 lies somewhere in an allocation, or in none", "a network was enqueued on the default stream"]


def test_another_thread_is_refused(host_tensorrt: TRT) -> None:
    def job(context: Any, device: Device) -> None:
        thread = threading.Thread(target=lambda: context.set_input_shape("images", (1, 3, 320, 320)))
        thread.start()
        thread.join()

    said = with_context(host_tensorrt, job)
    assert said == [
        "set_input_shape: Error Code 1: Cuda Runtime (invalid device context)",
        "set_input_shape was called on a thread without the device's context",
    ]


def test_a_logger_that_was_not_made_properly_is_refused(host_tensorrt: Any, host_cuda: StandIn) -> None:
    class Log(host_tensorrt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            pass

    with Device() as device, pytest.raises(TypeError, match="must be called when overriding __init__"):
        device.run(lambda: host_tensorrt.Runtime(Log()))


def test_what_outlives_the_device_is_noticed(host_tensorrt: Any) -> None:
    kept: list[Any] = []
    said = with_context(host_tensorrt, lambda context, _: kept.append(context))
    assert said == []
    kept.clear()
    assert host_tensorrt.misuse == [
        f"the {kind} ended on a thread without the device's context" for kind in ("context", "engine", "runtime")
    ]
    host_tensorrt.misuse.clear()


def test_its_names_and_parameters_are_those_of_every_real_one(host_tensorrt: Any) -> None:
    for kind in ("Runtime", "ICudaEngine", "IExecutionContext", "ILogger", "DataType", "TensorIOMode", "TensorFormat"):
        of = getattr(host_tensorrt, kind)
        for name, member in vars(of).items():
            if name.startswith("_") and name != "__init__":
                continue
            ways = MEMBERS[f"{kind}.{name}"]
            assert sorted(number for numbers, _ in ways for number in numbers) == list(range(len(VERSIONS))), f"{kind}.{name}"
            if inspect.isfunction(member) and kind in ("Runtime", "ICudaEngine", "IExecutionContext") and name != "__init__":
                wanted = ", ".join(inspect.signature(member).parameters).removeprefix("self").removeprefix(", ")
                real = {re.sub(r"\w+=(, )?", "", way.rpartition(") ->")[0])[1:] for _, calls in ways for way in calls or []}
                assert wanted in real, f"{kind}.{name}({wanted}) is {real}"
