"""What is said where a GPU cannot be opened or does not take our kernels, over the stand-in driver and without any. What an open one does is test_device.py's."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edge.backends.cuda.device import Device
from edge.backends.cuda.kernels import Kernels
from edge.errors import DeviceError
from tests.conftest import ROOT
from tests.cuda_host.driver import StandIn, need_pycuda

pytestmark = pytest.mark.system
SAMPLES = Path(__file__).with_name("samples.cu")


@pytest.mark.parametrize(
    ("settings", "failing", "said"),
    [
        ({"devices": 0}, None, "no GPU can be used"),
        ({}, ("cuInit", 35), "the driver is older than CUDA's libraries"),
        ({}, ("cuCtxCreate_v4", 2), "use fewer or smaller cameras"),
        ({}, ("cuCtxCreate_v4", 999), "start again"),
    ],
)
def test_a_gpu_that_cannot_be_opened_is_one_sentence(host_cuda: StandIn, settings: dict, failing: tuple | None, said: str) -> None:
    host_cuda.set(**settings)
    if failing:
        host_cuda.fail(failing[0], 1, error=failing[1])
    with pytest.raises(DeviceError, match=said), Device():
        pass
    assert not host_cuda.held
    assert not any(thread.name == "device" for thread in threading.enumerate())


def test_a_gpu_of_a_number_that_is_not_there_is_named(host_cuda: StandIn) -> None:
    with pytest.raises(DeviceError, match="no GPU number 3, CUDA sees 1"), Device(3):
        pass


@pytest.mark.parametrize(("error", "said"), [(200, "is invalid"), (209, "no kernel image"), (222, "unsupported toolchain")])
def test_kernels_that_the_driver_does_not_take_tell_of_driver_and_compiler(host_cuda: StandIn, error: int, said: str) -> None:
    host_cuda.fail("cuModuleLoadDataEx", 1, error=error)
    with (
        Device() as device,
        pytest.raises(DeviceError, match=f"loading the kernels of samples.cu failed: .*{said}.*nvcc of its version on PATH"),
    ):
        device.run(lambda: Kernels.load(device, str(SAMPLES), host_cuda.kernels))
    assert not host_cuda.held


def test_kernels_that_are_not_all_found_are_given_back_at_once(host_cuda: StandIn) -> None:
    host_cuda.fail("cuModuleGetFunction", 3)
    with Device() as device:
        with pytest.raises(DeviceError, match=r"finding kernel .* failed"):
            device.run(lambda: Kernels.load(device, str(SAMPLES), host_cuda.kernels))
        assert host_cuda.held == {"contexts": 1}


def test_without_a_driver_there_is_one_sentence_and_no_thread() -> None:
    need_pycuda()
    program = """
import threading
from edge.backends.cuda.device import Device
try:
    Device().__enter__()
except Exception as error:
    print(type(error).__name__, error, threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    if "DeviceError" not in done.stdout:
        pytest.skip("this machine has a CUDA driver")
    assert "there is no CUDA driver here (libcuda.so.1 cannot be loaded)" in done.stdout
    assert done.stdout.strip().endswith(" 1")
    assert not done.stderr
