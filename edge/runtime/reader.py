"""One camera's source: opened, read, opened again for ever, abandoned when it hangs. What becomes of its frames is not known here."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from edge.data import Frame
from edge.errors import EdgeError, SourceError, SourceHeld, SourceTimeout
from edge.ports import Source, SourceFacts
from edge.runtime.mailbox import Closed

log = logging.getLogger(__name__)

PATIENCE_S = 45.0
"""How long a call into a source may take: longer than all of its own timeouts together (5 s to connect, 20 s more for a first whole picture,
some for closing what failed)."""
_FIRST_PAUSE_S = 0.5
_FAREWELL_S = 6.0
"""When all is stopped: a source that waits for a silent camera says so in 5 s, and a container is killed 10 s after it was asked to end."""
_LOOK_S = 0.5
_MOST_HUNG = 3
_LAST_RESORT_S = 300.0
"""A hung reader may hold the very device (a USB or CSI camera) that its successors ask for in vain: only the process's end frees it."""


@dataclass(frozen=True, slots=True)
class ReaderParts:
    """What a reader asks and tells. All but `on_lost` is called by the thread that is in the source; an abandoned one tells nothing."""

    name: str
    open: Callable[[], Source]
    """The source, not entered yet, where reading is to go on."""
    on_opened: Callable[[SourceFacts], None]
    on_frame: Callable[[Frame, bool], None]
    """Takes a frame (and whether it is the first since the opening); Closed says that nobody wants more, and is how reading is stopped."""
    on_lost: Callable[[str], None]
    """Is told why the source is gone, before the pause, by the thread that called `read`."""
    live: bool
    """Whether it is a camera, as far as its address says; an opened source knows better. Only a camera is opened again, and abandoned."""
    must_open: bool
    """Whether it is an error when the first opening fails."""
    max_pause_s: float
    patience_s: float = PATIENCE_S


class Reader:
    """Reads one source after another until there is nothing to read, nobody who wants it, or no use in going on."""

    def __init__(self, parts: ReaderParts, stopping: threading.Event) -> None:
        self._parts, self._stopping = parts, stopping
        self._hung: list[Life] = []
        self._facts: SourceFacts | None = None
        self._last_frame_s = 0.0

    def read(self) -> bool:
        """Whether the source came to its end; False when it was stopped before.

        SourceError: what does not reopen has failed, or so much hangs that only a new process mends it. What `on_frame` raised is raised.
        """
        parts = self._parts
        pause_s = first_pause_s = min(_FIRST_PAUSE_S, parts.max_pause_s)
        self._last_frame_s = time.monotonic()
        while not self._stopping.is_set():
            life = Life(parts.name, parts.open, self._opened, parts.on_frame)
            why = self._follow(life)
            if isinstance(life.fault, Closed) or (life.abandoned and self._stopping.is_set()):
                return False
            if life.fault is not None:
                raise life.fault
            if why is None and not self._live:
                return True
            if self._stopping.is_set():
                return False
            # A camera that gives a frame and dies has not earned a short pause: it must have lived as long as the longest.
            if life.gave_s >= parts.max_pause_s:
                pause_s = first_pause_s
            why = why or "the stream ended"
            log.warning("%s: %s; trying again in %.1f s", parts.name, why, pause_s)
            parts.on_lost(why)
            self._stopping.wait(pause_s * random.uniform(0.7, 1.0))
            pause_s = min(pause_s * 2, parts.max_pause_s)
        return False

    @property
    def _live(self) -> bool:
        return self._facts.live if self._facts is not None else self._parts.live

    def _opened(self, facts: SourceFacts) -> None:
        self._facts = facts
        self._parts.on_opened(facts)

    def _follow(self, life: Life) -> str | None:
        """Stay by one life of the source; why it is over, None where it came to its end or was stopped. Raises what nothing here mends."""
        parts = self._parts
        life.start()
        hangs = not life.wait(lambda: parts.patience_s if self._live else math.inf, self._stopping)
        if life.last_frame_s is not None:
            self._last_frame_s = life.last_frame_s
        # Taken out of it: a life that keeps its error is a ring (its traceback knows the life), and with it a decoder stays until the collector comes.
        error, life.error = life.error, None
        if hangs:
            self._hung.append(life)
            if self._stopping.is_set():
                log.warning("%s: its source does not come back; the process ends without it", parts.name)
                return None
            error = SourceTimeout(f"its source hangs: a call has not come back for {parts.patience_s:g} s, and is left behind")
        if error is None or life.fault is not None:
            return None
        reopens = self._live and (self._facts is not None or not parts.must_open)
        if not reopens or (isinstance(error, EdgeError) and not isinstance(error, SourceError)):
            raise error
        self._give_up_if_held(error)
        if isinstance(error, SourceError):
            return str(error)
        log.error("%s: its source failed in a way that nobody foresaw", parts.name, exc_info=error)
        return f"its source failed: {type(error).__name__}: {error}"

    def _give_up_if_held(self, error: Exception) -> None:
        """SourceError where what hangs cannot be waited out: a thread inside a vendor's library cannot be ended from outside."""
        self._hung = [life for life in self._hung if not life.over]
        silent_s = time.monotonic() - self._last_frame_s
        if isinstance(error, SourceHeld) and silent_s > _LAST_RESORT_S:
            raise error
        if len(self._hung) > _MOST_HUNG or (self._hung and silent_s > _LAST_RESORT_S):
            raise SourceError(
                f"camera {self._parts.name}: {len(self._hung)} of its readers hang in their source and it has given nothing for {silent_s:.0f} s;"
                " only a new process frees what they hold: what was counted is kept, let the service manager start this one again"
            )


class Life:
    """One opening of a source, in a thread of its own, until the source ends or fails, nobody takes its frames, or it is abandoned.

    The thread is a daemon: a call that never comes back must not keep the process. One that comes back late closes its source and gives nothing.
    """

    def __init__(
        self,
        name: str,
        open: Callable[[], Source],
        on_opened: Callable[[SourceFacts], None],
        on_frame: Callable[[Frame, bool], None],
    ) -> None:
        self._open, self._on_opened, self._on_frame = open, on_opened, on_frame
        self.error: Exception | None = None
        """What the source raised."""
        self.fault: Exception | None = None
        """What those who take its frames raised; Closed where they want no more."""
        self._first_frame_s: float | None = None
        self.last_frame_s: float | None = None
        self._lock = threading.Lock()
        self._inside_since_s: float | None = time.monotonic()
        self.abandoned = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def over(self) -> bool:
        return self._over.is_set()

    @property
    def gave_s(self) -> float:
        """Seconds from its first frame to its last."""
        return 0.0 if self._first_frame_s is None or self.last_frame_s is None else self.last_frame_s - self._first_frame_s

    def wait(self, patience_s: Callable[[], float], stopping: threading.Event) -> bool:
        """True when it is over; False when it was abandoned: a call into the source took longer than it may."""
        until_s = math.inf
        while not self._over.wait(_LOOK_S):
            now_s = time.monotonic()
            if stopping.is_set():
                until_s = min(until_s, now_s + _FAREWELL_S)
            if self._abandon(now_s, now_s > until_s, patience_s()):
                return False
        self._thread.join()
        return True

    def _abandon(self, now_s: float, anyway: bool, patience_s: float) -> bool:
        with self._lock:
            hangs = self._inside_since_s is not None and now_s - self._inside_since_s > patience_s
            self.abandoned = anyway or hangs
            return self.abandoned

    def _run(self) -> None:
        try:
            with self._open() as source:
                if not self._tell(partial(self._on_opened, source.facts)):
                    return
                for frame in source:
                    if not self._tell(partial(self._give, frame)):
                        frame.close()
                        return
        except Exception as error:  # noqa: BLE001  whatever a source raises, the reader decides what it means
            if self.fault is None and not self.abandoned:  # nobody asks any more
                self.error = error
        finally:
            self._over.set()

    def _give(self, frame: Frame) -> None:
        now_s = time.monotonic()
        first = self._first_frame_s is None
        if first:
            self._first_frame_s = now_s
        self.last_frame_s = now_s
        self._on_frame(frame, first)

    def _tell(self, say: Callable[[], None]) -> bool:
        """Back from the source: say something, and go in again. False where nobody listens: nothing more is to be given."""
        with self._lock:
            if self.abandoned:
                return False
            self._inside_since_s = None  # from here on it cannot be abandoned
        try:
            say()
        except Exception as fault:  # noqa: BLE001  raised again in the reader's thread
            self.fault = fault
            return False
        finally:
            with self._lock:
                self._inside_since_s = time.monotonic()
        return True
