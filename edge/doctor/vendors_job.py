"""Asks vendors' libraries what they are, in a process of its own: ``python vendors_job.py WHAT [NAME ...]``. It imports nothing of this package.

A library that crashes or hangs takes this process with it, not the one that asks. Whatever they print goes to stderr; stdout carries one line of
JSON. WHAT is `gpu`, `import` (with names of modules), `distributions` (with names) or `gstreamer` (with names of elements).
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_DISTRIBUTION = {"paho.mqtt": "paho-mqtt", "yaml": "PyYAML", "pycuda.driver": "pycuda"}
_MAJOR, _MINOR, _INTEGRATED = 75, 76, 18  # CUdevice_attribute
_CODES = {
    100: "there is no GPU",
    101: "the GPU is not valid",
    803: "driver and libcuda are of different versions",
    999: "the driver failed",
}


def gpu(_: Sequence[str]) -> dict[str, Any]:
    """The driver and its GPUs, by the driver's own C interface: the same on a server and on a Jetson."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return {"missing": str(error)}
    code = cuda.cuInit(0)
    if code:
        return {"error": f"cuInit says {code}: {_CODES.get(code, 'see cuda.h')}"}
    number, count = ctypes.c_int(), ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(number))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    return {"cuda": f"{number.value // 1000}.{number.value % 1000 // 10}", "devices": [_device(cuda, i) for i in range(count.value)]}


def _device(cuda: Any, index: int) -> dict[str, Any]:
    handle, name, memory = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_size_t()
    cuda.cuDeviceGet(ctypes.byref(handle), index)
    cuda.cuDeviceGetName(name, len(name), handle)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), handle)

    def attribute(which: int) -> int:
        value = ctypes.c_int()
        cuda.cuDeviceGetAttribute(ctypes.byref(value), which, handle)
        return value.value

    return {
        "name": name.value.decode(errors="replace"),
        "compute_capability": f"{attribute(_MAJOR)}.{attribute(_MINOR)}",
        "integrated": bool(attribute(_INTEGRATED)),
        "memory": memory.value,
    }


def imported(names: Sequence[str]) -> dict[str, Any]:
    """Of each module its version and what else is worth knowing, or why it cannot be imported."""
    return {name: _module(name) for name in names}


def _module(name: str) -> dict[str, Any]:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        return {"missing": error.name}
    except Exception as error:  # noqa: BLE001  a library's import may raise anything; who asked must hear of it
        return {"error": (str(error).strip().splitlines() or [type(error).__name__])[0]}
    found: dict[str, Any] = {"version": _version(name, module)}
    if name == "cv2":
        gui = re.search(r"^\s*GUI:\s*(\S+)", module.getBuildInformation(), re.M)
        found["gui"] = gui.group(1) if gui else "NONE"
    elif name == "onnxruntime":
        found["providers"] = list(module.get_available_providers())
    elif name == "av":
        found["x264"] = "libx264" in module.codecs_available
    return found


def _version(name: str, module: Any) -> str:
    said = getattr(module, "__version__", None)
    if said:
        return str(said)
    try:
        return version(_DISTRIBUTION.get(name, name))
    except PackageNotFoundError:
        return "of unknown version"


def distributions(names: Sequence[str]) -> dict[str, Any]:
    """Versions of those that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def gstreamer(names: Sequence[str]) -> dict[str, Any]:
    """GStreamer as Python reaches it, and which of these elements it has."""
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst

    Gst.init(None)
    return {
        "version": ".".join(map(str, Gst.version()[:3])),
        "elements": [name for name in names if Gst.ElementFactory.find(name) is not None],
    }


_ASKED: dict[str, Callable[[Sequence[str]], dict[str, Any]]] = {
    "gpu": gpu,
    "import": imported,
    "distributions": distributions,
    "gstreamer": gstreamer,
}

if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or os.curdir) != here]  # this folder's modules are not meant
    try:
        answer = _ASKED[sys.argv[1]](sys.argv[2:])
    except ModuleNotFoundError as error:
        answer = {"missing": error.name}
    except Exception as error:  # noqa: BLE001  whatever it was, who asked must hear of it
        answer = {"error": (str(error).strip().splitlines() or [type(error).__name__])[0]}
    answers.write(json.dumps(answer) + "\n")
    answers.close()
