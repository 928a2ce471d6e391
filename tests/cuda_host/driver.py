"""Builds the stand-in driver (driver.cpp) and puts it under pycuda in this process; what tests say to it and ask of it. No kernel is built here."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cuda_host.host import BUILT, ORDERS, Order, need_compiler, toolkit

HERE = Path(__file__).parent
HELD = ("memory", "pinned", "streams", "events", "modules", "contexts")
"""What can be held of a driver."""
UNKNOWN = 999
"""CUDA's "unknown error"."""
OUT_OF_MEMORY = 2
ILLEGAL_ADDRESS = 700


@dataclass
class StandIn:
    """The driver of this process. `calls` and `held` count since the test began."""

    library: ctypes.CDLL
    kernels: Path
    """A folder for compiled kernels that all tests share, so that each is compiled once."""
    expected: int = 0

    def set(
        self,
        *,
        order: Order = "forward",
        late: bool = True,
        integrated: bool = True,
        driver: int = 13000,
        devices: int = 1,
        memory_bytes: int = 8 << 30,
    ) -> None:
        """`late`: work is done when somebody waits for it; else when it is given."""
        self.library.standin_set(ORDERS.index(order), late, integrated, driver, devices, ctypes.c_size_t(memory_bytes))

    def fail(self, function: str, call: int = 1, *, error: int = UNKNOWN, stays: bool = False) -> None:
        """The driver's `function` fails at its n-th call from the test's beginning; `stays`: and every call after it, as after a kernel's fault."""
        self.library.standin_fail(function.encode(), ctypes.c_long(call), error, stays)

    @property
    def report(self) -> dict[str, int]:
        lines = self.library.standin_report().decode().splitlines()
        return {name: int(number) for name, number in (line.split() for line in lines)}

    @property
    def calls(self) -> dict[str, int]:
        return {name: number for name, number in self.report.items() if name.startswith("cu")}

    @property
    def held(self) -> dict[str, int]:
        """What is held now, by kind; empty when all was given back."""
        report = self.report
        return {name: report[name] for name in HELD if report[name]}

    @property
    def reclaimed(self) -> int:
        """How many things nobody gave back before the context ended."""
        return self.report["reclaimed"]

    @property
    def faults(self) -> list[str]:
        """What a GPU would have punished, or might, and no test expected."""
        return list(self.library.standin_faults().decode().splitlines())[self.expected :]

    def expect_fault(self, words: str) -> None:
        """The next fault has happened, and is the one that was to come."""
        assert words in self.faults[0], self.faults
        self.expected += 1

    def begin(self) -> None:
        self.library.standin_begin()
        self.expected = 0
        self.set()


def need_pycuda() -> Path:
    """The file of pycuda's binding; skips where it is not installed."""
    need_compiler()
    spec = find_spec("pycuda")
    if spec is None or spec.origin is None:
        pytest.skip("pycuda is not installed (scripts/pycuda.sh): device code is not run over the stand-in driver")
    return next(Path(spec.origin).parent.glob("_driver*.so"))


@cache
def load() -> StandIn:
    """The stand-in in place of libcuda, for the rest of this process."""
    binding = need_pycuda()
    with open("/proc/self/maps") as maps:
        if "libcuda.so" in maps.read():
            pytest.skip("a real CUDA driver is loaded in this process")
    # pycuda finds this one because a library of the name that it wants is there already.
    library = ctypes.CDLL(str(_built(binding)), mode=ctypes.RTLD_GLOBAL)
    library.standin_report.restype = ctypes.c_char_p
    library.standin_faults.restype = ctypes.c_char_p
    return StandIn(library, BUILT)


@contextmanager
def standin(*, order: Order = "forward", late: bool = True) -> Iterator[StandIn]:
    """The stand-in, fresh, with our nvcc beside it; what it noticed is in its `faults`."""
    driver = load()
    driver.begin()
    driver.set(order=order, late=late)
    with toolkit():
        yield driver


def _built(binding: Path) -> Path:
    """driver.cpp as a library; functions that pycuda wants and it lacks only say so when they are called."""
    source = HERE / "driver.cpp"
    wanted = _symbols(binding, "--undefined-only")
    parts = [source.read_bytes(), (HERE / "toolkit" / "include" / "guard.h").read_bytes(), " ".join(sorted(wanted)).encode()]
    out = BUILT / f"driver-{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}" / "libcuda.so.1"
    if out.exists():
        return out
    BUILT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILT) as folder:
        work = Path(folder)
        flags = ["-std=c++20", "-O2", "-fPIC", "-I", str(HERE / "toolkit" / "include")]
        subprocess.run(["g++", *flags, "-c", str(source), "-o", str(work / "driver.o")], check=True)
        missing = sorted(wanted - _symbols(work / "driver.o", "--defined-only"))
        lines = [f'int {name}(void) {{ fputs("stand-in driver: {name} is not known here\\n", stderr); return 801; }}' for name in missing]
        (work / "rest.c").write_text("#include <stdio.h>\n" + "\n".join(lines) + "\n")
        subprocess.run(["gcc", "-fPIC", "-c", str(work / "rest.c"), "-o", str(work / "rest.o")], check=True)
        objects = [str(work / "driver.o"), str(work / "rest.o")]
        (work / "whole").mkdir()
        made = work / "whole" / out.name
        subprocess.run(["g++", "-shared", *objects, "-o", str(made), "-Wl,-soname,libcuda.so.1", "-ldl"], check=True)
        try:
            os.rename(work / "whole", out.parent)
        except OSError:  # another process was as fast
            shutil.rmtree(work / "whole")
    return out


def _symbols(path: Path, which: str) -> set[str]:
    dynamic = ["-D"] if path.suffix != ".o" else []
    said = subprocess.run(["nm", *dynamic, which, str(path)], check=True, capture_output=True, text=True).stdout
    return {
        name for name in (line.split()[-1].partition("@")[0] for line in said.splitlines()) if name.startswith("cu") and name[2].isupper()
    }
