"""What one connection has said and what of it is unanswered: order, window, last values. It dies with the connection; threads and pauses are `mqtt`'s."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from edge.data import Message
from edge.errors import DiskFull
from edge.ports import Heard, Outbox, Queued
from edge.sinks.mqtt_memory import Memory, who_says

log = logging.getLogger(__name__)

PAGE = 200
"""Rows read, and acknowledgements written, at once: what a backlog of any length costs in memory."""


def whole(base: str, topic: str) -> str:
    """The topic a message goes to: below the device's own `base`, unless it is given whole, behind a `/`."""
    return topic[1:] if topic.startswith("/") else f"{base}/{topic}"


class Wire(Protocol):
    """What a session asks of a connection."""

    acks: list[int]
    too_large: list[int]
    denied: list[int]
    heard: list[Heard]
    window: int

    def send(self, topic: str, message: Message, *, needed: bool) -> int: ...

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
        memory: Memory,
        replies: deque[Message] | None = None,
        hear: Callable[[Heard], None] = lambda _: None,
    ) -> None:
        self.acked = acked
        self.progress_s = time.monotonic()
        self._wire = wire
        self._outbox = outbox
        self._base = base_topic
        self._birth = birth
        self._memory = memory
        self._replies: deque[Message] = deque() if replies is None else replies
        self._hear = hear
        self._values = {birth.topic: birth}  # to be said before the next row; a newer value takes the place of one that waits
        self._said: dict[str, bytes] = {}  # the value each topic has at the broker, once what is under way arrives
        self._flying: dict[int, tuple[int | None, str, int]] = {}  # packet identifier -> sequence number (None: no row), topic, bytes
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

    def greet(self, birth: Message) -> None:
        """What the device says of itself from now on; said again when it is another than before."""
        if birth is not self._birth:
            self._birth = birth
            self._values[birth.topic] = birth

    @property
    def heaviest(self) -> int:
        """Bytes of the largest payload under way."""
        return max((size for _, _, size in self._flying.values()), default=0)

    @property
    def away(self) -> bool:
        """An answer is under way on a topic that is not below our own."""
        return any(not topic.startswith(f"{self._base}/") for _, topic, _ in self._flying.values())

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
                if topic.startswith("/") and self._memory.wary:
                    continue  # an announcement that costs the connection, again and again; it is tried when that is forgotten
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
            try:
                self._page.extend(self._outbox.pending(self._last_seq, PAGE))
            except DiskFull:  # that they are handed out cannot be noted: they wait, and are asked for again
                return None
            self._more = len(self._page) == PAGE
            if self._page:
                self._last_seq = self._page[-1].seq
        return self._page.popleft() if self._page else None

    def _send(self, message: Message, seq: int | None) -> None:
        topic = whole(self._base, message.topic)
        size = len(message.payload)
        if self._wire.fits(topic, message) and self._memory.takes(message.payload):
            self._flying[self._wire.send(topic, message, needed=not message.topic.startswith("/"))] = seq, topic, size
            return
        # Sent, it would end the connection, and so it would the next time: everything behind it would wait for ever.
        self._leave_out(seq, topic, size)

    def _leave_out(self, seq: int | None, topic: str, size: int) -> None:
        self._memory.leave_out(topic, size)
        if seq is not None:
            self.acked.append(seq)

    def collect(self) -> bool:
        """Take in what the wire brought -> whether a row was acknowledged."""
        before = len(self.acked)
        # Not all that is in `acks` was awaited: a remark at QoS 0 is there once it is written, which says nothing of the broker.
        answered = [self._flying.pop(mid) for mid in self._wire.acks if mid in self._flying]
        self.acked.extend(seq for seq, _, _ in answered if seq is not None)
        for mid in self._wire.too_large:
            seq, topic, size = self._flying.pop(mid)
            self._memory.lower(size)
            self._leave_out(seq, topic, size)
        for mid in self._wire.denied:
            self._flying.pop(mid)
            self._memory.note_rebuff()
        if answered or self._wire.too_large or self._wire.denied:
            self.progress_s = time.monotonic()
        self._memory.spoke |= bool(answered)  # the birth is the first that is acknowledged
        self._wire.acks.clear()
        self._wire.too_large.clear()
        self._wire.denied.clear()
        for heard in self._wire.heard:
            if heard.topic == f"{self._base}/{self._birth.topic}":
                self._hear_status(heard)
            else:
                self._hear(heard)
        self._wire.heard.clear()
        return len(self.acked) > before

    def _hear_status(self, heard: Heard) -> None:
        if self._last is not None:
            self._echoed |= heard.payload == self._last.payload
            return
        if heard.payload == self._birth.payload:
            return
        state, stream = who_says(heard.payload)
        if heard.retained:
            # What was there before our birth arrived. Ours had been there: who has put another's in its place uses our name.
            if self._memory.spoke:
                self._memory.meet(stream)
        elif state == "offline" or self._memory.meet(stream):
            # Somebody's will came late; or another device is online under our name, and is told of us, once: it must not be answered for ever.
            self._values[self._birth.topic] = self._birth
