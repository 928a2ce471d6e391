"""What a network on the GPU needs: driver, GPU, toolkit, pycuda, TensorRT. What an engine file needs is in `model`."""

from __future__ import annotations

import os
import re
from typing import Any

from edge.backends.cuda.nvcc import all_kept
from edge.doctor.findings import Finding, lacking, note, right
from edge.doctor.jetson import is_jetson
from edge.doctor.machine import Machine
from edge.doctor.needs import Needs
from edge.engine.resolve import kernels_folder
from edge.errors import ModelError

_LEAST_TENSORRT = (10, 3)


def cuda(machine: Machine, needs: Needs) -> list[Finding]:
    """The driver with its GPUs, and the toolkit that compiles for them."""
    answer = machine.vendors("gpu")
    devices = answer.get("devices") or []
    if not devices:
        return [_no_gpu(machine, needs, answer)]
    version = driver(machine)
    of_driver = f"driver {version}, " if version else ""
    found = [
        right(
            "GPU",
            f"{device['name']}, compute capability {device['compute_capability']}, {device['memory'] / 2**30:.1f} GiB"
            f"{' shared with the processor' if device['integrated'] else ''}; {of_driver}CUDA {answer['cuda']}",
        )
        for device in devices
    ]
    return [*found, _toolkit(machine, needs, answer["cuda"], devices[0]["compute_capability"])]


def _no_gpu(machine: Machine, needs: Needs, answer: dict[str, Any]) -> Finding:
    if is_jetson(machine):
        says, remedy = "not reached", "in a container: `--runtime nvidia`; else install JetPack's nvidia-l4t-cuda, and restart"
    else:
        says, remedy = "none is reached", "install NVIDIA's driver, and restart; in a container: `--gpus all`"
    why = "there is no NVIDIA driver (libcuda.so.1)" if "missing" in answer else answer.get("error", "there is no GPU")
    if not needs.gpu:
        return note("GPU", f"{says}, {why}; the network runs on the CPU", remedy)
    return lacking(True, "GPU", f"{says}, {why}", f"{remedy}; or write `backend: cpu`, with a model as .onnx")


def _toolkit(machine: Machine, needs: Needs, of_driver: str, capability: str) -> Finding:
    found = toolkit(machine)
    if not found and _compiled(capability):
        return right("CUDA toolkit", "nvcc is not found, and not needed: our kernels were compiled before")
    if not found:
        remedy = (
            "sudo apt-get install nvidia-jetpack brings it" if is_jetson(machine) else "install NVIDIA's CUDA toolkit, or set CUDA_HOME"
        )
        return lacking(needs.gpu, "CUDA toolkit", "nvcc is not found: it compiles pycuda and our kernels, once", remedy)
    if _numbers(found)[:1] > _numbers(of_driver)[:1]:
        remedy = f"install the toolkit of CUDA {of_driver}, or a newer driver"
        return lacking(needs.gpu, "CUDA toolkit", f"{found}: what it compiles does not load on a driver of CUDA {of_driver}", remedy)
    return right("CUDA toolkit", found)


def _compiled(capability: str) -> bool:
    try:
        return all_kept(f"sm_{capability.replace('.', '')}", kernels_folder())
    except ModelError:
        return False  # there is no folder


def toolkit(machine: Machine) -> str:
    """The version of the CUDA toolkit, by its compiler, where `backends.cuda` looks for it; '' without one."""
    home = os.environ.get("CUDA_HOME")
    for nvcc in (*([f"{home}/bin/nvcc"] if home else []), "nvcc", "/usr/local/cuda/bin/nvcc"):
        if version := re.search(r"release (\d+\.\d+)", machine.run(nvcc, "--version").out):
            return version[1]
    return ""


def driver(machine: Machine) -> str:
    """The version of NVIDIA's kernel driver; '' where it does not say."""
    version = re.search(r"Module.*?\s(\d+\.\d+(?:\.\d+)?)\s", machine.text("/proc/driver/nvidia/version"))
    return version[1] if version else ""


def libraries(machine: Machine, needs: Needs) -> list[Finding]:
    """pycuda and TensorRT as this Python sees them. Where no GPU is, they are only said if they are needed."""
    driven = bool(machine.vendors("gpu").get("devices"))
    found = [_pycuda(machine, needs, driven), _tensorrt(machine, needs)]
    if not needs.gpu and not is_jetson(machine) and not driven:
        return [finding for finding in found if finding.state == "right"]
    return found


def _pycuda(machine: Machine, needs: Needs, driven: bool) -> Finding:
    about = _module(machine, "pycuda.driver")
    if "version" in about:
        return right("pycuda", str(about["version"]))
    if "error" in about and not driven and "pycuda" in (installed := machine.vendors("distributions", "pycuda")):
        return note("pycuda", f"{installed['pycuda']}; it loads only where a driver is", "see GPU above")
    says = "it is not installed" if "missing" in about else f"it cannot be imported: {about.get('error')}"
    return lacking(
        needs.gpu, "pycuda", says, "scripts/pycuda.sh, or pip install 'pycuda>=2024.1': it is compiled here, for the toolkit's CUDA"
    )


def _tensorrt(machine: Machine, needs: Needs) -> Finding:
    trouble = ""
    for name in ("tensorrt", "tensorrt_rtx"):
        about = _module(machine, name)
        if "version" in about:
            version = str(about["version"])
            if name == "tensorrt" and _numbers(version) < _LEAST_TENSORRT:
                least = ".".join(map(str, _LEAST_TENSORRT))
                return lacking(needs.gpu, "TensorRT", f"{version} is too old, {least} is the least", "JetPack 6.2 or newer has it")
            return right("TensorRT", f"{version} ({name})")
        if "error" in about and not trouble:
            trouble = f"{name} cannot be imported: {about['error']}"
    packaged = machine.run("dpkg-query", "-W", "-f=${Version}", "python3-libnvinfer")
    if not trouble and packaged.well and packaged.out.strip():
        says = f"the system has {packaged.out.partition('-')[0]}, and this Python does not see it"
        if "include-system-site-packages = false" in _environment(machine):
            return lacking(needs.gpu, "TensorRT", says, "make the environment with `python3 -m venv --system-site-packages`")
        return lacking(needs.gpu, "TensorRT", says, "run edge with the system's own Python version")
    remedy = "sudo apt-get install nvidia-tensorrt python3-libnvinfer" if is_jetson(machine) else "pip install 'tensorrt>=10.3'"
    return lacking(needs.gpu, "TensorRT", trouble or "it is not installed", remedy)


def _environment(machine: Machine) -> str:
    try:
        return (machine.prefix / "pyvenv.cfg").read_text()
    except OSError:
        return ""


def _module(machine: Machine, name: str) -> dict[str, Any]:
    answer = machine.vendors("import", name)
    about = answer.get(name, answer)
    return about if isinstance(about, dict) else {"error": "it gave no answer"}


def _numbers(version: str) -> tuple[int, ...]:
    """10.3.0.30 -> (10, 3)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
