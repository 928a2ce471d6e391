"""Kernels of a .cu file called directly on the CPU, each thread after the other, in an order that the test chooses. No driver and no pycuda here."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import pytest

from edge.backends.cuda import kernels, nvcc
from tests.conftest import ROOT

TOOLKIT = Path(__file__).parent / "toolkit"
BUILT = ROOT / ".pytest_cache" / "cuda_host"
Order = Literal["forward", "reverse", "shuffled"]
ORDERS: tuple[Order, ...] = ("forward", "reverse", "shuffled")
_C = {"i": ctypes.c_int, "I": ctypes.c_uint, "f": ctypes.c_float, "d": ctypes.c_double, "q": ctypes.c_longlong, "Q": ctypes.c_ulonglong}


class KernelFault(AssertionError):
    """A kernel did what a GPU would punish, or might."""


def need_compiler() -> None:
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed: kernels are not run on the CPU")


@contextmanager
def toolkit() -> Iterator[None]:
    """Inside, the product finds our nvcc, which compiles for the CPU."""
    with patch.dict("os.environ", {"CUDA_HOME": str(TOOLKIT)}):
        yield


class HostKernels:
    """The kernels of one .cu file: ``HostKernels("heat.cu").launch("decay", grid, block, array, 3, 0.5)``."""

    def __init__(self, source: str | Path, order: Order = "forward") -> None:
        """`source`: a file of the room by its name, or any other by its path."""
        path = kernels.HERE / source
        self._order = ORDERS.index(order)
        self._letters = kernels.signatures(path.read_text())
        with toolkit():
            nvcc.cubin(path, "sm_host", BUILT)
            name = nvcc.kept_as(path, "sm_host", nvcc.nvcc_version(TOOLKIT / "bin" / "nvcc"))
        self._library = ctypes.CDLL(str(BUILT / name))
        self._library.guard_take.restype = ctypes.c_void_p
        self._library.guard_take.argtypes = [ctypes.c_size_t]
        self._library.guard_give.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self._library.guard_intact.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

    def launch(self, name: str, grid: tuple[int, ...], block: tuple[int, ...], *arguments: Any) -> None:
        """Run one. Arrays are copied into memory with guards around it and back; the same array twice is the same memory; None is a null pointer.

        KernelFault where it touches what is not its own, writes into a read-only array, or its threads wait for each other in vain.
        """
        letters = self._letters[name]
        assert len(arguments) == len(letters), f"{name} takes {len(letters)} arguments, here are {len(arguments)}"
        arrays = {id(a): a for a in arguments if isinstance(a, np.ndarray)}
        memory: dict[int, int] = {}
        try:
            for key, array in arrays.items():
                assert array.flags.c_contiguous, f"{name}: an array of shape {array.shape} is not contiguous"
                memory[key] = self._library.guard_take(max(array.nbytes, 1))
                ctypes.memmove(memory[key], array.ctypes.data, array.nbytes)
            values: list[Any] = []
            for letter, argument in zip(letters, arguments, strict=True):
                if letter == "P":
                    values.append(ctypes.c_void_p(None if argument is None else memory[id(argument)]))
                else:
                    values.append(_C[letter](argument))
            said = self._call(name, grid, block, values)
            if said:
                raise KernelFault(f"{name}: {said}")
            for key, array in arrays.items():
                self._take_back(name, array, memory[key])
        finally:
            for key, address in memory.items():
                self._library.guard_give(address, max(arrays[key].nbytes, 1))

    def _call(self, name: str, grid: tuple[int, ...], block: tuple[int, ...], values: list[Any]) -> str:
        function = self._library[f"launch_{name}"]
        function.restype = ctypes.c_char_p
        sides = [(ctypes.c_uint * 3)(*(*extent, 1, 1)[:3]) for extent in (grid, block)]
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        return str(function(*sides, pointers, self._order).decode())

    def _take_back(self, name: str, array: np.ndarray, address: int) -> None:
        if not self._library.guard_intact(address, max(array.nbytes, 1)):
            raise KernelFault(f"{name} wrote beside an array of shape {array.shape}")
        after = (
            np.ctypeslib.as_array((ctypes.c_char * array.nbytes).from_address(address)).view(np.uint8)
            if array.nbytes
            else np.empty(0, np.uint8)
        )
        if array.flags.writeable:
            ctypes.memmove(array.ctypes.data, address, array.nbytes)
        elif not np.array_equal(after, array.reshape(-1).view(np.uint8)):
            raise KernelFault(f"{name} wrote into a read-only array of shape {array.shape}")
