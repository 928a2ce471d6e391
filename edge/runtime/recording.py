"""Pictures on their way to the disk, off the camera's own thread: a slow or broken recorder costs pictures, never counts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from edge.data import U8, Stamp
from edge.errors import RecorderError
from edge.ports import Recorder
from edge.runtime.mailbox import Closed, Mailbox

log = logging.getLogger(__name__)

_ROOM = 4
_REST_S = 30.0
"""After a failure the recorder is tried again this much later."""


class RecordingLane:
    """A thread that records. Live pictures are dropped when it is slow; a file's wait. A context manager: leaving it writes what is queued."""

    def __init__(self, make: Callable[[], Recorder], camera: str, *, live: bool) -> None:
        self._make = make
        self._camera = camera
        self._pictures: Mailbox[tuple[Stamp, U8]] = Mailbox(_ROOM, newest=live)
        self._rests_until_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"record {camera}")

    def __enter__(self) -> RecordingLane:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._pictures.close()
        self._thread.join()

    @property
    def wants_picture(self) -> bool:
        """False while a failed recorder rests: nothing needs to be painted then."""
        return time.monotonic() >= self._rests_until_s

    @property
    def dropped(self) -> int:
        return self._pictures.dropped

    def put(self, stamp: Stamp, picture: U8) -> None:
        self._pictures.put((stamp, picture))

    def _run(self) -> None:
        while not self._pictures.finished:
            try:
                with self._make() as recorder:
                    self._record_all(recorder)
            except Exception as error:
                unforeseen = not isinstance(error, RecorderError)
                log.error("%s: %s; counting goes on, recording is tried again in %.0f s", self._camera, error, _REST_S, exc_info=unforeseen)
                self._rests_until_s = time.monotonic() + _REST_S
                self._rest()

    def _record_all(self, recorder: Recorder) -> None:
        while True:
            try:
                letter = self._pictures.take()
            except Closed:
                return
            if letter is not None:
                recorder.record(*letter)

    def _rest(self) -> None:
        """Let pictures pass until the rest is over or no more will come."""
        while not self.wants_picture:
            try:
                self._pictures.take(0.5)
            except Closed:
                return
