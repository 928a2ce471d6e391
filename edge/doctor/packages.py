"""The Python packages that edge cannot do without, imported for real. Accelerators' are in `accelerator`."""

from __future__ import annotations

import platform
from typing import Any

from edge.doctor.findings import Finding, lacking, note, right, wrong
from edge.doctor.machine import Machine
from edge.doctor.needs import Needs

_LIGHT = ("numpy", "lap", "paho.mqtt", "pydantic", "yaml", "rich", "shapely")
_REINSTALL = "pip install --force-reinstall edge-heatmap"
_OPENCVS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")


def packages(machine: Machine, needs: Needs) -> list[Finding]:
    """Each is imported in a process of its own: one that is installed is not yet one that loads."""
    about = machine.vendors("import", *_LIGHT)
    if "error" in about:
        light = wrong("Python packages", str(about["error"]), _REINSTALL)
    else:
        broken = {name: said for name in _LIGHT if "version" not in (said := about.get(name, {}))}
        if broken:
            says = "; ".join(f"{name} {_why(said)}" for name, said in broken.items())
            light = wrong("Python packages", says, f"pip install {' '.join(name.replace('.', '-') for name in broken)}")
        else:
            says = ", ".join(f"{name} {about[name]['version']}" for name in _LIGHT)
            light = right("Python packages", f"Python {platform.python_version()}: {says}")
    return [light, _opencv(machine), _av(machine), _onnxruntime(machine, needs)]


def _opencv(machine: Machine) -> Finding:
    installed = [name for name in machine.vendors("distributions", *_OPENCVS) if name in _OPENCVS]
    about = _one(machine, "cv2")
    if "version" not in about:
        error = str(about.get("error", ""))
        if ".so" in error:
            missing = error.partition(":")[0]
            remedy = "sudo apt-get install libgl1 libglib2.0-0; or pip uninstall opencv-python, pip install opencv-python-headless"
            return wrong("OpenCV", f"it cannot be imported: {missing} is missing", remedy)
        return wrong("OpenCV", f"cv2 {_why(about)}", "pip install opencv-python, or opencv-python-headless where no window is needed")
    says = f"{about['version']}, " + ("without windows" if about["gui"] == "NONE" else f"with windows ({about['gui']})")
    if len(installed) > 1:
        remedy = f"pip uninstall {' '.join(installed)}, then install one of them"
        return note("OpenCV", f"{says}; {' and '.join(installed)} are both installed, one over the other", remedy)
    return right("OpenCV", says)


def _av(machine: Machine) -> Finding:
    about = _one(machine, "av")
    if "version" not in about:
        return wrong("PyAV", f"it {_why(about)}", "pip install --force-reinstall av")
    if not about["x264"]:
        remedy = "pip install --force-reinstall --only-binary av av"
        return note("PyAV", f"{about['version']}, without x264: no video can be written", remedy)
    return right("PyAV", f"{about['version']}, with x264")


def _onnxruntime(machine: Machine, needs: Needs) -> Finding:
    """What runs a network on the CPU."""
    about = _one(machine, "onnxruntime")
    if "version" in about:
        return right("ONNX Runtime", f"{about['version']} ({', '.join(about['providers'])})")
    return lacking(needs.cpu_network, "ONNX Runtime", f"it {_why(about)}; networks run by it on the CPU", "pip install onnxruntime")


def _one(machine: Machine, name: str) -> dict[str, Any]:
    answer = machine.vendors("import", name)
    about = answer.get(name, answer)
    return about if isinstance(about, dict) else {"error": "gave no answer"}


def _why(about: dict[str, Any]) -> str:
    return f"cannot be imported: {about['error']}" if "error" in about else "is not installed"
