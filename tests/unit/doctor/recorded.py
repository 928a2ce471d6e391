"""Machines that are not here, as files and answers of commands. Written from NVIDIA's documentation and sources, not recorded on a device.

`orin_nano` is a Jetson Orin Nano Super with JetPack 6.2, `thor` a Jetson AGX Thor with JetPack 7, `server` an x86 machine with a GPU, `laptop`
one without. No probe and no expectation lives here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.doctor.machine import KernelClock, Machine, Said

KEPT = KernelClock(True, 0.012)


class Recorded(Machine):
    """`files` are laid out below `root`; `commands` by their words, joined; `vendors` by the words after `vendors_job.py`.

    A vendor's question about several names is answered from what is said of each.
    """

    def __init__(
        self,
        root: Path,
        *,
        files: Mapping[str, str] | None = None,
        commands: Mapping[str, Said | str] | None = None,
        vendors: Mapping[str, dict[str, Any]] | None = None,
        clock: KernelClock | None = KEPT,
        processor: str = "aarch64",
    ) -> None:
        super().__init__(root)
        self.commands = dict(commands or {})
        self.answers = {**PACKAGES, **(vendors or {})}
        self.clock = clock
        self._processor = processor
        for name, text in (files or {}).items():
            self.lay(name, text)

    def lay(self, name: str, text: str) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def processor(self) -> str:
        return self._processor

    @property
    def prefix(self) -> Path:
        return self.path("/venv")

    def kernel_clock(self) -> KernelClock | None:
        return self.clock

    def run(self, *command: str) -> Said:
        if command[0] == sys.executable:
            return Said(json.dumps(self._vendor(command[2], command[3:])))
        said = self.commands.get(" ".join(command))
        if said is None:
            return Said(code=None, trouble=f"there is no command {command[0]}")
        return Said(said) if isinstance(said, str) else said

    def _vendor(self, what: str, names: tuple[str, ...]) -> dict[str, Any]:
        if what == "import":
            return {name: self.answers.get(f"import {name}", {"missing": name}) for name in names}
        return self.answers.get(what, {"missing": "gi"} if what == "gstreamer" else {})


PACKAGES: dict[str, dict[str, Any]] = {
    **{f"import {name}": {"version": "1.0"} for name in ("numpy", "lap", "paho.mqtt", "pydantic", "yaml", "rich", "shapely")},
    "import cv2": {"version": "4.11.0", "gui": "NONE"},
    "import av": {"version": "17.1.0", "x264": True},
    "import onnxruntime": {"version": "1.23.0", "providers": ["CPUExecutionProvider"]},
    "distributions": {"opencv-python-headless": "4.11.0"},
    "gpu": {"missing": "libcuda.so.1: cannot open shared object file"},
}
MEMORY = "MemTotal:        7802372 kB\nMemFree:         3901234 kB\nMemAvailable:    5242880 kB\nSwapTotal:       3901184 kB\nSwapFree:        3901184 kB\n"
ORIN_NANO_FILES = {
    "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n"
    "# KERNEL_VARIANT: oot\nTARGET_USERSPACE_LIB_DIR=nvidia\n",
    "/etc/nv_boot_control.conf": "TNSPEC 3767-300-0005-N.1-1-1-jetson-orin-nano-devkit-super-\nCOMPATIBLE_SPEC 3767--0005--1--jetson-orin-nano-devkit-super-\n"
    "TEGRA_BOOT_STORAGE nvme0n1\nTEGRA_CHIPID 0x23\nTEGRA_OTA_BOOT_DEVICE /dev/mtdblock0\n",
    "/proc/device-tree/model": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0",
    "/proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234\0",
    "/proc/meminfo": MEMORY,
    "/proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0\tpartition\t650196\t0\t5\n/dev/zram1\tpartition\t650196\t0\t5\n",
    "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build  (buildbrain@mobile)\n",
    "/etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=25W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n< POWER_MODEL ID=3 NAME=7W >\n",
    "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "/sys/class/thermal/thermal_zone0/temp": "48312\n",
    "/sys/class/thermal/thermal_zone1/type": "gpu-thermal\n",
    "/sys/class/thermal/thermal_zone1/temp": "51062\n",
    "/sys/class/thermal/cooling_device0/type": "pwm-fan\n",
    "/sys/class/thermal/cooling_device0/cur_state": "2\n",
    "/sys/class/thermal/cooling_device1/type": "gpu-throttle-alert\n",
    "/sys/class/thermal/cooling_device1/cur_state": "0\n",
    "/sys/class/hwmon/hwmon2/oc1_event_cnt": "0\n",
    "/sys/class/video4linux/video0/name": "vi-output, imx219 9-0010\n",
    "/sys/class/devfreq/17000000.gpu/min_freq": "306000000\n",
    "/sys/class/devfreq/17000000.gpu/max_freq": "1020000000\n",
    "/sys/class/devfreq/17000000.gpu/cur_freq": "612000000\n",
    "/tmp/argus_socket": "",
    "/venv/pyvenv.cfg": "include-system-site-packages = true\n",
}
ORIN_NANO_COMMANDS: dict[str, Said | str] = {
    "dpkg-query -W -f=${Version} nvidia-jetpack": "6.2+b77",
    "dpkg-query -W -f=${Version} nvidia-l4t-core": "36.4.3-20250107174145",
    "dpkg-query -W -f=${Version} python3-libnvinfer": "10.3.0.30-1+cuda12.5",
    "nvpmodel -q": "NV Power Mode: 15W\n0\n",
    "jetson_clocks --show": Said("", "Error: Run this script(/usr/bin/jetson_clocks) as a root user\n", 1),
    "/usr/local/cuda/bin/nvcc --version": "nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 12.6, V12.6.68\n",
    "systemctl is-active nvargus-daemon": "active\n",
}
ORIN_NANO_VENDORS: dict[str, dict[str, Any]] = {
    "gpu": {"cuda": "12.6", "devices": [{"name": "Orin", "compute_capability": "8.7", "integrated": True, "memory": 7_989_628_928}]},
    "import tensorrt": {"version": "10.3.0"},
    "import pycuda.driver": {"version": "2024.1.2"},
    "gstreamer": {
        "version": "1.20.3",
        "elements": [
            *("nvarguscamerasrc", "nvvidconv", "nvv4l2decoder", "rtspsrc", "h264parse", "appsink", "appsrc", "v4l2src", "x264enc"),
            *("videoconvert", "parsebin", "decodebin", "jpegdec"),
        ],
    },
}


def orin_nano(root: Path) -> Recorded:
    return Recorded(root, files=ORIN_NANO_FILES, commands=ORIN_NANO_COMMANDS, vendors=ORIN_NANO_VENDORS)


def thor(root: Path) -> Recorded:
    machine = orin_nano(root)
    machine.lay("/etc/nv_tegra_release", "# R38 (release), REVISION: 2.0, GCID: 41844464, BOARD: generic, EABI: aarch64\n")
    machine.lay("/proc/device-tree/model", "NVIDIA Jetson AGX Thor Developer Kit\0")
    machine.lay("/etc/nvpmodel.conf", "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=120W >\n")
    machine.commands |= {
        "dpkg-query -W -f=${Version} nvidia-jetpack": "7.0-b128",
        "dpkg-query -W -f=${Version} nvidia-l4t-core": "38.2.0-20250821174705",
        "nvpmodel -q": "NV Power Mode: MAXN\n0\n",
        "jetson_clocks --show": "SOC family:tegra264  Machine:NVIDIA Jetson AGX Thor Developer Kit\nOnline CPUs: 0-13\n"
        "GPU MinFreq=1575000000 MaxFreq=1575000000 CurrentFreq=1575000000\nEMC MinFreq=665600000 MaxFreq=4266000000 CurrentFreq=4266000000\n",
        "nvcc --version": "Cuda compilation tools, release 13.0, V13.0.48\n",
    }
    machine.answers["gpu"] = {
        "cuda": "13.0",
        "devices": [{"name": "NVIDIA Thor", "compute_capability": "11.0", "integrated": True, "memory": 131_881_127_936}],
    }
    machine.answers["import tensorrt"] = {"version": "10.13.3.9"}
    machine.answers["gstreamer"] = {"version": "1.24.2", "elements": [*ORIN_NANO_VENDORS["gstreamer"]["elements"], "nvv4l2h264enc"]}
    return machine


def server(root: Path) -> Recorded:
    return Recorded(
        root,
        files={
            "/proc/meminfo": MEMORY,
            "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Tue Sep 23 10:11:16 UTC 2025\n",
        },
        commands={"nvcc --version": "Cuda compilation tools, release 12.8, V12.8.93\n"},
        vendors={
            "gpu": {
                "cuda": "13.0",
                "devices": [{"name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0", "integrated": False, "memory": 84_970_000_000}],
            },
            "import tensorrt": {"version": "10.13.3.9"},
            "import pycuda.driver": {"version": "2025.1"},
        },
        processor="x86_64",
    )


def laptop(root: Path) -> Recorded:
    return Recorded(root, files={"/proc/meminfo": MEMORY}, processor="x86_64")
