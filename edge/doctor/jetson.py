"""What only a Jetson has: JetPack, its power mode, locked clocks, throttling. Nothing here is said of another machine.

Sources: NVIDIA's Jetson Linux Developer Guide, R36.4 and R38.2 ("Platform Power and Performance", nvpmodel, jetson_clocks).
"""

from __future__ import annotations

import re

from edge.doctor.findings import Finding, note, right
from edge.doctor.machine import Machine
from edge.doctor.needs import Needs
from edge.runtime import board

_RELEASES = {"36.3": "6.0", "36.4.0": "6.1", "36.4.3": "6.2", "36.4.4": "6.2.1", "38.2": "7.0"}
_OLDEST = 36


def is_jetson(machine: Machine) -> bool:
    return bool(machine.text("/etc/nv_tegra_release")) or "nvidia,tegra" in machine.text("/proc/device-tree/compatible")


def jetpack(machine: Machine, needs: Needs) -> list[Finding]:
    """Which JetPack this is, whether its pieces are of one release, and what it boots from."""
    if not is_jetson(machine):
        return [right("JetPack", f"none: this is no Jetson ({machine.processor})")]
    model = machine.text("/proc/device-tree/model") or "a Jetson"
    release = _release(machine.text("/etc/nv_tegra_release"))
    if not release:
        return [
            note(
                "JetPack",
                f"{model}, but /etc/nv_tegra_release is not here: this is a container, or another Linux",
                "ask on the host; a container needs `--runtime nvidia` and a base image of the host's JetPack",
            )
        ]
    named = re.match(r"[\d.]+", machine.run("dpkg-query", "-W", "-f=${Version}", "nvidia-jetpack").out)  # 6.2+b77
    known = named[0] if named else next((pack for prefix, pack in _RELEASES.items() if f"{release}.".startswith(f"{prefix}.")), "")
    says = f"{known or 'of unknown version'} (L4T {release}) on {model}"
    if int(release.partition(".")[0]) < _OLDEST:
        return [
            note("JetPack", f"{says}: its TensorRT is older than 10, which is the least for engines", "install JetPack 6.2 or newer"),
            *_boot(machine),
        ]
    core = machine.run("dpkg-query", "-W", "-f=${Version}", "nvidia-l4t-core").out.partition("-")[0].strip()
    if core and f"{core}." != f"{release}." and f"{core}.0" != release and f"{release}.0" != core:
        return [
            note(
                "JetPack",
                f"{says}, but the package nvidia-l4t-core is {core}: an upgrade stopped half-way",
                "sudo apt-get update && sudo apt-get dist-upgrade, then restart",
            ),
            *_boot(machine),
        ]
    return [right("JetPack", says), *_boot(machine)]


def _release(text: str) -> str:
    """`# R36 (release), REVISION: 4.3, ...` -> 36.4.3; '' where it says nothing of that form."""
    found = re.search(r"R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)", text)
    return f"{found[1]}.{found[2]}" if found else ""


def _boot(machine: Machine) -> list[Finding]:
    """/etc/nv_boot_control.conf: what the board is, and what it starts from."""
    entries = dict(line.split(None, 1) for line in machine.text("/etc/nv_boot_control.conf").splitlines() if len(line.split(None, 1)) == 2)
    storage = entries.get("TEGRA_BOOT_STORAGE", "")
    if not storage:
        return []
    if storage == "mmcblk1":
        return [note("boots from", f"{storage}, an SD card: counts are written for good twice a second", "an NVMe disk lasts longer")]
    return [right("boots from", f"{storage} (chip {entries.get('TEGRA_CHIPID', 'unknown')})")]


def power(machine: Machine, needs: Needs) -> list[Finding]:
    """The power mode, and whether clocks are held at their top."""
    return [*_mode(machine), *_clocks(machine)] if is_jetson(machine) else []


def _mode(machine: Machine) -> list[Finding]:
    said = machine.run("nvpmodel", "-q")
    found = re.search(r"NV Power Mode:\s*(\S+)\s+(\d+)", said.out)
    modes = board.power_modes(machine.root)
    if found:
        name, number = found[1], found[2]
    elif (stored := board.power_mode(machine.root)) is not None:
        number = stored
        name = modes.get(number, "unknown")
    else:
        return [note("power mode", f"it could not be asked: {said.why}", "sudo nvpmodel -q")]
    says = f"{name} (mode {number})" + (f" of {', '.join(modes.values())}" if modes else "")
    top = next((mode for mode, called in modes.items() if called.startswith("MAXN")), None)
    if name.startswith("MAXN") or top is None:
        return [right("power mode", says)]
    return [note("power mode", f"{says}: not the fastest", f"sudo nvpmodel -m {top}, if cooling and power supply bear it")]


def _clocks(machine: Machine) -> list[Finding]:
    said = machine.run("jetson_clocks", "--show")
    found = re.search(r"^GPU MinFreq=(\d+) MaxFreq=(\d+) CurrentFreq=(\d+)", said.out, re.M)
    least, most, now = map(int, found.groups()) if found else _devfreq(machine)
    if not most:
        return [note("clocks", f"they could not be asked: {said.why}", "sudo jetson_clocks --show")]
    says = f"GPU at {now // 1_000_000} MHz of {least // 1_000_000} to {most // 1_000_000}"
    if least == most:
        return [right("clocks", f"{says}: held at the top")]
    return [right("clocks", f"{says}, as the load asks; `sudo jetson_clocks` holds them at the top for even latencies")]


def _devfreq(machine: Machine) -> tuple[int, int, int]:
    """(least, most, current) Hz of the GPU from sysfs, which needs no root; zeros where it is not there."""
    folder = board.gpu_clock(machine.root)
    if folder is not None:
        values = [board.text_of(folder / f"{which}_freq") for which in ("min", "max", "cur")]
        if all(value.isdecimal() for value in values):
            return int(values[0]), int(values[1]), int(values[2])
    return 0, 0, 0
