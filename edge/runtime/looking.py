"""A camera's painted picture for whoever looks at it now: it is asked for, so that nothing is painted while nobody looks. Who shows it is elsewhere."""

from __future__ import annotations

import threading
import time

from edge.data import U8


class LivePicture:
    """The newest picture of one camera. The camera's thread puts it in and never waits; any number of others look.

    Args:
        max_fps: at most so many pictures a second are asked for, however many look and however fast they are.
    """

    def __init__(self, *, max_fps: float) -> None:
        self._least_s = 1 / max_fps
        self._changed = threading.Condition()
        self._picture: U8 | None = None
        self._number = 0
        self._wanted = False
        self._due_s = 0.0

    @property
    def number(self) -> int:
        """How many pictures there were; what is shown next has a higher one."""
        return self._number

    @property
    def wants_picture(self) -> bool:
        """Whether somebody waits for a picture, and the last one is long enough ago."""
        return self._wanted and time.monotonic() >= self._due_s

    def put(self, picture: U8) -> None:
        """The newest picture, (H, W, 3) BGR, which nobody changes any more."""
        with self._changed:
            self._picture, self._number, self._wanted = picture, self._number + 1, False
            # From when it was due, not from now: else a camera of 15 frames a second would be shown at 7.5 where 10 are allowed.
            self._due_s = max(self._due_s + self._least_s, time.monotonic())
            self._changed.notify_all()

    def look(self, after: int, timeout_s: float) -> tuple[int, U8] | None:
        """The newest picture and its number, which is higher than `after`; None when there is none within the time.

        Asking is enough for the next frame to be painted: who cannot wait (`timeout_s` 0) finds it here when he asks again.
        """
        with self._changed:
            if self._number <= after:
                self._wanted = True
                self._changed.wait_for(lambda: self._number > after, timeout_s)
            return None if self._picture is None or self._number <= after else (self._number, self._picture)
