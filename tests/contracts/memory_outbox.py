"""The Outbox port in memory, for tests of publishers; it survives nothing, and it notices what a publisher must not do."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from edge.data import Message
from edge.ports import Queued


class MemoryOutbox:
    """Attributes: `told` (every call of `delivered`), `largest_page` (rows asked for at once), `threads` (who has called)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[int, Message] = {}
        self._values: dict[str, Message] = {}
        self._next = 1
        self.told: list[tuple[int, ...]] = []
        self.largest_page = 0
        self.threads: set[str] = set()

    def add(self, message: Message) -> int:
        with self._lock:
            seq, self._next = self._next, self._next + 1
            self._rows[seq] = message
            return seq

    def add_events(self, count: int) -> list[int]:
        """Rows on `hall/events` whose payload is their own sequence number."""
        return [self.add(Message("hall/events", str(self._next).encode())) for _ in range(count)]

    def set_value(self, message: Message) -> None:
        with self._lock:
            self._values[message.topic] = message

    @property
    def empty(self) -> bool:
        return not self._rows

    @property
    def delivered_seqs(self) -> list[int]:
        return [seq for seqs in self.told for seq in seqs]

    def pending(self, after_seq: int, limit: int) -> list[Queued]:
        with self._lock:
            self.threads.add(threading.current_thread().name)
            self.largest_page = max(self.largest_page, limit)
            page: list[Queued] = []
            for seq, message in self._rows.items():  # in order of insertion, which is the order of seq
                if seq > after_seq:
                    page.append(Queued(seq, message))
                    if len(page) == limit:
                        break
            return page

    def delivered(self, seqs: Sequence[int]) -> None:
        with self._lock:
            self.threads.add(threading.current_thread().name)
            self.told.append(tuple(seqs))
            for seq in seqs:
                self._rows.pop(seq, None)

    def last_values(self) -> list[Message]:
        with self._lock:
            self.threads.add(threading.current_thread().name)
            return list(self._values.values())
