"""A camera that is looked at, and those who look, for the tests of the page. No test lives here."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from edge.runtime.looking import LivePicture
from edge.sinks.options_view import ViewOptions
from edge.sinks.view import ViewPage, Watched
from edge.sinks.view_page import CameraNow

NOW = CameraNow("live", fps=14.9, lines={"entrance": (12, 8)}, zones={"till": 3})
SIDE = 64


class Eyes:
    """A camera's thread: puts a picture of noise whenever one is wanted; gives nothing while `alive` is False."""

    def __init__(self, *, side: int = SIDE) -> None:
        self.pictures, self.alive = LivePicture(max_fps=1000), True
        self._noise = np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="eyes")

    def __enter__(self) -> Eyes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.002):
            if self.alive and self.pictures.wants_picture:
                self.pictures.put(self._noise)


@contextmanager
def page_at(eyes: Eyes, now: CameraNow = NOW, **options: Any) -> Iterator[ViewPage]:
    with ViewPage(ViewOptions(port=0, **options), "shop-7", {"door": Watched(eyes.pictures, lambda: now)}) as page:
        yield page


def asked(page: ViewPage, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


class Stream:
    """Somebody who looks at moving pictures."""

    def __init__(self, page: ViewPage, *, receive_bytes: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", page.port))
        self.socket.sendall(b"GET /door.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def status(self) -> int:
        """Reads the head."""
        code = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass
        return code

    def picture(self) -> bytes:
        """Reads one part."""
        assert self.file.readline() == b"--picture\r\n"
        assert self.file.readline() == b"Content-Type: image/jpeg\r\n"
        length = int(self.file.readline().removeprefix(b"Content-Length: "))
        assert self.file.readline() == b"\r\n"
        data = self.file.read(length)
        assert self.file.readline() == b"\r\n"
        return data


def has_room(page: ViewPage) -> bool:
    """Whether one more may look."""
    with Stream(page) as stream:
        return stream.status() == 200
