"""How frames wait between two threads: the newest only (live cameras), or all of them with the writer held back (files)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """Nothing more will come: the writer closed the mailbox and all was read, or the reader did."""


class Mailbox(Generic[T]):
    """One writer, one reader. With `newest`, a full box drops its oldest letter (`on_drop` gets it); else `put` waits."""

    def __init__(
        self, room: int, *, newest: bool, on_drop: Callable[[T], None] = lambda _: None, on_change: Callable[[], object] = lambda: None
    ):
        """`on_change` is called, outside the lock, whenever a letter came or went or the box closed."""
        self._letters: deque[T] = deque()
        self._room, self._newest, self._on_drop, self._on_change = room, newest, on_drop, on_change
        self._changed = threading.Condition()
        self._closed = False
        self.dropped = 0

    def keep_newest(self) -> None:
        """From now on only the newest letter waits: who writes turned out to be a camera."""
        with self._changed:
            self._room, self._newest = 1, True
            while len(self._letters) > 1:
                self._on_drop(self._letters.popleft())
                self.dropped += 1

    def put(self, letter: T) -> None:
        """Raises Closed when the box was closed."""
        with self._changed:
            if not self._newest:
                self._changed.wait_for(lambda: self._closed or len(self._letters) < self._room)
            if self._closed:
                raise Closed
            if len(self._letters) >= self._room:
                self._on_drop(self._letters.popleft())
                self.dropped += 1
            self._letters.append(letter)
            self._changed.notify_all()
        self._on_change()

    def take(self, timeout_s: float | None = None) -> T | None:
        """The oldest letter; None when there is none within the time; Closed when there never will be one."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._letters), timeout_s)
            if not self._letters:
                if self._closed:
                    raise Closed
                return None
            letter = self._letters.popleft()
            self._changed.notify_all()
        self._on_change()
        return letter

    def close(self, *, discard: bool = False) -> None:
        """Nothing more may be put; what is inside can still be taken, unless it is to be discarded."""
        with self._changed:
            self._closed = True
            if discard:
                while self._letters:
                    self._on_drop(self._letters.popleft())
            self._changed.notify_all()
        self._on_change()

    # Both are asked several times a frame, and by one who acts on the answer later anyway: no lock would make it any truer.

    @property
    def has_room(self) -> bool:
        return len(self._letters) < self._room or self._closed

    @property
    def finished(self) -> bool:
        """Closed, and all was taken."""
        return self._closed and not self._letters  # in this order: what is closed gets no letter any more
