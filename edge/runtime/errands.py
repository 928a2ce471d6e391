"""What another thread wants of a camera between two of its frames: its empty scene, its present picture, a reset. Bounded, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from edge.data import Frame, Result

if TYPE_CHECKING:
    from edge.runtime.session import Session

T = TypeVar("T")

_ROOM = 4


class Unattended(Exception):
    """The camera's thread did not get to it: it has no frame yet, or none comes, or it has ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A camera's present frame, while it is held (what is kept of its pixels is to be copied), and what was found in it."""

    frame: Frame
    result: Result


@dataclass(frozen=True, slots=True)
class _Errand:
    done: Future[Any]
    work: Callable[[Session, Sight | None], Any]
    needs_sight: bool


class Errands:
    """One camera's; `ask` is called by others, `run` by the thread that works on its frames."""

    def __init__(self) -> None:
        self._waiting: deque[_Errand] = deque()
        self._lock = threading.Lock()
        self._closed = False

    def ask(self, work: Callable[[Session, Sight | None], T], *, needs_sight: bool = False, timeout_s: float = 3.0) -> T:
        """What `work` returns or raises, done in the camera's thread, with a frame at hand if it needs one.

        Raises Unattended when it was not begun in time; it is not done later then.
        """
        done: Future[T] = Future()
        errand = _Errand(done, work, needs_sight)
        with self._lock:
            if self._closed or len(self._waiting) >= _ROOM:
                raise Unattended
            self._waiting.append(errand)
        try:
            return done.result(timeout_s)
        except FutureTimeout:
            if done.cancel():
                with self._lock, contextlib.suppress(ValueError):
                    self._waiting.remove(errand)
                raise Unattended from None
            return done.result()  # begun just now: it must not be done without anybody knowing
        except CancelledError:
            raise Unattended from None

    def run(self, session: Session, sight: Sight | None = None) -> None:
        """Do what waits. Costs nothing when nothing does."""
        if not self._waiting:
            return
        with self._lock:
            ready = [errand for errand in self._waiting if sight is not None or not errand.needs_sight]
            for errand in ready:
                self._waiting.remove(errand)
        for errand in ready:
            if errand.done.set_running_or_notify_cancel():
                try:
                    errand.done.set_result(errand.work(session, sight))
                except Exception as error:  # noqa: BLE001  it belongs to whoever asked, not to the camera
                    errand.done.set_exception(error)

    def close(self) -> None:
        """Nothing will be done any more; who waits is told."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
        for errand in waiting:
            errand.done.cancel()
            errand.done.set_running_or_notify_cancel()
