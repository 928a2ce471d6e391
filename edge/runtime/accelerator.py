"""The one thread that runs networks: it owns the detector (and with it a device's context), and batches the cameras' newest frames."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from edge.data import Detections, Frame
from edge.ports import Detector
from edge.runtime.gauges import CameraGauges
from edge.runtime.mailbox import Closed, Mailbox

log = logging.getLogger(__name__)

Seen = tuple[Frame, Detections]


@dataclass(frozen=True, slots=True)
class Lane:
    """One camera's way through the accelerator: frames come in, frames with detections go out."""

    frames: Mailbox[Frame]
    seen: Mailbox[Seen]
    gauges: CameraGauges = field(default_factory=CameraGauges)


class Accelerator:
    """Opens a detector inside its thread and feeds it until every lane is finished. A failure goes to `on_error`, and all lanes close."""

    def __init__(
        self,
        detector: AbstractContextManager[Detector],
        lanes: Sequence[Lane],
        work: threading.Event,
        on_error: Callable[[Exception], None],
    ):
        self._detector, self._lanes, self._work, self._on_error = detector, lanes, work, on_error
        self._stopping = False
        self._first = 0
        self._thread = threading.Thread(target=self._run, name="accelerator")

    def __enter__(self) -> Accelerator:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._work.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._detector as detector:
                left = list(self._lanes)
                while left and not self._stopping:
                    self._step(detector)
                    for lane in [lane for lane in left if lane.frames.finished]:
                        lane.seen.close()
                        left.remove(lane)
        except Exception as error:  # noqa: BLE001  whatever it was, the device must hear of it, not this thread's stderr
            self._on_error(error)
        finally:
            for lane in self._lanes:
                lane.frames.close(discard=True)
                lane.seen.close()

    def _step(self, detector: Detector) -> None:
        self._work.clear()  # before looking: every put, take and close of a lane sets it, so nothing is missed between looking and waiting
        batch = self._gather(detector.batch)
        if not batch:
            self._work.wait(1)
            return
        began_s = time.monotonic()
        try:
            found = detector.detect([frame for _, frame in batch])
        except BaseException:
            for _, frame in batch:
                frame.close()
            raise
        took_s = time.monotonic() - began_s
        for (lane, frame), detections in zip(batch, found, strict=True):
            lane.gauges.frames_seen += 1
            lane.gauges.stages["detect"].note(took_s)
            try:
                lane.seen.put((frame, detections))
            except Closed:
                frame.close()

    def _gather(self, most: int) -> list[tuple[Lane, Frame]]:
        """At most one frame a camera, from cameras that can take the answer, in turns."""
        batch: list[tuple[Lane, Frame]] = []
        count, first = len(self._lanes), self._first
        for number in range(first, first + count):
            lane = self._lanes[number % count]
            if len(batch) == most:
                break
            if not lane.seen.has_room:
                continue
            try:
                frame = lane.frames.take(0)
            except Closed:
                continue
            if frame is not None:
                batch.append((lane, frame))
                self._first = (number + 1) % count  # behind who was served last: a slow camera's turn is nobody's double turn
        return batch
