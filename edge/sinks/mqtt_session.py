"""What one connection has said and what of it is unanswered: order, window, last values. It dies with the connection; threads and pauses are `mqtt`'s."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from edge.data import Message
from edge.ports import Heard, Outbox, Queued

log = logging.getLogger(__name__)

PAGE = 200
"""Rows read, and acknowledgements written, at once: what a backlog of any length costs in memory."""


def whole(base: str, topic: str) -> str:
    """The topic a message goes to: below the device's own `base`, unless it is given whole, behind a `/`."""
    return topic[1:] if topic.startswith("/") else f"{base}/{topic}"


class Wire(Protocol):
    """What a session asks of a connection."""

    acks: list[int]
    heard: list[Heard]
    window: int

    def send(self, topic: str, message: Message) -> int: ...

    def fits(self, topic: str, message: Message) -> bool: ...


class Session:
    """The conversation over one wire: birth, last values, then the outbox in one order of sequence numbers. Replies go before rows.

    Args:
        replies: what is to be answered; others append, the session takes.
        hear: is told what came on any topic but the device's own status; it must return at once.

    Attributes:
        acked: sequence numbers the broker has, in its order; the list is the caller's, who tells the outbox and clears it.
        progress_s: when something was last acknowledged, or began to wait for it (monotonic).
    """

    def __init__(
        self,
        wire: Wire,
        outbox: Outbox,
        *,
        base_topic: str,
        birth: Message,
        acked: list[int],
        replies: deque[Message] | None = None,
        hear: Callable[[Heard], None] = lambda _: None,
    ) -> None:
        self.acked = acked
        self.progress_s = time.monotonic()
        self._wire = wire
        self._outbox = outbox
        self._base = base_topic
        self._birth = birth
        self._replies: deque[Message] = deque() if replies is None else replies
        self._hear = hear
        self._values = {birth.topic: birth}  # to be said before the next row; a newer value takes the place of one that waits
        self._said: dict[str, bytes] = {}  # the value each topic has at the broker, once what is under way arrives
        self._flying: dict[int, int | None] = {}  # packet identifier -> sequence number, None for a last value
        self._page: deque[Queued] = deque()
        self._last_seq = -1  # the last row that was read
        self._more = False  # there may be rows behind it
        self._greeted = False
        self._last: Message | None = None  # what is said when leaving
        self._echoed = False

    @property
    def quiet(self) -> bool:
        """Nothing waits to be said or acknowledged, as far as the outbox was asked."""
        return not (self._flying or self._values or self._page or self._more)

    @property
    def parted(self) -> bool:
        """What was to be said last has come back to us. (A broker may acknowledge it and yet, at the DISCONNECT behind it, forget it.)"""
        return self.quiet and self._echoed

    @property
    def waiting(self) -> bool:
        return bool(self._flying)

    def refresh(self) -> None:
        """The outbox has something new. Rows go before values: a row that is retained may be the new value of its topic."""
        if self._greeted:
            self._more = True
            self.fill()
        for message in self._outbox.last_values():
            if self._said.get(message.topic) != message.payload:
                self._values[message.topic] = message
            elif message.topic != self._birth.topic:
                self._values.pop(message.topic, None)
        self._more = self._greeted = True

    def part(self, last: Message) -> None:
        """Say nothing more but `last`."""
        self._values = {last.topic: last}
        self._page.clear()
        self._more = False
        self._last = last

    def fill(self) -> None:
        """Send as much as the window lets."""
        if not self._flying:
            self.progress_s = time.monotonic()
        while len(self._flying) < self._wire.window:
            if self._values:
                topic = next(iter(self._values))
                message, seq = self._values.pop(topic), None
                self._said[topic] = message.payload
            elif self._replies:
                message, seq = self._replies.popleft(), None
            elif (queued := self._next_row()) is not None:
                message, seq = queued.message, queued.seq
                if message.retain:
                    self._said[message.topic] = message.payload
            else:
                return
            self._send(message, seq)

    def _next_row(self) -> Queued | None:
        if not self._page and self._more:
            self._page.extend(self._outbox.pending(self._last_seq, PAGE))
            self._more = len(self._page) == PAGE
            if self._page:
                self._last_seq = self._page[-1].seq
        return self._page.popleft() if self._page else None

    def _send(self, message: Message, seq: int | None) -> None:
        topic = whole(self._base, message.topic)
        if self._wire.fits(topic, message):
            self._flying[self._wire.send(topic, message)] = seq
            return
        # Sent, it would end the connection, and so it would the next time: everything behind it would wait for ever.
        log.error("the broker takes no message as large as the %d bytes for %s; it is left out", len(message.payload), topic)
        if seq is not None:
            self.acked.append(seq)

    def collect(self) -> bool:
        """Take in what the wire brought -> whether a row was acknowledged."""
        before = len(self.acked)
        for mid in self._wire.acks:
            seq = self._flying.pop(mid, None)
            if seq is not None:
                self.acked.append(seq)
        if self._wire.acks:
            self.progress_s = time.monotonic()
            self._wire.acks.clear()
        for heard in self._wire.heard:
            payload = heard.payload
            if heard.topic != f"{self._base}/{self._birth.topic}":
                self._hear(heard)
            elif self._last is not None:
                self._echoed |= payload == self._last.payload
            elif payload != self._birth.payload and b"offline" in payload:
                # Somebody's will of an earlier connection came late. No other word is answered, or two devices of one name would shout at each other.
                self._values[self._birth.topic] = self._birth
        self._wire.heard.clear()
        return len(self.acked) > before
