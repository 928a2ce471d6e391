"""Time: one clock maps the monotonic time of a boot to UTC, and notices each step of the system clock. Nothing else reads a clock.

A timeline has one offset at a time. When the system clock steps (a Jetson boots in 1970 and is set later, somebody corrects the hour), the
newest right offset holds for the whole boot, for monotonic time did not step: so no minute is lost or doubled, whatever the clock did.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

MINUTE_NS = 60_000_000_000
_STEP_NS = 500_000_000
"""A jump of the offset by more than this is a step, less is drift."""
_EVER = -(2**62)
_STEPS = 16
"""So many steps are remembered: no frame waits longer than a few."""
_RIGHT_SINCE_NS = 1_767_225_600_000_000_000
"""2026-01-01: a system clock that shows an earlier time is not set yet."""
_RIGHT_UNTIL_NS = _RIGHT_SINCE_NS + 30 * 365 * 86_400_000_000_000


def this_boot() -> str:
    """An id of this boot of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux: time since boot tells boots apart well enough
        return f"boot-{(time.time_ns() - time.monotonic_ns()) // 10_000_000_000}"


class Clock:
    """Reads the system's two clocks; `observe` is called about once a second, and tells who asked to know of a new offset."""

    def __init__(
        self,
        *,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        system_ns: Callable[[], int] = time.time_ns,
        on_offset: Callable[[int, bool, int | None], None] = lambda offset_ns, known, step_at_ns: None,
        remembered: tuple[int, bool, int | None] | None = None,
    ) -> None:
        """`remembered`: the offset, whether it is known, and when the clock stepped to it, of an earlier process of this boot: its minutes go on."""
        self._monotonic_ns, self._system_ns = monotonic_ns, system_ns
        self._on_offset = on_offset
        self._lock = threading.Lock()
        self.offset_ns, self.known, since_ns = remembered or (0, False, None)
        self._begun = remembered is not None
        # Since when which offset has ruled where minutes begin. A frame from before a step keeps to the minutes of its time.
        self._minutes: tuple[tuple[int, int], ...] = ((_EVER, self.offset_ns),)
        if since_ns is not None:
            self._minutes += ((since_ns, self.offset_ns),)
        self._untold: list[tuple[int, bool, int | None]] = []
        self._warned_ns: int | None = None

    def now_ns(self) -> int:
        """Monotonic nanoseconds."""
        return self._monotonic_ns()

    def utc_now_ns(self) -> int | None:
        return self.offset_ns + self.now_ns() if self.known else None

    def observe(self) -> None:
        """Compare the clocks; on a step, or when the system clock has become right, take its offset.

        What `on_offset` raises is raised here, and it is told again at the next call.
        """
        with self._lock:
            self._compare()
            while self._untold:
                self._on_offset(*self._untold[0])
                del self._untold[0]

    def minute(self, t_ns: int) -> tuple[int, int]:
        """The minute of UTC around a moment, as the clock had it then: cut where it stepped."""
        until_ns: int | None = None
        for since_ns, offset_ns in reversed(self._minutes):
            if t_ns >= since_ns:
                t0_ns, t1_ns = _minute(t_ns, offset_ns)
                return max(t0_ns, since_ns), t1_ns if until_ns is None else min(t1_ns, until_ns)
            until_ns = since_ns
        raise AssertionError("the first offset has ruled for ever")

    def _compare(self) -> None:
        t_ns = self._monotonic_ns()
        system_ns = self._system_ns()
        offset_ns = system_ns - t_ns
        right = _RIGHT_SINCE_NS <= system_ns < _RIGHT_UNTIL_NS
        if self._begun and abs(offset_ns - self.offset_ns) <= _STEP_NS and (self.known or not right):
            return
        if self.known and not right:
            if self._warned_ns is None or t_ns - self._warned_ns > MINUTE_NS:
                log.warning(
                    "the system clock jumped to a time that cannot be (%d s since 1970); the time from before goes on", system_ns // 10**9
                )
                self._warned_ns = t_ns
            return
        if self._begun:
            log.warning("the system clock stepped by %+.1f s", (offset_ns - self.offset_ns) * 1e-9)
            # From the next moment on: a frame of this very one has its minute already, and no two minutes may begin together.
            since_ns = t_ns + 1
            (_, oldest), *later = self._minutes[-_STEPS:]
            self._minutes = ((_EVER, oldest), *later, (since_ns, offset_ns))
            self._untold.append((offset_ns, right, since_ns))
        else:
            self._minutes = ((_EVER, offset_ns),)
            self._untold.append((offset_ns, right, None))
        self.offset_ns, self.known, self._begun = offset_ns, right, True


class BootTimeline:
    """ports.Timeline of live cameras: monotonic time of this boot."""

    def __init__(self, clock: Clock, boot_id: str) -> None:
        self.id = boot_id
        self._clock = clock

    def utc_ns(self, t_ns: int) -> int | None:
        return self._clock.offset_ns + t_ns if self._clock.known else None

    def window(self, t_ns: int) -> tuple[int, int]:
        return self._clock.minute(t_ns)


class MediaTimeline:
    """ports.Timeline of a file: its own media time, from the moment it was filmed."""

    def __init__(self, id: str, start_utc_ns: int) -> None:
        self.id = id
        self.start_utc_ns = start_utc_ns

    def utc_ns(self, t_ns: int) -> int:
        return self.start_utc_ns + t_ns

    def window(self, t_ns: int) -> tuple[int, int]:
        return _minute(t_ns, self.start_utc_ns)


def _minute(t_ns: int, offset_ns: int) -> tuple[int, int]:
    """The minute of UTC around a moment, on its timeline."""
    t0_ns = (t_ns + offset_ns) // MINUTE_NS * MINUTE_NS - offset_ns
    return t0_ns, t0_ns + MINUTE_NS
