"""A device's heartbeat as a value, and how it is read from its file. Who writes it and what is done about one that is missing is elsewhere.

It loads nothing but the standard library's least: a health check reads it every few seconds, on a small machine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "EDGE_HEARTBEAT"
"""Of the environment: the file."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What the file says."""

    pid: int
    born: int
    """When the process began, in clock ticks of the kernel: a number that was given to another process later is not taken for it."""
    until_s: float
    """Until when this is good; CLOCK_MONOTONIC."""
    says: str
    stuck: str = ""
    """Why work does not advance, in a sentence; '' where it does."""


def read_beat(path: Path) -> Beat | None:
    """What a device has said last; None where there is nothing that can be read."""
    try:
        return Beat(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def born(pid: int) -> int | None:
    """When a process began, in clock ticks since the kernel did (proc(5), field 22); None where there is none, or nobody has asked how it ended."""
    try:
        # The second field is the program's name in brackets, which may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else int(fields[19])
    except (OSError, IndexError, ValueError):
        return None
