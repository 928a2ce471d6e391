"""What is said of one camera: its link and its sight as the one state that is published. Who finds them out, and who is told, is elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge.scene import Eyesight

Link = Literal["starting", "live", "reconnecting", "failed", "ended"]
"""How a camera is reached; known to the thread that reads it."""
StateName = Literal["starting", "live", "reconnecting", "blind", "moved", "failed", "ended"]


@dataclass(frozen=True, slots=True)
class CameraState:
    """A state as it is published. `since_utc_ns`: when it began, None while the clock was never right; `gap_s`: nobody counted for so long before."""

    name: StateName = "starting"
    since_utc_ns: int | None = None
    why: str = ""
    gap_s: float | None = None


class StateBoard:
    """One camera's state, changed by two threads; `tell` hears of each new one, in the order in which they came, and of none twice.

    A link in trouble hides what its last pictures were good for; a picture that shows nothing cannot tell whether it has moved.
    """

    def __init__(self, utc_now_ns: Callable[[], int | None], tell: Callable[[CameraState], None]) -> None:
        self.now = CameraState()
        self._utc_now_ns, self._tell = utc_now_ns, tell
        self._link: tuple[Link, str] = ("starting", "")
        self._sight: tuple[Eyesight, str] = ("clear", "")
        self._lock = threading.Lock()

    def link(self, link: Link, why: str = "", gap_s: float | None = None) -> None:
        """The camera is reached in this way now. `gap_s` goes with what is told of it."""
        with self._lock:
            self._link = (link, why)
            self._say(gap_s)

    def sight(self, sight: Eyesight, why: str = "") -> None:
        """The camera's pictures are good for this now."""
        with self._lock:
            self._sight = (sight, why)
            self._say(None)

    def _say(self, gap_s: float | None) -> None:
        (link, link_why), (sight, sight_why) = self._link, self._sight
        name: StateName = link if link != "live" or sight == "clear" else sight
        why = link_why if name == link else sight_why
        before = self.now
        if (name, why) == (before.name, before.why) and gap_s is None:
            return
        since_utc_ns = before.since_utc_ns if name == before.name else self._utc_now_ns()
        self.now = CameraState(name, since_utc_ns, why, gap_s)
        self._tell(self.now)  # under the lock: what is told last is what holds
