"""What the machine tells of itself and of this process: memory, CPU time, disk, temperature, power. None for whatever it does not tell.

Read from where Linux keeps it; `root` is where that tree begins, for tests. No command is run and no vendor's library is asked.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path


def memory_bytes(root: Path = Path("/")) -> int | None:
    """Resident memory of this process."""
    pages = _text(root / "proc/self/statm").split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else None


def cpu_s() -> float:
    """CPU time of this process, all threads, since it began."""
    return time.process_time()


def disk_bytes(folder: Path) -> tuple[int, int] | None:
    """Free and total bytes of the disk that holds `folder`; free is what a user other than root may take."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.free, usage.total


def temperature_c(root: Path = Path("/")) -> float | None:
    """Of the warmest thermal zone. A zone that is off answers nothing, or with a number that cannot be."""
    warm = [_text(zone / "temp") for zone in _found(root / "sys/class/thermal", "thermal_zone*")]
    degrees = [int(text) / 1000 for text in warm if re.fullmatch(r"-?\d+", text)]
    return max((value for value in degrees if -60 < value < 200), default=None)


def power_w(root: Path = Path("/")) -> float | None:
    """What the whole board draws: the rail VDD_IN that an Orin Nano's or NX's monitor (ina3221) measures, in millivolts and milliamperes."""
    for monitor in _found(root / "sys/class/hwmon", "hwmon*"):
        for label in _found(monitor, "in*_label"):
            if _text(label) == "VDD_IN":
                rail = label.name.removeprefix("in").removesuffix("_label")
                millivolts, milliamperes = _text(monitor / f"in{rail}_input"), _text(monitor / f"curr{rail}_input")
                if millivolts.isdecimal() and milliamperes.isdecimal():
                    return int(millivolts) * int(milliamperes) / 1e6
    return None


def _found(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""
