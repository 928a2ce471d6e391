"""RTSP servers of a test's own, each a process that can be killed, frozen and moved (what runs in it is `rtsp_server`). No test lives here."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.demo.broker import free_port

PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("rtsp_server.py")
PACKAGES = "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
PROBE = """
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert all(map(Gst.ElementFactory.find, ["videotestsrc", "x264enc", "rtph264pay"]))
"""


class Server:
    """A server process; `url` is what it serves first. Started again, it has the port it had, and the mounts it was told of last."""

    def __init__(self, *words: str, login: str = "", **mounts: str) -> None:
        """`mounts`: NAME="WIDTHxHEIGHT@FPS"; none for ``/bars``."""
        self.forms, self._words, self._port = mounts, words, free_port()
        self.start()
        self.base = f"rtsp://{login}127.0.0.1:{self._port}"
        self.url = f"{self.base}/{next(iter(mounts), 'bars')}"

    def start(self) -> None:
        """It listens when this returns."""
        mounts = [word for name, form in self.forms.items() for word in ("--mount", f"{name}={form}")]
        command = [PYTHON, str(PROGRAM), "--port", str(self._port), *mounts, *self._words]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self._port = int(self.process.stdout.readline())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def move(self, name: str, form: str, *, now: bool = True) -> None:
        """To another size and rate: `now`, in mid-stream, or when it is started again."""
        self.forms[name] = form
        if now:
            assert self.process.stdin is not None
            self.process.stdin.write(f"{name} {form}\n")
            self.process.stdin.flush()

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def serving() -> Iterator[Callable[..., Server]]:
    """`serve(*words, login="", **mounts)` -> a Server that ends with the block. Skips the test where no server can be had."""
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", PROBE], capture_output=True).returncode:
        pytest.skip(f"an RTSP server needs these packages: {PACKAGES}")
    servers: list[Server] = []

    def serve(*words: str, login: str = "", **mounts: str) -> Server:
        servers.append(Server(*words, login=login, **mounts))
        return servers[-1]

    try:
        yield serve
    finally:
        for server in servers:
            server.close()
