"""What a service manager is told, by systemd's protocol: ready, what is at work, still alive, ending. Whether work advances is the watchdog's to know.

A datagram to the socket that NOTIFY_SOCKET names (sd_notify(3)); without one nothing is said, and nobody needs systemd.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from edge.app.warming import SILENT_S
from edge.engine import Progress
from edge.runtime.watchdog import Watchdog

log = logging.getLogger(__name__)

_STATUS_S = 10.0
"""Between two words on how it is going, where no watchdog asks for them more often."""


class ServiceManager:
    """Who started this process and asked to hear of it; nobody, where `address` is ''. Called by one thread, and never waits.

    Args:
        address: of a socket in the file system, or behind an ``@`` in the abstract name space.
        watchdog_s: without a ping for so long the process is killed and started again; None where nobody waits for one.
    """

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._patience_s = None if watchdog_s is None else watchdog_s / 2
        # Four times in its interval: a ping may be late by a slow disk or two and is still in time.
        self._every_s = _STATUS_S if watchdog_s is None else min(_STATUS_S, watchdog_s / 4)
        self._said_s: float | None = None
        self._counted = self._live = 0
        self._was_stuck = False
        self._unheard = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> ServiceManager:
        """As systemd says it. A ping is owed only by the process that WATCHDOG_PID names: children inherit the environment."""
        told = os.environ if environment is None else environment
        watchdog_us = told.get("WATCHDOG_USEC", "")
        asked = watchdog_us.isdecimal() and int(watchdog_us) > 0 and told.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return cls(told.get("NOTIFY_SOCKET", ""), int(watchdog_us) * 1e-6 if asked else None)

    def warming(self, progress: Progress) -> None:
        """An engine is being built; starting takes longer, and is no failure."""
        left = "" if progress.left_s is None else f", about {progress.left_s:.0f} s left"
        status = f"STATUS={progress.what or 'Building'}: {100 * progress.share:.0f} %{left}"
        self._say(f"EXTEND_TIMEOUT_USEC={round(SILENT_S * 1e6)}", status)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Ready when all parts are open: that a camera gives frames is not waited for, it may be away for days. Stopping at the end, however it ends."""
        self._say("READY=1", "STATUS=All parts are open")
        try:
            yield
        finally:
            self._say("STOPPING=1", "STATUS=Stopping: what was counted is committed, and the broker gets what is left")

    def tick(self, now_s: float, watchdog: Watchdog) -> None:
        """A few times a second: how it is going, and, as long as no camera is stuck, a ping."""
        live = [gauges.state for gauges in watchdog.cameras.values()].count("live")
        if not self._address or (self._said_s is not None and now_s - self._said_s < self._every_s and live == self._live):
            return
        counted = sum(gauges.frames_processed for gauges in watchdog.cameras.values())
        rate = 0.0 if self._said_s is None else (counted - self._counted) / (now_s - self._said_s)
        self._said_s, self._counted, self._live = now_s, counted, live
        stuck = "" if self._patience_s is None else watchdog.stuck(self._patience_s)
        if stuck and not self._was_stuck:
            log.error("%s; if that does not change, the service manager ends this process and starts it again", stuck)
        self._was_stuck = bool(stuck)
        if stuck:
            self._say(f"STATUS=Stuck: {stuck}")
            return
        status = f"STATUS={live} of {len(watchdog.cameras)} cameras live, {rate:.1f} frames counted on a second"
        self._say(*([] if self._patience_s is None else ["WATCHDOG=1"]), status)

    def _say(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.connect(self._address)
                sender.send("\n".join(lines).encode())
        except OSError as error:
            if not self._unheard:
                log.warning("the service manager does not hear us at %s: %s", self._address.replace("\0", "@"), error)
            self._unheard = True
