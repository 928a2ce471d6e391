"""What this process uses, and what is left of its disk: memory, CPU time, threads, handles. What the board under it tells is `board`'s.

Read from where Linux keeps it; `root` is where that tree begins, for tests. None for whatever is not told.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from edge.runtime.board import text_of


def memory_bytes(root: Path = Path("/")) -> int | None:
    """Resident memory of this process."""
    pages = text_of(root / "proc/self/statm").split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else None


def threads(root: Path = Path("/")) -> int | None:
    """Threads of this process, those of libraries too."""
    return _entries(root / "proc/self/task")


def handles(root: Path = Path("/")) -> int | None:
    """Files, sockets and devices that this process holds open."""
    entries = _entries(root / "proc/self/fd")
    return None if entries is None else entries - 1  # looking holds one itself


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


def _entries(folder: Path) -> int | None:
    try:
        return len(os.listdir(folder))
    except OSError:
        return None
