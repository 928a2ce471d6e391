"""All cameras of a device, together: started, watched, stopped in order. The first failure that no reopening mends stops everything."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from edge.errors import DiskFull
from edge.ports import Detector
from edge.runtime.accelerator import Accelerator
from edge.runtime.camera import CameraLoop, CameraParts
from edge.runtime.clock import Clock

log = logging.getLogger(__name__)


class Device:
    """Runs cameras over one detector."""

    def __init__(self, detector: AbstractContextManager[Detector], cameras: Sequence[CameraParts], clock: Clock) -> None:
        self._clock = clock
        self._work = threading.Event()
        self._over = threading.Event()
        self._errors: list[Exception] = []
        self.cameras = [CameraLoop(parts, work=self._work, clock=clock, on_error=self._fail) for parts in cameras]
        self._accelerator = Accelerator(detector, [camera.lane for camera in self.cameras], self._work, self._fail)

    def run(self, on_tick: Callable[[], None] = lambda: None, *, every_s: float = 0.2) -> None:
        """Until every source has ended, or `stop`, or a failure, which is raised when all has been committed. `on_tick`: each `every_s` or so."""
        with self._accelerator:
            for camera in self.cameras:
                camera.start()
            try:
                self._watch(on_tick, every_s)
            finally:  # also when watching fails: threads that nobody stops would keep the process for ever
                for camera in self.cameras:
                    camera.stop()
                for camera in self.cameras:
                    camera.join()
        if self._errors:
            for error in self._errors[1:]:
                log.error("%s", error)
            raise self._errors[0]

    def _watch(self, on_tick: Callable[[], None], every_s: float) -> None:
        ticks = 0
        while any(camera.alive for camera in self.cameras) and not self._over.wait(every_s):
            ticks += 1
            if ticks % max(1, round(1 / every_s)) == 0:  # once a second
                try:
                    self._clock.observe()
                except DiskFull as error:
                    log.error("%s", error)
            on_tick()

    @property
    def stopped(self) -> bool:
        """Whether it ended before its sources did."""
        return self._over.is_set()

    def stop(self) -> None:
        """Ask it to end; safe from a signal handler."""
        self._over.set()

    def _fail(self, error: Exception) -> None:
        self._errors.append(error)
        self._over.set()
