"""One GPU as a detector and painters share it: its thread, the pictures on it, and where compiled kernels are kept. What they do with it is theirs."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from edge.backends.cuda.device import Device
from edge.backends.cuda.nvcc import SOURCES, cubin
from edge.backends.cuda.upload import Uploads


class Gpu:
    """A context manager around a Device; a frame that the detector uploaded is there for the painter too."""

    def __init__(self, kernels: Path, *, number: int = 0) -> None:
        """`kernels` is the folder in which compiled kernels are kept."""
        self.kernels = kernels
        self.device = Device(number)
        self._stack = ExitStack()

    def __enter__(self) -> Gpu:
        with ExitStack() as stack:
            stack.enter_context(self.device)
            self.uploads = self.device.run(lambda: Uploads(self.device))
            self._stack = stack.pop_all()
        return self

    def compile(self) -> None:
        """Have all kernels of this room in their folder, so that none is missed when the first picture is painted. DeviceError where one cannot be."""
        for source in SOURCES:
            cubin(source, self.device.facts.arch, self.kernels)

    def __exit__(self, *_: object) -> None:
        self._stack.close()  # the device takes back what the uploads still hold
