"""Wakes a thread that waits on sockets: what a condition variable is to others. It knows no protocol."""

from __future__ import annotations

import contextlib
import socket
import threading


class Doorbell:
    """Rung by anybody, answered by one thread, which can wait for it as for a socket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._button, self._bell = socket.socketpair()
        self._button.setblocking(False)
        self._bell.setblocking(False)
        self._open = True

    def fileno(self) -> int:
        """Readable while it has been rung and not answered."""
        return self._bell.fileno()

    def ring(self) -> None:
        """Ringing a closed one is harmless."""
        with self._lock:
            if self._open:
                with contextlib.suppress(BlockingIOError):  # full of earlier rings: it will be answered
                    self._button.send(b"!")

    def answer(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(4096)

    def close(self) -> None:
        with self._lock:
            self._open = False
            self._button.close()
            self._bell.close()
