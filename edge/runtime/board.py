"""What the board under the process tells of itself: heat, power, its power mode, what slows it down, its GPU's load. None for what it does not tell.

Read from where Linux and JetPack keep it; `root` is where that tree begins, for tests. No command is run, no vendor's library is asked, and root's
rights are not needed. What of it is good or bad is said elsewhere.

Sources: the kernel's documentation of thermal, hwmon and devfreq in sysfs; NVIDIA's Jetson Linux Developer Guide, R36 ("Platform Power and
Performance": thermal zones, ina3221, soctherm_oc, nvpmodel). Written after these; on a Jetson it has not run yet.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path("/")

_SLOWING = re.compile(r"throttle|cpufreq|devfreq")
"""Kinds of cooling that cost speed. `hot-surface-alert` (70 degrees) only says that nobody should touch it, and a fan costs nothing."""
_GPU = re.compile(r"gpu|gv11b|ga10b|gb10b|gpc")
_GPU_ALONE = ("sys/devices/platform/gpu.0/load", "sys/devices/gpu.0/load")


def temperatures_c(root: Path = ROOT) -> dict[str, float]:
    """Of each kind of thermal zone, the warmest. A zone that is off answers nothing, or with a number that cannot be."""
    warm: dict[str, float] = {}
    for zone in _found(root / "sys/class/thermal", "thermal_zone*"):
        text = text_of(zone / "temp")
        if re.fullmatch(r"-?\d+", text) and -60_000 < int(text) < 200_000:
            kind = text_of(zone / "type").removesuffix("-thermal") or zone.name
            warm[kind] = max(int(text) / 1000, warm.get(kind, -60.0))
    return warm


def power_w(root: Path = ROOT) -> float | None:
    """What the whole board draws: the rail VDD_IN that an Orin Nano's or NX's monitor (ina3221) measures, in millivolts and milliamperes."""
    for monitor in _found(root / "sys/class/hwmon", "hwmon*"):
        for label in _found(monitor, "in*_label"):
            if text_of(label) == "VDD_IN":
                rail = label.name.removeprefix("in").removesuffix("_label")
                millivolts, milliamperes = text_of(monitor / f"in{rail}_input"), text_of(monitor / f"curr{rail}_input")
                if millivolts.isdecimal() and milliamperes.isdecimal():
                    return int(millivolts) * int(milliamperes) / 1e6
    return None


def power_modes(root: Path = ROOT) -> dict[str, str]:
    """The names of a Jetson's power modes by their numbers."""
    return {number: name for number, name in re.findall(r"POWER_MODEL ID=(\d+) NAME=(\S+)", text_of(root / "etc/nvpmodel.conf"))}


def power_mode(root: Path = ROOT) -> str | None:
    """The number of a Jetson's present power mode, as nvpmodel remembers it."""
    stored = re.search(r"pmode:0*(\d+)", text_of(root / "var/lib/nvpmodel/status"))
    return stored[1] if stored else None


def slowed_by(root: Path = ROOT) -> list[str] | None:
    """The kinds of cooling that slow something down at this moment, for heat; None where the board has none of them."""
    slowing: dict[str, bool] = {}
    for device in _found(root / "sys/class/thermal", "cooling_device*"):
        kind, state = text_of(device / "type"), text_of(device / "cur_state")
        if _SLOWING.search(kind) and state.isdecimal():
            slowing[kind] = slowing.get(kind, False) or int(state) > 0
    return sorted(kind for kind, works in slowing.items() if works) if slowing else None


def over_currents(root: Path = ROOT) -> int | None:
    """How often a Jetson slowed itself down since it started, for too little voltage or too much current (soctherm_oc)."""
    monitors = _found(root / "sys/class/hwmon", "hwmon*")
    counts = [text_of(file) for monitor in monitors for file in _found(monitor, "oc[0-9]*_event_cnt")]
    known = [int(count) for count in counts if count.isdecimal()]
    return sum(known) if known else None


def gpu_clock(root: Path = ROOT) -> Path | None:
    """The folder where the integrated GPU's clock is kept (devfreq): min_freq, max_freq, cur_freq, in Hz."""
    return next((folder for folder in _found(root / "sys/class/devfreq", "*") if _GPU.search(folder.name)), None)


def gpu_load(root: Path = ROOT) -> float | None:
    """The part of the time, 0..1, in which the integrated GPU was busy: nvgpu tells it in thousandths, beside its clock or by itself."""
    clock = gpu_clock(root)
    files = [root / file for file in _GPU_ALONE] if clock is None else [clock / "device/load", *(root / file for file in _GPU_ALONE)]
    for file in files:
        text = text_of(file)
        if text.isdecimal() and int(text) <= 1000:
            return int(text) / 1000
    return None


def text_of(path: Path) -> str:
    """A file's text; '' where it is not there or cannot be read (a sensor that is switched off answers so)."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _found(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
