"""Kernels of a .cu file called directly on the GPU, as tests/cuda_host calls them on the CPU, so that both are held by the same tests. No test here."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np

from edge.backends.cuda.gpu import Gpu
from edge.backends.cuda.kernels import Kernels
from edge.backends.cuda.lent import Memory
from tests.cuda_host.host import HostKernels


class DeviceKernels(HostKernels):
    """``DeviceKernels(gpu, "heat.cu").launch("warm", grid, block, array, 3, 0.5)``: arrays go to the GPU, the kernel runs, they come back."""

    def __init__(self, gpu: Gpu, source: str) -> None:
        self._gpu, self._source = gpu, source
        self._placed: list[np.ndarray] = []
        self._addresses: list[Memory] = []

    def launch(self, name: str, grid: tuple[int, ...], block: tuple[int, ...], *arguments: Any) -> None:
        def job() -> None:
            with ExitStack() as stack:
                device = self._gpu.device
                stream = stack.enter_context(device.stream())
                kernel = stack.enter_context(Kernels.load(device, self._source, self._gpu.kernels))[name]
                arrays = {id(a): a for a in arguments if isinstance(a, np.ndarray)}
                memory = {key: stack.enter_context(device.memory(max(array.nbytes, 1))) for key, array in arrays.items()}
                for key, array in arrays.items():
                    stream.upload(array, memory[key])
                values = [0 if a is None else memory.get(id(a), a) for a in arguments]
                kernel.launch(stream, (*grid, 1, 1)[:3], (*block, 1, 1)[:3], *values)
                for key, array in arrays.items():
                    if array.flags.writeable:
                        stream.download(memory[key], array)
                stream.wait()

        self._gpu.device.run(job)
        for lent in self._addresses:
            self._gpu.device.run(lent.close)
        self._addresses.clear()

    def address_of(self, array: np.ndarray) -> int:
        """Where `array` is on the GPU until the next launch is done."""

        def job() -> int:
            with self._gpu.device.stream() as stream:
                memory = self._gpu.device.memory(array.nbytes)
                stream.upload(array, memory)
                stream.wait()
            self._addresses.append(memory)
            return memory.address

        return self._gpu.device.run(job)
