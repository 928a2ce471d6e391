"""Pictures on their way to the disk, off the camera's own thread: a slow or broken recorder costs pictures, never counts. How many is `pace`'s."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from edge.data import U8, Stamp
from edge.errors import RecorderError
from edge.health import Recording
from edge.ports import Recorder
from edge.runtime.mailbox import Closed, Mailbox
from edge.runtime.pace import STEPS, Pace

log = logging.getLogger(__name__)

_ROOM = 4
_NICENESS = 10
_Letter = tuple[Stamp, U8, int]


class RecordingLane:
    """A thread that records. Live pictures are dropped when it is slow, and then fewer are asked for; a file's wait.

    A context manager: leaving it writes what is queued. `max_fps`: at most so many pictures a second are recorded; None: all.
    """

    def __init__(self, make: Callable[[], Recorder], camera: str, *, live: bool, max_fps: float | None = None) -> None:
        self._make = make
        self._camera = camera
        self._live = live
        self._pictures: Mailbox[_Letter] = Mailbox(_ROOM, newest=live)
        self._pace = Pace(max_fps=max_fps, gives_way=live)
        self._pacing = threading.Lock()
        self._step = self._pace.step
        self._why = ""
        self._thread = threading.Thread(target=self._run, name=f"record {camera}")

    def __enter__(self) -> RecordingLane:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._pictures.close()
        self._thread.join()

    def wants_picture(self, t_ns: int) -> bool:
        """Whether the frame's picture is to be painted and put; asked once a frame."""
        with self._pacing:
            wants = self._pace.wants(t_ns)
        self._tell_step()
        return wants

    @property
    def dropped(self) -> int:
        """Pictures that were painted, and for which there was no time."""
        return self._pictures.dropped

    @property
    def recording(self) -> Recording:
        """How much is recorded at present."""
        return self._pace.recording

    def put(self, stamp: Stamp, picture: U8) -> None:
        dropped = self._pictures.dropped
        self._pictures.put((stamp, picture, self._pace.step.shrink))
        with self._pacing:
            self._pace.put(stamp.t_ns, full=self._pictures.dropped > dropped)
        self._tell_step()

    def _tell_step(self) -> None:
        """Each step is said once, by the camera's thread."""
        before, self._step = self._step, self._pace.step
        if STEPS.index(self._step) > STEPS.index(before):
            log.warning("%s: encoder, disk or processor do not keep up; recorded is %s; counting goes on", self._camera, self._step.says)
        elif self._step is not before:
            log.info("%s: there may be time to record more; recorded is %s", self._camera, self._step.says)

    def _run(self) -> None:
        self._give_way()
        while not self._pictures.finished:
            try:
                letter = self._take()
                if letter is not None:
                    self._record_from(letter)
            except Closed:
                return

    def _give_way(self) -> None:
        """Counting has precedence: where the processor is short, this thread gets less of it, falls behind, and so is asked for less."""
        if self._live and sys.platform == "linux":  # a thread has a niceness of its own there
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

    def _take(self) -> _Letter | None:
        """The next picture; None for one that came while a failed recorder rests. Closed when there is none any more."""
        letter = self._pictures.take()
        assert letter is not None
        with self._pacing:
            return letter if self._pace.tries(letter[0].t_ns) else None

    def _record_from(self, letter: _Letter) -> None:
        """Record this picture and those that follow, until none comes or one cannot be written."""
        last = letter[0]
        try:
            with self._make() as recorder:
                while True:
                    last, picture, shrink = letter
                    recorder.record(last, picture, shrink=shrink)
                    self._written(last)
                    following = self._take()
                    if following is None:
                        return
                    letter = following
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001  said below, whatever it is; it must not end the camera
            self._failed(last, error)

    def _written(self, stamp: Stamp) -> None:
        with self._pacing:
            mended = self._pace.written(stamp.t_ns)
        if mended:
            log.info("%s: recording goes on", self._camera)
            self._why = ""

    def _failed(self, stamp: Stamp, error: Exception) -> None:
        with self._pacing:
            rest_s = self._pace.failed(stamp.t_ns)
        why = str(error) or type(error).__name__
        if why != self._why:  # once: it is tried again and again
            unforeseen = not isinstance(error, RecorderError)
            text = "%s: %s; counting goes on, recording is tried again in %.0f s and then at growing intervals"
            log.error(text, self._camera, why, rest_s, exc_info=unforeseen)
        self._why = why
