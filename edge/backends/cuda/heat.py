"""The live heat of one camera on the GPU: presence goes in, a blurred grid comes out. How it becomes colour and lies over a picture is the painter's.

The twin of the CPU's buffer: a view with decay, of which the ledger in the store is the oracle.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from edge.backends.cuda.gpu import Gpu
from edge.backends.cuda.kernels import Kernels, blocks
from edge.data import F32, Size, Warmth
from edge.heat import HeatOptions, grid_size

_WAITING = 4096
"""So many points wait on the host until somebody looks: seven seconds of twenty people. Then they are taken to the GPU all the same."""
_REBASE = 10.0
"""Half-lives after which the buffer is scaled back: presence may weigh a thousand times more then, which leaves 285 years of one cell."""
_FORGOTTEN = 60.0
"""After so many half-lives nothing is left."""


class CudaHeat:
    """Presence-seconds in cells, each halved every `half_life_s`.

    As on the CPU, what comes weighs more the later it comes, instead of every cell being cooled at every frame. The buffer holds weighted whole
    microseconds in 64 bits: exact without a half-life, and never more than half a microsecond off for each time a cell was scaled back.
    Presence is weighed when it is seen and waits on the host, so that a painter of whom nobody wants a picture costs one addition a frame.
    """

    def __init__(self, gpu: Gpu, options: HeatOptions, reference: Size) -> None:
        """Takes nothing of the GPU yet; that is the first presence's that leaves the host."""
        self._gpu = gpu
        self._half_life_s = options.half_life_s
        self._size = grid_size(reference, options.cell)
        self._taps = taps(options.blur / options.cell, self._size)
        self._cell, self._us = np.empty(_WAITING, np.int32), np.empty(_WAITING, np.uint64)
        self._waiting = 0
        self._base_ns: int | None = None
        self._stack, self._opened = ExitStack(), False
        self.cold = True
        """Nothing was ever warmed."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self._size.height, self._size.width

    def warm(self, t_ns: int, warmth: Warmth) -> None:
        """Add presence that was seen at `t_ns`. What came before has decayed by then."""
        if not len(warmth):
            return
        age = self._half_lives(t_ns)
        if age > _REBASE:
            self._scale_back(0.0 if age > _FORGOTTEN else 2.0**-age)
            self._base_ns, age = t_ns, 0.0
        cells, us = warmth.cell, np.rint(warmth.us * 2.0**age).astype(np.uint64)
        for start in range(0, len(cells), _WAITING):
            part = slice(start, start + _WAITING)
            count = len(cells[part])
            if self._waiting + count > _WAITING:
                self._gpu.device.run(self._take_in)
            room = slice(self._waiting, self._waiting + count)
            self._cell[room], self._us[room] = cells[part], us[part]
            self._waiting += count
        self.cold = False

    def _half_lives(self, t_ns: int) -> float:
        """How many of them lie between the base and `t_ns`."""
        if self._half_life_s is None:
            return 0.0
        if self._base_ns is None:
            self._base_ns = t_ns
        return (t_ns - self._base_ns) * 1e-9 / self._half_life_s

    def _scale_back(self, factor: float) -> None:
        def job() -> None:
            self._take_in()
            cells = self._size.width * self._size.height
            self._kernels["cool"].launch(self.stream, blocks((cells,), (128,)), (128, 1, 1), self._grid, factor, cells)

        if not self.cold:
            self._gpu.device.run(job)

    # Jobs of the device

    def blur(self, t_ns: int) -> None:
        """`seconds` (rows, columns) float32 becomes the presence-seconds at `t_ns` under the Gaussian; `stream` is where that is done."""
        self._take_in()
        rows, columns = self.shape
        radius, block = len(self._taps) // 2, (32, 8, 1)
        scale = 1e-6 * 2.0 ** -max(self._half_lives(t_ns), -_FORGOTTEN)  # times that went far back are no reason to overflow
        first, second = self._kernels["blur_grid"], self._kernels["blur_turned"]
        weights = self._weights
        first.launch(self.stream, blocks((columns, rows), (32, 32)), block, self._turned, self._grid, scale, rows, columns, weights, radius)
        second.launch(self.stream, blocks((rows, columns), (32, 32)), block, self.seconds, self._turned, columns, rows, weights, radius)

    def open(self) -> None:
        """Take what is needed of the GPU, once."""
        if self._opened:
            return
        device = self._gpu.device
        cells = self._size.width * self._size.height
        with ExitStack() as stack:
            self._kernels = stack.enter_context(Kernels.load(device, "heat.cu", self._gpu.kernels))
            self.stream = stack.enter_context(device.stream())
            self._copied = stack.enter_context(device.event())
            self._grid = stack.enter_context(device.memory(8 * cells))
            self._turned, self.seconds = (stack.enter_context(device.memory(4 * cells)) for _ in range(2))
            self._weights = stack.enter_context(device.memory(self._taps.nbytes))
            self._cell_pinned = stack.enter_context(device.pinned((_WAITING,), np.int32))
            self._us_pinned = stack.enter_context(device.pinned((_WAITING,), np.uint64))
            self._cell_memory = stack.enter_context(device.memory(self._cell_pinned.array.nbytes))
            self._us_memory = stack.enter_context(device.memory(self._us_pinned.array.nbytes))
            self.stream.clear(self._grid)
            self.stream.upload(self._taps, self._weights)
            self._stack = stack.pop_all()
            self._opened = True

    def close(self) -> None:
        """Give back what was taken of the GPU."""
        self._stack.close()

    def _take_in(self) -> None:
        """What waits on the host goes into the buffer."""
        self.open()
        if not self._waiting:
            return
        count, self._waiting = self._waiting, 0
        self._copied.wait()  # the last ones have left the pinned arrays
        for waiting, pinned, memory in ((self._cell, self._cell_pinned, self._cell_memory), (self._us, self._us_pinned, self._us_memory)):
            pinned.array[:count] = waiting[:count]
            self.stream.upload(pinned.array[:count], memory)
        self._copied.record(self.stream)
        self._kernels["warm"].launch(
            self.stream, blocks((count,), (128,)), (128, 1, 1), self._grid, self._cell_memory, self._us_memory, count
        )


def taps(sigma_cells: float, grid: Size) -> F32:
    """The Gaussian's weights (2 radius + 1,), as OpenCV makes them for float32; one tap of 1 where there is nothing to blur.

    A sigma of more than a third of the grid's smaller side is that third: a board's worth of reflection is enough.
    """
    sigma = min(sigma_cells, min(grid) / 3)
    if sigma <= 0:
        return np.ones(1, np.float32)
    radius = (round(sigma * 8 + 1) | 1) // 2
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    summing_to_1: F32 = (weights / weights.sum()).astype(np.float32)
    return summing_to_1
