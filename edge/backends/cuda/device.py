"""One GPU: its context, and the one thread that may touch it. What it lends is `lent`'s; pictures and kernels are other files'."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from edge.backends.cuda.calls import checked, driver
from edge.backends.cuda.lent import Event, Lender, Memory, Pinned, Stream
from edge.errors import DeviceError

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a GPU says of itself. `arch` is nvcc's name of it (``sm_87``); `driver` the newest CUDA its driver knows, (major, minor)."""

    name: str
    arch: str
    driver: tuple[int, int]
    memory_bytes: int
    integrated: bool
    """It shares its memory with the CPU, as a Jetson's does."""


class Device:
    """A GPU's context in a thread of its own. Everything that touches the GPU is a job for `run`; jobs of all threads run in order.

    Entering makes the context (DeviceError where there is no driver or no GPU). Leaving finishes the jobs that wait, gives back all that was
    lent, newest first, and ends the context; also after an error in the middle. A failure that CUDA does not recover from (an illegal
    address, a failed launch) makes every later job fail at once, with the same sentence.
    """

    def __init__(self, number: int = 0) -> None:
        self._number = number
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._lock = threading.Lock()  # orders `run` against closing: no job may come behind the last
        self._open = False
        self._lost: str | None = None
        self._thread: threading.Thread | None = None
        self.lender = Lender()

    def __enter__(self) -> Device:
        opened: Future[DeviceFacts] = Future()
        self._thread = threading.Thread(target=self._serve, args=(opened,), name="device")
        self._thread.start()
        try:
            self.facts = opened.result()
        except BaseException:
            self._jobs.put(None)
            self._thread.join()
            raise
        with self._lock:
            self._open = True
        log.info("%s (%s), driver for CUDA %d.%d", self.facts.name, self.facts.arch, *self.facts.driver)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open = False
            self._jobs.put(None)
        if self._thread is not None:
            self._thread.join()

    def run(self, job: Callable[[], T]) -> T:
        """`job()` on the device's thread: its result, or its error raised here. From a job it is called directly."""
        if threading.current_thread() is self._thread:
            return job()
        answer: Future[T] = Future()
        with self._lock:
            if not self._open:
                raise DeviceError("the GPU was asked for something when it was not open; this is a fault of the program, please report it")
            self._jobs.put((job, answer))
        try:
            return answer.result()
        finally:
            del answer, job  # an error's frames would hold the answer, which holds the error

    # Only inside of jobs

    def memory(self, nbytes: int) -> Memory:
        """Device memory of so many bytes, its content undefined."""
        return self.lender.memory(nbytes)

    def at_least(self, memory: Memory | None, nbytes: int) -> Memory:
        """`memory` if it has so many bytes; else it is given back and larger memory is lent: what grows by this allocates only when sizes change."""
        if memory is not None:
            if memory.nbytes >= nbytes:
                return memory
            memory.close()
        return self.memory(nbytes)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> Pinned:
        """Page-locked host memory as an array: copies from and to it run beside everything else, and kernels can reach it."""
        return self.lender.pinned(shape, dtype)

    def stream(self) -> Stream:
        """An order of its own for work on the GPU."""
        return self.lender.stream()

    def event(self, *, timing: bool = False) -> Event:
        """A mark in a stream that others can wait for; with `timing`, two of them tell the time between."""
        return self.lender.event(timing=timing)

    # The thread

    def _serve(self, opened: Future[DeviceFacts]) -> None:
        try:
            context, facts = self._begin()
        except BaseException as error:  # noqa: BLE001  it belongs to who entered
            opened.set_exception(error)
            return
        opened.set_result(facts)
        try:
            while (asked := self._jobs.get()) is not None:
                self._answer(*asked)
                del asked  # a job holds what it works on; nothing is held while nothing is done
        finally:
            self._end(context)

    def _begin(self) -> tuple[Any, DeviceFacts]:
        cuda = driver()
        with checked("opening the GPU"):
            cuda.init()
            if self._number >= cuda.Device.count():
                raise DeviceError(
                    f"there is no GPU number {self._number}, CUDA sees {cuda.Device.count()}; choose another, or `backend: cpu`"
                )
            gpu = cuda.Device(self._number)
            major, minor = gpu.compute_capability()
            version = cuda.get_driver_version()
            facts = DeviceFacts(
                name=gpu.name(),
                arch=f"sm_{major}{minor}",
                driver=(version // 1000, version % 1000 // 10),
                memory_bytes=gpu.total_memory(),
                integrated=bool(gpu.get_attribute(cuda.device_attribute.INTEGRATED)),
            )
            # Who waits for the GPU sleeps: the cores belong to trackers and decoders.
            context = gpu.make_context(cuda.ctx_flags.SCHED_BLOCKING_SYNC | cuda.ctx_flags.MAP_HOST)
        return context, facts

    def _answer(self, job: Callable[[], Any], answer: Future[Any]) -> None:
        if self._lost is not None:
            answer.set_exception(DeviceError(self._lost))
            return
        try:
            with checked("work on the GPU"):
                result = job()
        except BaseException as error:  # noqa: BLE001  it belongs to who asked
            if isinstance(error, DeviceError):
                self._lost = self._lost_by(error)
            answer.set_exception(error)
        else:
            answer.set_result(result)
        finally:
            del answer, job  # as in `run`

    def _lost_by(self, error: DeviceError) -> str | None:
        """The sentence of `error` if the context is of no use any more. CUDA tells by failing whatever it is asked next."""
        try:
            with checked("waiting for the GPU"):
                driver().Context.synchronize()
        except DeviceError:
            return str(error)
        return None

    def _end(self, context: Any) -> None:
        """Give back what was lent, then the context. CUDA's complaints can help nobody any more: pycuda writes them to stderr and goes on."""
        left = self.lender.close()
        if left:
            log.debug("%d things were still lent when the GPU was closed", left)
        context.detach()
