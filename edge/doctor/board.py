"""What every machine has: memory, heat, a clock. What only a Jetson has is in `jetson`."""

from __future__ import annotations

import re

from edge.doctor.findings import Finding, note, right
from edge.doctor.machine import Machine
from edge.doctor.needs import Needs
from edge.runtime import board

_ROOM_TO_BUILD = 2 << 30
"""Bytes of memory and swap with which TensorRT builds a YOLO11n at 640 (an estimate: its builder's peak differs by version)."""
_HOT_C = 90.0
_OFF_S = 1.0


def memory(machine: Machine, needs: Needs) -> list[Finding]:
    """Memory and swap, as /proc/meminfo has them."""
    sizes = {name: int(size) * 1024 for name, size in re.findall(r"^(\w+):\s+(\d+) kB", machine.text("/proc/meminfo"), re.M)}
    if "MemTotal" not in sizes:
        return [note("memory", "/proc/meminfo cannot be read")]
    free, swap = sizes.get("MemAvailable", 0), sizes.get("SwapTotal", 0)
    says = f"{_gib(free)} of {_gib(sizes['MemTotal'])} free, {_gib(swap)} swap"
    swaps = [line.split()[0] for line in machine.text("/proc/swaps").splitlines()[1:] if line.split()]
    if swap and all("zram" in name for name in swaps):
        says += " (all of it compressed memory)"
    if free + sizes.get("SwapFree", 0) < _ROOM_TO_BUILD:
        remedy = "end what else runs (a desktop: sudo systemctl set-default multi-user.target), or add a swap file"
        return [note("memory", f"{says}: too little to build an engine", remedy)]
    return [right("memory", says)]


def heat(machine: Machine, needs: Needs) -> list[Finding]:
    """The hottest sensor, and whether the machine slows itself down: for heat now, for too much current since it started."""
    warm = board.temperatures_c(machine.root)
    if not warm:
        return [right("temperature", "no sensor is here")]
    name, hottest = max(warm.items(), key=lambda zone: zone[1])
    says = f"hottest is {name} with {hottest:.0f} °C"
    slowed = board.slowed_by(machine.root)
    currents = board.over_currents(machine.root)
    cool = "more air: a fan, a larger heat sink, a place out of the sun; or a lower power mode"
    if slowed:
        return [note("temperature", f"{says}; slowed down for heat now ({', '.join(slowed)})", cool)]
    if currents:
        remedy = "a stronger power supply, or a lower power mode"
        return [note("temperature", f"{says}; slowed down {currents} times for too much current since it started", remedy)]
    if hottest >= _HOT_C:
        return [note("temperature", f"{says}: it will slow down soon", cool)]
    return [right("temperature", f"{says}, nothing is slowed down")]


def clock(machine: Machine, needs: Needs) -> list[Finding]:
    """Whether somebody keeps the clock right. What is counted before it is right is filed once it is, so this is never wrong."""
    state = machine.kernel_clock()
    if state is None:
        return [note("clock", "the kernel does not say whether the clock is kept right", "timedatectl; chronyc tracking")]
    if not state.kept:
        remedy = "sudo timedatectl set-ntp true, or install chrony; without a network, a clock chip with a battery"
        return [note("clock", "nobody keeps it right: what is counted is filed under its true time once it is", remedy)]
    if state.most_off_s > _OFF_S:
        return [note("clock", f"kept right, but may be {state.most_off_s:.1f} s off", "a nearer time server, or more time")]
    return [right("clock", f"kept right, at most {state.most_off_s * 1000:.0f} ms off")]


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
