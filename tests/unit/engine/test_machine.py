"""What an engine would be bound to here, over a driver that is a fake."""

from __future__ import annotations

import ctypes
from types import ModuleType

import pytest

from edge.engine import machine
from edge.engine.machine import gpu_facts, this_machine
from edge.errors import DeviceError


class Driver:
    """A libcuda of one Orin; `code` is what the call named in it answers."""

    def __init__(self, **code: int) -> None:
        self._code = code

    def __getattr__(self, call: str):
        def answer(*arguments) -> int:
            if call == "cuDeviceGetName":
                arguments[0].value = b"Orin"
            elif call == "cuDeviceGetAttribute":
                arguments[0]._obj.value = {75: 8, 76: 7}[arguments[1]]
            return self._code.get(call, 0)

        return answer


@pytest.fixture
def driver(monkeypatch):
    return lambda made: monkeypatch.setattr(ctypes, "CDLL", lambda name: made)


def test_the_driver_tells_name_and_compute_capability(driver, monkeypatch):
    driver(Driver())
    assert gpu_facts() == ("Orin", "8.7")
    module = ModuleType("tensorrt")
    module.__version__ = "10.3.0"
    monkeypatch.setattr(machine, "tensorrt", lambda: module)
    assert str(this_machine()) == "tensorrt 10.3.0 on Orin (8.7)"


def test_a_machine_without_a_driver_is_said(monkeypatch):
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(DeviceError, match=r"no CUDA driver here .*the ONNX itself runs on the CPU"):
        gpu_facts()


def test_a_driver_that_refuses_is_said(driver, monkeypatch):
    driver(Driver(cuInit=100))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(DeviceError, match=r"cuInit failed with CUDA error 100 \(CUDA_VISIBLE_DEVICES is ''\)"):
        gpu_facts()
