"""A network on the device: shapes, addresses, failures, and the order in which it goes. The library is a stand-in, over the stand-in driver."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edge.backends.cuda.device import Device
from edge.backends.cuda.network import Network
from edge.backends.plan import Plan
from edge.errors import DeviceError, ModelError
from edge.tensorrt_api import logger_of
from tests.cuda_host.driver import StandIn
from tests.cuda_host.engines import host_tensorrt, plan_of
from tests.cuda_host.tensorrt_standin import plans

__all__ = ["host_tensorrt"]
pytestmark = pytest.mark.system
TRT = ModuleType


def once(device: Device, plan: Plan, pictures: np.ndarray) -> np.ndarray:
    """The first output of a network of its own for `pictures` (B, 3, H, W)."""

    def job() -> np.ndarray:
        with Network(device, plan) as network, device.stream() as stream:
            network.fit(pictures.shape)
            stream.upload(pictures.astype(network.input.dtype), network.memory_of(network.input))
            network.enqueue(stream)
            output = network.outputs[0]
            answer = np.empty(network.shape_of(output), output.dtype)
            stream.download(network.memory_of(output), answer)
            stream.wait()
            return answer

    return device.run(job)


def pictures(count: int, side: int = 320) -> np.ndarray:
    """Dark pictures, each with a bright rectangle elsewhere."""
    made = np.zeros((count, 3, side, side), np.float32)
    for row, picture in enumerate(made):
        picture[:, 20 + row : 60 + row, 30:80] = 1
    return made


@pytest.mark.parametrize(
    ("how", "count"),
    [
        ({}, 1),
        ({"batch": 4}, 4),
        ({"batch": (1, 2, 4)}, 3),
        ({"batch": (1, 2, 4), "half_in": True, "half_out": True}, 2),
        ({"batch": (1, 1, 2), "free_size": (160, 640)}, 2),
    ],
)
def test_a_network_answers_for_every_picture(host_tensorrt: TRT, how: dict[str, Any], count: int) -> None:
    with Device() as device:
        answer = once(device, plan_of(**how), pictures(count))
    assert answer.shape == (count, 6, 10)
    for row in range(count):
        np.testing.assert_allclose(answer[row, :, 3], (55, 40 + row, 50, 40, 0.9, 0.05), rtol=1e-3)


def test_its_tensors_are_told_with_what_they_may_be(host_tensorrt: TRT) -> None:
    with Device() as device:

        def job() -> None:
            with Network(device, plan_of(batch=(1, 2, 4), half_in=True)) as network:
                assert network.input.name == "images"
                assert network.input.dtype == np.float16
                assert (network.input.least, network.input.best, network.input.most) == (
                    (1, 3, 320, 320),
                    (2, 3, 320, 320),
                    (4, 3, 320, 320),
                )
                assert [(tensor.name, tensor.dtype) for tensor in network.outputs] == [("output0", np.float32)]

        device.run(job)


def test_memory_is_taken_when_shapes_grow_and_never_again(host_tensorrt: TRT, host_cuda: StandIn) -> None:
    with Device() as device:

        def job() -> None:
            with Network(device, plan_of(batch=(1, 2, 4))) as network:
                assert network.fit((4, 3, 320, 320))
                taken = host_cuda.calls["cuMemAlloc_v2"]
                assert not network.fit((4, 3, 320, 320))
                assert [network.fit((count, 3, 320, 320)) for count in (1, 3, 3, 4)] == [True, True, False, True]
                assert host_cuda.calls["cuMemAlloc_v2"] == taken

        device.run(job)


@pytest.mark.parametrize("shape", [(5, 3, 320, 320), (0, 3, 320, 320), (1, 3, 640, 640), (1, 3, 320)])
def test_a_shape_outside_of_its_limits_is_refused_with_them(host_tensorrt: TRT, shape: tuple[int, ...]) -> None:
    def job() -> None:
        with Network(device, plan_of(batch=(1, 2, 4))) as network:
            network.fit(shape)

    with Device() as device, pytest.raises(ModelError, match=r"test\.engine takes 1x3x320x320 to 4x3x320x320, not "):
        device.run(job)


def test_the_context_goes_before_the_engine_before_the_runtime_before_their_memory(host_tensorrt: TRT, host_cuda: StandIn) -> None:
    with Device() as device:
        network = device.run(lambda: Network(device, plan_of()))
        device.run(lambda: network.fit((1, 3, 320, 320)))
        assert host_cuda.held["memory"] == 2
        freed = host_cuda.calls.get("cuMemFree_v2", 0)
        moments: list[int] = []
        host_tensorrt.on_end = lambda _: moments.append(host_cuda.calls.get("cuMemFree_v2", 0))
        device.run(network.close)
        device.run(network.close)
        assert host_tensorrt.ended == ["context", "engine", "runtime"]
        assert moments == [freed] * 3
        assert host_cuda.calls["cuMemFree_v2"] == freed + 2


def test_a_network_that_nobody_closed_goes_with_the_device(host_tensorrt: TRT, host_cuda: StandIn) -> None:
    with Device() as device:
        network = device.run(lambda: Network(device, plan_of()))
        device.run(lambda: network.fit((1, 3, 320, 320)))
    assert host_tensorrt.ended == ["context", "engine", "runtime"]
    assert not host_cuda.held
    assert not host_cuda.reclaimed


CALLS = ("Runtime", "deserialize_cuda_engine", "create_execution_context", "set_input_shape", "set_tensor_address", "execute_async_v3")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("number", [1, 2])
def test_a_call_that_fails_is_one_sentence_and_all_is_given_back(host_tensorrt: TRT, host_cuda: StandIn, call: str, number: int) -> None:
    plan = plan_of()
    with Device() as device:
        if number == 2 and call != "set_tensor_address":
            once(device, plan, pictures(1))
        host_tensorrt.failing[call] = number
        host_tensorrt.ended.clear()
        with pytest.raises((DeviceError, ModelError)) as caught:
            once(device, plan, pictures(1))
        said = str(caught.value)
        assert "injected" in said  # what TensorRT itself said
        assert "; " in said  # what to do
        assert "\n" not in said
        assert host_tensorrt.ended == ["context", "engine", "runtime"][3 - len(host_tensorrt.ended) :]
        assert not host_tensorrt.alive  # although the error, with its traceback, is still held here
        assert set(host_cuda.held) <= {"contexts"}
        host_tensorrt.failing.clear()
        once(device, plan, pictures(1))
    assert not host_cuda.held


def test_an_engine_that_is_none_or_of_another_version_is_refused_with_tensorrts_reason(host_tensorrt: TRT) -> None:
    with Device() as device:
        with pytest.raises(
            ModelError, match=r"test\.engine is no engine for TensorRT 10\.3\.0 on this GPU \(.*magicTagRead.*\); build it again"
        ):
            once(device, Plan("test.engine", b"no plan" * 20), pictures(1))
        with pytest.raises(ModelError, match=r"no engine for TensorRT 10\.3\.0 .*Serialized Engine Version: 8\.6\.1"):
            once(device, plan_of(version="8.6.1"), pictures(1))


def test_a_layout_or_type_that_no_kernel_of_ours_writes_is_refused(host_tensorrt: TRT) -> None:

    more = plans.Tensor("also", True, "FLOAT", (1,), ((1,), (1,), (1,)))
    with Device() as device:
        with pytest.raises(ModelError, match=r"'images' is .* in .*; it must be float32 or float16 in plain"):
            once(device, plan_of(input_format="HWC8"), pictures(1))
        with pytest.raises(ModelError, match="has 2 inputs and 1 outputs; a YOLO detection model takes one picture"):
            once(device, plan_of(more_tensors=(more,)), pictures(1))


def test_what_tensorrt_remarks_goes_to_our_log(host_tensorrt: TRT, caplog: pytest.LogCaptureFixture) -> None:
    log = logger_of(host_tensorrt)
    for severity in host_tensorrt.ILogger.Severity:
        for _ in range(2):
            log.log(severity, f"a remark of {severity.name}")
    assert [record.levelname for record in caplog.records if record.name == "edge.tensorrt_api"] == ["WARNING"]
    assert list(log.errors) == ["a remark of INTERNAL_ERROR", "a remark of ERROR", "a remark of ERROR"]
    log.errors.clear()
