"""What the GPU's kernels take, by the GPU's own clock, beside the bytes they must move. What each is given to do is `kernel_work`'s."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from edge.backends.cuda.calls import checked, driver
from edge.backends.cuda.gpu import Gpu
from edge.bench.kernel_work import frame_work, single_work, wide_work
from edge.bench.options import KernelBench
from edge.data import Size

Figures = dict[str, Any]


def bench_kernels(options: KernelBench, kernels: Path) -> Figures:
    """Microseconds of each kernel at one picture and at many, their share of this GPU's copying, and of whole frames.

    `kernels` is the folder in which compiled kernels are kept. DeviceError says in a sentence why there is no GPU.
    """
    with Gpu(kernels) as gpu:
        return measured(gpu, options)


def measured(gpu: Gpu, options: KernelBench) -> Figures:
    """The same on a GPU that is open; what was taken of it is given back."""

    def job() -> Figures:
        with ExitStack() as stack:
            return _Clock(stack, gpu, options).report()

    return gpu.device.run(job)


class _Clock:
    """Times work by events. Everything here happens inside of one job."""

    def __init__(self, stack: ExitStack, gpu: Gpu, options: KernelBench) -> None:
        self._gpu, self._options = gpu, options
        device = gpu.device
        self._stream = stack.enter_context(device.stream())
        self._start, self._end = (stack.enter_context(device.event(timing=True)) for _ in range(2))
        # Ten times any cache, and little of a small memory.
        copied = min(options.copied_mb * 1_000_000, device.facts.memory_bytes // 32)
        self._far = [stack.enter_context(device.memory(copied)) for _ in range(2)]
        self._copy_us = 0.0
        self._copy_us = self._time_us(self._copy)

    def report(self) -> Figures:
        facts, options = self._gpu.device.facts, self._options
        copied = 2 * self._far[0].nbytes
        return {
            "gpu": facts.name,
            "arch": facts.arch,
            "integrated": facts.integrated,
            "copy_gb_s": round(copied / self._copy_us / 1e3, 1),
            "one": {"size": str(options.size), **self._one()},
            "many": {"size": str(options.many_size), "batch": options.many, **self._many()},
            "frames": {str(size): {str(batch): self._frame(size, batch) for batch in options.batches} for size in options.sizes},
        }

    def _one(self) -> Figures:
        """A picture at a time: what one costs, caches warm, as in life, where the upload has just brought it."""
        figures: Figures = {}
        with ExitStack() as stack:
            for work in single_work(stack, self._gpu, self._stream, self._options.size):
                figures[work.name] = {"us": round(self._time_us(work.give), 2), "mb": round(work.nbytes / 1e6, 2)}
        parts = self._options.summed
        figures["sum_us"] = round(sum(figures[name]["us"] for name in parts), 2)
        figures["sum_of"] = list(parts)
        return figures

    def _many(self) -> Figures:
        """More than any cache holds: how near each kernel comes to a plain copy of as many bytes."""
        figures: Figures = {}
        for make in wide_work(self._gpu, self._stream, self._options.many_size, self._options.many):
            with ExitStack() as stack:
                work = make(stack)
                us = self._time_us(work.give)
                gb_s = work.nbytes / us / 1e3
                share = gb_s / (2 * self._far[0].nbytes / self._copy_us / 1e3)
                figures[work.name] = {
                    "us": round(us, 1),
                    "mb": round(work.nbytes / 1e6, 1),
                    "gb_s": round(gb_s, 1),
                    "of_copy": round(share, 3),
                }
        return figures

    def _frame(self, size: Size, batch: int) -> Figures:
        """All that the GPU does for a frame of each of `batch` cameras, less the network: device time in a row, and the copies beside it."""
        with ExitStack() as stack:
            parts = frame_work(stack, self._gpu, self._stream, size, batch)
            return {name: round(self._time_us(work.give), 1) for name, work in parts.items()}

    def _time_us(self, give: Callable[[], None]) -> float:
        """The median of `repeats` rounds, each of `launches` in a row.

        Launching costs the CPU more than small kernels take. So the rounds queue up behind copies that take longer than the launching does,
        and then run one behind the other, as fast as the GPU can.
        """
        give()
        self._stream.wait()
        rounds: list[float] = []
        for _ in range(self._options.repeats):
            for _ in range(self._dam()):
                self._copy()
            self._start.record(self._stream)
            for _ in range(self._options.launches):
                give()
            self._end.record(self._stream)
            self._end.wait()
            rounds.append(self._end.ms_since(self._start) * 1e3 / self._options.launches)
        return max(statistics.median(rounds), 1e-3)

    def _dam(self) -> int:
        """How many copies hold the stream while a round is given to it: 60 us a launch is more than Python takes on a Jetson."""
        return min(1 + int(self._options.launches * 60 / self._copy_us), 1000) if self._copy_us else 0

    def _copy(self) -> None:
        source, target = self._far
        with checked("copying on the GPU"):
            driver().memcpy_dtod_async(target.address, source.address, source.nbytes, self._stream.vendor)
