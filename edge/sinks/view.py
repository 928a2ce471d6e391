"""The cameras at work as a browser sees them: a page, moving pictures, stills, over HTTP. What is on a picture, and what is said of it, comes from outside.

Moving pictures are MJPEG (`multipart/x-mixed-replace`), which an `<img>` shows. A viewer has a thread of its own, which waits for the newest
picture and sends it; one that is slow skips pictures, and one that does not take a picture for some seconds is let go. Neither a camera nor
another viewer ever waits for it. Pictures are painted only while somebody asks for them, and made a JPEG once for all who do.

There is no password, so that what a browser on this machine may be led to matters: only requests under a known name are answered (a page
from elsewhere that has its own name point here, DNS rebinding, has another), and no other site may embed a picture.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import select
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Protocol

from edge.data import U8
from edge.errors import UsageError
from edge.sinks.options_view import ViewOptions
from edge.sinks.picture import encode, not_wider
from edge.sinks.view_page import CameraNow, page_of

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0
"""So long may a request take to come, and a picture to be taken."""
_WAIT_S = 0.5
"""How long a viewer's thread sleeps at most before it looks whether there still is a viewer, and a page."""
_STILL_S = 3.0
"""How long a still waits for the camera's next frame."""
_SPARE = 8
"""Connections besides moving pictures: the page, stills."""
_SEND_BYTES = 1 << 16
"""What the kernel holds for a slow viewer: with more he would look further into the past."""
_MOST_BYTES = 4_000_000
_BOUNDARY = b"--picture\r\n"


class Pictures(Protocol):
    """A camera's painted pictures, painted only when asked for."""

    @property
    def number(self) -> int:
        """How many there were."""

    def look(self, after: int, timeout_s: float) -> tuple[int, U8] | None:
        """The newest picture, (H, W, 3) BGR, and its number, higher than `after`; None when none came in time."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A camera that can be looked at: its pictures, and what is said of it at this moment."""

    pictures: Pictures
    now: Callable[[], CameraNow]


class _Jpegs:
    """One camera's pictures as JPEG, each made once however many want it."""

    def __init__(self, pictures: Pictures, max_width: int) -> None:
        self._pictures, self._max_width = pictures, max_width
        self._making = threading.Lock()
        self._made: tuple[int, bytes] = (0, b"")

    @property
    def number(self) -> int:
        return self._pictures.number

    def look(self, after: int, timeout_s: float) -> tuple[int, bytes] | None:
        seen = self._pictures.look(after, timeout_s)
        if seen is None:
            return None
        number, picture = seen
        with self._making:
            if number > self._made[0]:
                self._made = number, encode(not_wider(picture, self._max_width), max_bytes=_MOST_BYTES)[0]
            return self._made


class ViewPage:
    """Serves `/`, and for each camera `/NAME.mjpg` and `/NAME.jpg`. A context manager; entering it listens, and raises UsageError where it cannot.

    Args:
        device: the device's name.
        cameras: what can be looked at, by name.
    """

    def __init__(self, options: ViewOptions, device: str, cameras: Mapping[str, Watched]) -> None:
        self._options, self._device, self._cameras = options, device, cameras
        self._jpegs = {name: _Jpegs(camera.pictures, options.max_width) for name, camera in cameras.items()}
        host = socket.gethostname().lower()
        self._names = {"localhost", host, f"{host}.local", options.host.lower(), *options.names}
        self._places = threading.BoundedSemaphore(options.viewers)
        self._closing = threading.Event()

    def __enter__(self) -> ViewPage:
        host, port = self._options.host, self._options.port
        try:
            self._server = _Server(host, port, self, connections=self._options.viewers + _SPARE)
        except OSError as error:
            raise UsageError(f"the view cannot listen at {host}:{port} ({error.strerror}); choose another `view.port`") from error
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="view", daemon=True)
        self._thread.start()
        log.info("the cameras can be looked at: http://%s:%d/", f"[{host}]" if ":" in host else host, self.port)
        if not self._options.on_this_machine:
            log.warning("whoever reaches %s port %d sees the cameras' pictures, people included: the view has no password", host, self.port)
        return self

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()  # waits for the viewers' threads
        self._thread.join()

    # Called in a connection's own thread

    def answer(self, asked: _Asked) -> None:
        """Answer one request."""
        path = asked.path.partition("?")[0]
        name, _, kind = path[1:].rpartition(".")
        if not self._is_known(asked.headers.get("Host", "")):
            asked.send_error(403, "this name is not mine; an address, localhost or view.names is wanted")
        elif asked.headers.get("Sec-Fetch-Site") == "cross-site" and asked.headers.get("Sec-Fetch-Mode") != "navigate":
            asked.send_error(403, "other sites may not show these pictures")
        elif path == "/":
            nonce = secrets.token_urlsafe(12)
            page = page_of(self._device, {name: camera.now() for name, camera in self._cameras.items()}, nonce)
            policy = f"default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'"
            self._whole(asked, "text/html; charset=utf-8", page.encode(), policy + "; base-uri 'none'; form-action 'none'")
        elif name not in self._jpegs or kind not in ("jpg", "mjpg"):
            asked.send_error(404, "there is only / and for each camera /NAME.mjpg and /NAME.jpg")
        elif kind == "jpg":
            jpegs = self._jpegs[name]
            still = jpegs.look(jpegs.number, _STILL_S)
            if still is None:
                asked.send_error(503, "the camera gives no pictures now")
            else:
                self._whole(asked, "image/jpeg", still[1])
        elif not self._places.acquire(blocking=False):
            asked.send_error(503, "as many look already as view.viewers allows")
        else:
            try:
                self._stream(asked, self._jpegs[name])
            finally:
                self._places.release()

    def _stream(self, asked: _Asked, jpegs: _Jpegs) -> None:
        """Picture after picture until the viewer goes, or the page."""
        _begin(asked, "multipart/x-mixed-replace; boundary=picture")
        asked.wfile.write(_BOUNDARY)
        after = jpegs.number  # what was painted for somebody earlier is old
        while not self._closing.is_set():
            shown = jpegs.look(after, _WAIT_S)
            if shown is not None:
                after, data = shown
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n".encode()
                # The boundary at once: browsers show a picture when they know that it is over.
                asked.wfile.write(head + data + b"\r\n" + _BOUNDARY)
            elif _is_gone(asked.connection):
                return

    @staticmethod
    def _whole(asked: _Asked, content_type: str, body: bytes, policy: str = "default-src 'none'") -> None:
        _begin(asked, content_type, {"Content-Length": str(len(body)), "Content-Security-Policy": f"{policy}; frame-ancestors 'none'"})
        asked.wfile.write(body)

    def _is_known(self, host: str) -> bool:
        """Whether a request's Host is an address or a name of this device: a name that somebody else made point here is neither."""
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.lower().removesuffix(".") in self._names
        return True


def _begin(asked: _Asked, content_type: str, more: Mapping[str, str] | None = None) -> None:
    """The head of an answer that is a success."""
    asked.send_response(200)
    safe = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-site"}
    for key, value in {"Content-Type": content_type, **safe, **(more or {})}.items():
        asked.send_header(key, value)
    asked.end_headers()


def _is_gone(connection: socket.socket) -> bool:
    """Whether the other end has hung up: it says nothing any more, so what can be read is the end."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


class _Asked(BaseHTTPRequestHandler):
    """One request. HTTP/1.0: a connection each, so that none is held by one who asks nothing."""

    timeout = _PATIENCE_S
    server: _Server
    server_version, sys_version = "edge", ""

    def do_GET(self) -> None:
        self.server.page.answer(self)

    def log_message(self, format: str, *args: object) -> None:
        log.debug("view: %s", format % args)


class _Server(ThreadingHTTPServer):
    """A thread a connection, of which there are not more than `connections`."""

    daemon_threads = False
    request_queue_size = 16

    def __init__(self, host: str, port: int, page: ViewPage, *, connections: int) -> None:
        self.page = page
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._room = threading.BoundedSemaphore(connections)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((host, port), _Asked)

    def server_bind(self) -> None:
        """Without asking for the host's full name, as HTTPServer does: a name server that is away would keep the start waiting."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(timeout=1.0):
            self.shutdown_request(request)
            return
        try:
            request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().process_request(request, client_address)
        except BaseException:  # gone already, or no thread is to be had
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)
            self._room.release()

    def hang_up(self) -> None:
        """End every connection, also one whose other end takes nothing."""
        with self._lock:
            for request in self._open:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    log.debug("a viewer was gone already", exc_info=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up in the middle is no matter for the log; what is wrong here is."""
        if isinstance(sys.exc_info()[1], OSError):
            log.debug("a viewer was lost", exc_info=True)
        else:
            log.exception("a request for the view failed")
