"""Which TensorRT and which GPU are here: what an engine is bound to. It asks the driver for names only, and makes no context."""

from __future__ import annotations

import ctypes
import importlib
import os
from importlib.util import find_spec
from typing import Any

from edge.engine.file import Machine
from edge.errors import DeviceError

_KINDS = ("tensorrt", "tensorrt_rtx")
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR


def tensorrt_here() -> str:
    """The name of the TensorRT module that can be imported here (``tensorrt``, else ``tensorrt_rtx``); '' without one. Imports nothing."""
    return next((kind for kind in _KINDS if find_spec(kind)), "")


def load_tensorrt() -> Any:
    """TensorRT's module. DeviceError says where one comes from."""
    kind = tensorrt_here()
    if not kind:
        raise DeviceError(
            "there is no TensorRT here: on a Jetson it comes with JetPack and is seen through a virtual environment with system site packages;"
            " on a PC, `pip install tensorrt-rtx-cu12`"
        )
    try:
        return importlib.import_module(kind)
    except (ImportError, OSError) as error:
        raise DeviceError(f"{kind} is installed and cannot be loaded: {error}; install the one that fits this machine's CUDA") from error


def this_machine(number: int = 0) -> Machine:
    """TensorRT's version, and the name and compute capability of GPU `number`. DeviceError where one of them is missing."""
    trt = load_tensorrt()
    gpu, capability = gpu_facts(number)
    return Machine(trt.__name__.partition(".")[0], str(trt.__version__), gpu, capability)


def gpu_facts(number: int = 0) -> tuple[str, str]:
    """(name, compute capability as ``8.7``) of a GPU, from the driver. DeviceError where there is no driver or no such GPU."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise DeviceError(
            f"there is no CUDA driver here ({error}); an engine needs an NVIDIA GPU, the ONNX itself runs on the CPU"
        ) from error
    device = ctypes.c_int()
    name = ctypes.create_string_buffer(256)
    major, minor = ctypes.c_int(), ctypes.c_int()
    calls: tuple[tuple[Any, ...], ...] = (
        ("cuInit", 0),
        ("cuDeviceGet", ctypes.byref(device), number),
        ("cuDeviceGetName", name, len(name)),
        ("cuDeviceGetAttribute", ctypes.byref(major), _MAJOR),
        ("cuDeviceGetAttribute", ctypes.byref(minor), _MINOR),
    )
    for call, *arguments in calls:
        if call not in ("cuInit", "cuDeviceGet"):
            arguments = [*arguments, device]
        code = getattr(cuda, call)(*arguments)
        if code:
            seen = os.environ.get("CUDA_VISIBLE_DEVICES")
            hint = f" (CUDA_VISIBLE_DEVICES is {seen!r})" if seen is not None else ""
            raise DeviceError(f"{call} failed with CUDA error {code}{hint}: the driver is here and GPU {number} cannot be used")
    return name.value.decode(errors="replace"), f"{major.value}.{minor.value}"
