"""Which TensorRT and which GPU are here: what an engine is bound to. It asks the driver for names only, and makes no context."""

from __future__ import annotations

import ctypes
import os
from typing import Any

from edge.engine.file import Machine
from edge.errors import DeviceError
from edge.tensorrt_api import tensorrt

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR


def this_machine(number: int = 0) -> Machine:
    """TensorRT's version, and the name and compute capability of GPU `number`. DeviceError where one of them is missing."""
    trt = tensorrt()
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
