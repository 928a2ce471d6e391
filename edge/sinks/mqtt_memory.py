"""What a publisher remembers from one connection to the next: what the broker does not take, who else uses our name. It speaks to nobody but the log."""

from __future__ import annotations

import json
import logging
import time
from collections import deque

log = logging.getLogger(__name__)

_LEAST_SUSPECT = 16_384
"""Smaller messages are not suspected of breaking a line: no broker minds them, and events and counts are far smaller."""
_STRIKES = 3
"""A line that broke so often under the same large message, and nothing else came through, broke for it."""

_MOST_MET = 16
"""Others that are told apart on one connection: more are no devices, but somebody who makes them up."""

_LEARNED_S = 86_400.0
"""How long a limit that was found out, not said, is believed: a bad line may have been taken for it."""
_NAMESAKE_S = 3600.0
_WARY_S = 3600.0


class Memory:
    """The experience of one publisher.

    Attributes:
        connects: how many connections were made.
        left_out: how many messages were larger than the broker takes.
        crowded: the namesake was noticed on this very connection.
        spoke: we have said our birth, so the status at the broker was ours once.
    """

    def __init__(self, birth: bytes, base_topic: str) -> None:
        self.connects = 0
        self.left_out = 0
        self._said_bytes: int | None = None
        self._learned_bytes: int | None = None
        self._learned_s = 0.0  # when, monotonic
        self._namesake = ""
        self._noticed_s = 0.0  # when, monotonic
        self.crowded = False
        self.spoke = False
        self._base = base_topic
        self._own = who_says(birth)[1]
        self._suspect = 0
        self._strikes = 0
        self._rebuffs: deque[float] = deque(maxlen=_STRIKES)  # when, monotonic
        self._told: set[str] = set()
        self._met: set[str] = set()

    @property
    def most_bytes(self) -> int | None:
        """The largest payload the broker is thought to take, by its word or by a day's experience; None while nothing is known."""
        fresh = time.monotonic() - self._learned_s < _LEARNED_S
        limits = [limit for limit in (self._said_bytes, self._learned_bytes if fresh else None) if limit is not None]
        return min(limits, default=None)

    @property
    def namesake(self) -> str:
        """A sentence about another device of our name that was noticed within the last hour; '' for none."""
        return self._namesake if time.monotonic() - self._noticed_s < _NAMESAKE_S else ""

    def broke(self, heaviest: int, *, progress: bool, away: bool = False) -> None:
        """A connection was lost while messages were unanswered, the `heaviest` of so many bytes; `away`: one not below our own topics."""
        if away:
            self.note_rebuff()
        if progress or heaviest < _LEAST_SUSPECT:
            self._strikes = 0
            return
        self._strikes = self._strikes + 1 if heaviest == self._suspect else 1
        self._suspect = heaviest
        if self._strikes >= _STRIKES:
            self.lower(heaviest)

    def lower(self, refused: int) -> None:
        """A payload of `refused` bytes was too large. The next is to be clearly smaller: a broker's limit may be on the whole packet."""
        self._learned_bytes, self._learned_s = min(self.most_bytes or refused, refused * 3 // 4), time.monotonic()
        self._strikes = 0
        self._told.clear()

    def takes(self, payload: bytes) -> bool:
        most = self.most_bytes
        return most is None or len(payload) <= most

    def leave_out(self, topic: str, size: int) -> None:
        """A message is not sent, or was not taken, for its size; said once a topic."""
        self.left_out += 1
        if topic not in self._told:
            self._told.add(topic)
            log.error("the broker takes no message as large as the %d bytes for %s; it is left out", size, topic)

    @property
    def wary(self) -> bool:
        """Messages on topics that are not below our own have cost connections: none goes there for an hour."""
        return len(self._rebuffs) == _STRIKES and time.monotonic() - self._rebuffs[0] < _WARY_S

    def note_rebuff(self) -> None:
        """An answer on a topic that is not below our own was not let through, or the line broke under it.

        Mosquitto up to 2.0.11 ends the connection over a message that its rules deny, so whoever may ask could end it again and again.
        """
        self._rebuffs.append(time.monotonic())
        if self.wary:
            log.warning(
                "the broker does not let us speak elsewhere than below %s; for an hour no answer and no announcement goes there", self._base
            )

    def meet(self, stream: str | None) -> bool:
        """Somebody speaks on our status topic -> whether it is another device, and one that was not met on this connection."""
        if stream is None or self._own is None or stream == self._own:
            return False
        self.note_namesake(f"its stream is {stream}")
        if stream in self._met or len(self._met) >= _MOST_MET:
            return False
        self._met.add(stream)
        return True

    def note_namesake(self, known_by: str) -> None:
        self.crowded = True
        known = self.namesake
        self._noticed_s = time.monotonic()
        if not known:
            self._namesake = (
                f"another device calls itself {self._base} ({known_by}): their messages mix, and each overwrites the other's last values;"
                " give each its own `device` name"
            )
            log.error("%s", self._namesake)

    def begin(self, most_bytes: int | None) -> None:
        """A connection was made; `most_bytes` is what its broker says it takes."""
        self.connects += 1
        self._met.clear()
        self._said_bytes = most_bytes


def who_says(status: bytes) -> tuple[str, str | None]:
    """State and stream of a payload of `status`, whoever wrote it; the stream None where there is none to read."""
    try:
        said = json.loads(status)
        return str(said["state"])[:64], str(said["stream"])[:64]  # ours are shorter; others write what they like
    except (ValueError, KeyError, TypeError, RecursionError):
        return "offline" if b"offline" in status else "", None
