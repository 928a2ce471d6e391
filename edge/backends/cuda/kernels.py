"""The room's kernels on a device: loaded, found by name, launched with the arguments that their source declares. How they are compiled is `nvcc`'s."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.backends.cuda.calls import checked, driver
from edge.backends.cuda.device import Device
from edge.backends.cuda.lent import Lender, Lent, Memory, Pinned, Stream
from edge.backends.cuda.nvcc import cubin

HERE = Path(__file__).parent
Argument = int | float | Memory | Pinned
_KERNEL = re.compile(r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(([^)]*)\)')
_FORMATS = {
    "int": "i",
    "unsigned": "I",
    "unsigned int": "I",
    "float": "f",
    "double": "d",
    "long long": "q",
    "unsigned long long": "Q",
}
"""C's types of kernel arguments and their `struct` letters; any pointer is P."""


def signatures(source: str) -> dict[str, str]:
    """Of each kernel in a .cu text its arguments as `struct` letters: ``void fill(float *to, int n)`` is ``{"fill": "Pi"}``.

    A kernel is ``extern "C" __global__ void name(type name, ...)``; ValueError names an argument of a type that cannot be passed.
    """
    found: dict[str, str] = {}
    for name, inside in _KERNEL.findall(re.sub(r"//[^\n]*|/\*.*?\*/", "", source, flags=re.DOTALL)):
        letters = ""
        for argument in filter(None, (part.strip() for part in inside.split(","))):
            kind = " ".join(word for word in re.sub(r"\w+\s*$", "", argument).split() if word not in ("const", "__restrict__"))
            letter = "P" if "*" in kind else _FORMATS.get(kind)
            if letter is None:
                raise ValueError(f"kernel {name} takes `{argument}`; it must be a pointer or one of {', '.join(_FORMATS)}")
            letters += letter
        found[name] = letters
    return found


def blocks(extent: Sequence[int], block: Sequence[int]) -> tuple[int, int, int]:
    """How many blocks of threads cover `extent` (x, y, z; missing ones are 1) -> the launch's grid."""
    x, y, z = (-(-size // side) for size, side in zip((*extent, 1, 1)[:3], (*block, 1, 1)[:3], strict=True))
    return x, y, z


class Kernel:
    """One kernel of a loaded source."""

    def __init__(self, name: str, function: Any, letters: str) -> None:
        self.name = name
        self._count = len(letters)
        self._function = function.prepare(letters)

    def launch(self, stream: Stream, grid: tuple[int, int, int], block: tuple[int, int, int], *arguments: Argument) -> None:
        """Give it to `stream`: `grid` blocks of `block` threads, (x, y, z) both. Memory is passed as its address."""
        if len(arguments) != self._count:
            raise TypeError(f"kernel {self.name} takes {self._count} arguments, here are {len(arguments)}")
        values = [a.address if isinstance(a, (Memory, Pinned)) else a for a in arguments]
        with checked(f"kernel {self.name}"):
            self._function.prepared_async_call(grid, block, stream.vendor, *values)

    def close(self) -> None:
        self._function = None  # it holds the module


class Kernels(Lent):
    """The kernels of one .cu file of this room in a device's context: ``Kernels.load(device, "heat.cu", cache)["blur_rows"].launch(...)``."""

    def __init__(self, lender: Lender, source: Path, code: bytes) -> None:
        self._kernels: dict[str, Kernel] = {}
        with checked(f"loading the kernels of {source.name}"):
            self._module = driver().module_from_buffer(code)
        super().__init__(lender)
        try:
            for name, letters in signatures(source.read_text()).items():
                with checked(f"finding kernel {name}"):
                    self._kernels[name] = Kernel(name, self._module.get_function(name), letters)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def load(device: Device, name: str, cache: Path) -> Kernels:
        """Inside of a job: compile `name` for the device or take it from the folder `cache`, and load it. DeviceError where neither can be."""
        source = HERE / name
        return Kernels(device.lender, source, cubin(source, device.facts.arch, cache))

    def __getitem__(self, name: str) -> Kernel:
        return self._kernels[name]

    def _give_back(self) -> None:
        for kernel in self._kernels.values():
            kernel.close()
        self._kernels.clear()
        self._module = None
