"""Where facts about a machine come from: files below a root, commands that end in time, the kernel's clock. What they mean is the probes' business.

Tests put recorded answers in its place: another root, and `run` and `kernel_clock` of their own.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_JOB = Path(__file__).with_name("vendors_job.py")
_UNSYNCHRONISED = 0x40  # STA_UNSYNC of <sys/timex.h>


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered. `code` is None where it gave no answer, and `trouble` then says why."""

    out: str = ""
    err: str = ""
    code: int | None = 0
    trouble: str = ""

    @property
    def well(self) -> bool:
        return self.code == 0

    @property
    def why(self) -> str:
        """Why it did not go well: the trouble, or the last thing the command said."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return self.trouble or (lines[-1].strip() if lines else f"it ended with code {self.code}")


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What the kernel says of the system clock: whether somebody keeps it right, and the most it may be off, in seconds."""

    kept: bool
    most_off_s: float


class Machine:
    """The machine that is examined. Paths are absolute and looked up below `root`; commands get `timeout_s` to end."""

    def __init__(self, root: Path = Path("/"), *, timeout_s: float = 20.0) -> None:
        self.root = root
        self.timeout_s = timeout_s

    @property
    def processor(self) -> str:
        return platform.machine()

    @property
    def prefix(self) -> Path:
        """The Python environment that runs."""
        return Path(sys.prefix)

    def path(self, path: str | Path) -> Path:
        return self.root / str(path).lstrip("/")

    def text(self, path: str) -> str:
        """A file's text; '' where it is not there or cannot be read (a switched-off sensor answers so)."""
        try:
            return self.path(path).read_text(encoding="utf-8", errors="replace").replace("\0", "\n").strip()
        except OSError:
            return ""

    def names(self, folder: str) -> list[str]:
        """What is in a folder, sorted as a person counts (video2 before video10); nothing where it is not there."""
        try:
            found = os.listdir(self.path(folder))
        except OSError:
            return []
        return sorted(found, key=lambda name: (name.rstrip("0123456789"), len(name), name))

    def device(self, path: str) -> Literal["there", "missing", "refused", "foreign"]:
        """Whether a device's file is there, is a device, and lets this user in."""
        real = self.path(path)
        try:
            mode = real.stat().st_mode
        except OSError:
            return "missing"
        if not stat.S_ISCHR(mode):
            return "foreign"
        return "there" if os.access(real, os.R_OK | os.W_OK) else "refused"

    def run(self, *command: str) -> Said:
        """Run a command to its end, or to the end of patience: it is killed then with all it started, and not waited for."""
        environment = {**os.environ, "LC_ALL": "C"}  # answers in English
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=environment,
                start_new_session=True,
            )
        except FileNotFoundError:
            return Said(code=None, trouble=f"there is no command {command[0]}")
        except OSError as error:
            return Said(code=None, trouble=f"{command[0]} cannot be run ({error.strerror})")
        try:
            out, err = process.communicate(timeout=self.timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):  # one that hangs in a driver does not even die
                process.wait(1)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
            return Said(code=None, trouble=f"{command[0]} did not return within {self.timeout_s:g} s")
        return Said(out, err, process.returncode)

    def vendors(self, *words: str) -> dict[str, Any]:
        """The answer of `vendors_job.py` to `words`: what a vendor's library says, asked in a process of its own. ``{"error": why}`` if none."""
        said = self.run(sys.executable, str(_JOB), *words)
        try:
            answer = json.loads(said.out)
        except ValueError:
            return {"error": said.why if said.code is None or said.code >= 0 else f"Python was ended by signal {-said.code} in it"}
        return answer if isinstance(answer, dict) else {"error": "it gave no answer"}

    def kernel_clock(self) -> KernelClock | None:
        """The kernel's own word on its clock (adjtimex(2)), whoever keeps it: chrony, ntpd, timesyncd; None where it does not say."""
        state = _Timex()
        try:
            if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state)) < 0:
                return None
        except (OSError, AttributeError):
            return None
        return KernelClock(not state.status & _UNSYNCHRONISED, state.maxerror * 1e-6)


class _Timex(ctypes.Structure):
    """The head of `struct timex`; all zero asks and changes nothing."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )
