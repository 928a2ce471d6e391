"""What a device lends: memory, page-locked arrays, streams, events; each with one owner and one `close`. Only for the device's thread.

pycuda would give these back whenever Python drops them, on whatever thread that is, where the context cannot be used: so each has a `close`,
and who lends remembers all that were not closed.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edge.backends.cuda.calls import checked, driver

log = logging.getLogger(__name__)


class Lent:
    """Something of the GPU's that is given back by `close`, once; closing again is harmless."""

    def __init__(self, lender: Lender) -> None:
        self._lender: Lender | None = lender
        lender.remember(self)

    def close(self) -> None:
        if self._lender is not None:
            self._lender.forget(self)
            self._lender = None
            self._give_back()

    @property
    def closed(self) -> bool:
        return self._lender is None

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _give_back(self) -> None:
        raise NotImplementedError


class Memory(Lent):
    """`nbytes` of device memory at `address`."""

    def __init__(self, lender: Lender, nbytes: int) -> None:
        with checked(f"taking {nbytes / 1e6:.1f} MB of the GPU's memory"):
            self._allocation = driver().mem_alloc(nbytes)
        self.address = int(self._allocation)
        self.nbytes = nbytes
        super().__init__(lender)

    def _give_back(self) -> None:
        self.address = self.nbytes = 0  # who still holds this has room for nothing
        self._allocation.free()


class Pinned(Lent):
    """A page-locked `array` in host memory; kernels reach the same bytes at `address`, without a copy."""

    def __init__(self, lender: Lender, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        cuda = driver()
        with checked("taking page-locked memory"):
            self.array: NDArray[Any] = cuda.pagelocked_empty(shape, dtype, mem_flags=cuda.host_alloc_flags.DEVICEMAP)
            self._allocation = self.array.base
            try:
                self.address = int(self._allocation.get_device_pointer())
            except cuda.Error:
                self._allocation.free()
                raise
        super().__init__(lender)

    def _give_back(self) -> None:
        self.array = np.empty(0, self.array.dtype)  # a view of freed memory must not stay
        self._allocation.free()


class Event(Lent):
    """A mark in a stream."""

    def __init__(self, lender: Lender, *, timing: bool) -> None:
        flags = driver().event_flags
        with checked("making an event"):
            self._event = driver().Event(flags.BLOCKING_SYNC | (flags.DEFAULT if timing else flags.DISABLE_TIMING))
        super().__init__(lender)

    def record(self, stream: Stream) -> Event:
        """Mark all that was given to `stream` so far."""
        with checked("marking work on the GPU"):
            self._event.record(stream.vendor)
        return self

    def wait(self) -> None:
        """Until what was marked is done; at once if nothing ever was. Other threads run meanwhile."""
        with checked("waiting for the GPU"):
            self._event.synchronize()

    def ms_since(self, start: Event) -> float:
        """Milliseconds of the GPU from `start` to this; both made with `timing`, recorded and waited for."""
        with checked("timing the GPU"):
            return float(self._event.time_since(start._event))

    @property
    def vendor(self) -> Any:
        return self._event

    def _give_back(self) -> None:
        self._event = None


class Stream(Lent):
    """An order of work: what is given to one stream is done one after another, what is given to two runs side by side.

    Copies are asynchronous only from and to pinned arrays, and the array must stay as it is until they are done.
    """

    def __init__(self, lender: Lender) -> None:
        with checked("making a stream"):
            self._stream = driver().Stream()
        super().__init__(lender)

    @property
    def handle(self) -> int:
        """CUDA's own number of it, for TensorRT."""
        return int(self._stream.handle)

    @property
    def vendor(self) -> Any:
        return self._stream

    def upload(self, array: NDArray[Any], memory: Memory) -> None:
        """Copy a contiguous host array to the beginning of `memory`."""
        _fits(array, memory)
        with checked("uploading to the GPU"):
            driver().memcpy_htod_async(memory.address, array, self._stream)

    def download(self, memory: Memory, array: NDArray[Any]) -> None:
        """Copy from the beginning of `memory` as much as fills a contiguous host array."""
        _fits(array, memory)
        with checked("downloading from the GPU"):
            driver().memcpy_dtoh_async(array, memory.address, self._stream)

    def clear(self, memory: Memory, nbytes: int | None = None) -> None:
        """Fill `memory` with zeros: the first `nbytes` of it, or all."""
        with checked("clearing the GPU's memory"):
            driver().memset_d8_async(memory.address, 0, memory.nbytes if nbytes is None else nbytes, self._stream)

    def wait_for(self, event: Event) -> None:
        """What is given to this stream from now on starts after what `event` marks."""
        with checked("ordering work on the GPU"):
            self._stream.wait_for_event(event.vendor)

    def wait(self) -> None:
        """Until all that was given to it is done. Other threads run meanwhile."""
        with checked("waiting for the GPU"):
            self._stream.synchronize()

    def _give_back(self) -> None:
        self._stream = None


class Lender:
    """Lends, and remembers in order what was not given back."""

    def __init__(self) -> None:
        self._lent: dict[int, Lent] = {}

    def __len__(self) -> int:
        return len(self._lent)

    def memory(self, nbytes: int) -> Memory:
        return Memory(self, nbytes)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> Pinned:
        return Pinned(self, shape, dtype)

    def stream(self) -> Stream:
        return Stream(self)

    def event(self, *, timing: bool) -> Event:
        return Event(self, timing=timing)

    def remember(self, lent: Lent) -> None:
        self._lent[id(lent)] = lent

    def forget(self, lent: Lent) -> None:
        del self._lent[id(lent)]

    def close(self) -> int:
        """Give back all that is still lent, newest first; how many things that was."""
        left = list(self._lent.values())
        for lent in reversed(left):
            try:
                lent.close()
            except Exception:
                log.exception("giving back what the GPU had lent failed")
        return len(left)


def _fits(array: NDArray[Any], memory: Memory) -> None:
    if array.nbytes > memory.nbytes or not array.flags.c_contiguous:
        raise ValueError(
            f"an array of {array.nbytes} bytes cannot be copied to or from {memory.nbytes} bytes of the GPU; it must fit and be contiguous"
        )
