"""The outbox as the publisher sees it: rows of the store that wait for a broker's acknowledgement. What enters it is decided in `store`.

It has a connection of its own, so that sending never waits for a camera's commit. Forgetting a delivered row need not reach the disk at
once: after a power cut it is sent again, and `stream` and `seq` tell.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edge.data import Message
from edge.ports import Queued
from edge.store.schema import connect, translate


class StoreOutbox:
    """ports.Outbox over an opened store's file; a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def __enter__(self) -> StoreOutbox:
        self._db = connect(self._path, synchronous="NORMAL")
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def pending(self, after_seq: int, limit: int) -> list[Queued]:
        """The oldest rows behind `after_seq`. From now on they count as handed out: a full outbox leaves them alone, for somebody may have them."""
        with self._changing():
            rows = self._db.execute(
                "SELECT seq, topic, payload, qos, retain, content_type FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", (after_seq, limit)
            ).fetchall()
            if rows:
                newest = rows[-1][0]
                self._db.execute("UPDATE meta SET value = ? WHERE key = 'handed_out' AND CAST(value AS INTEGER) < ?", (str(newest), newest))
        return [Queued(seq, Message(topic, payload, qos, bool(retain), kind)) for seq, topic, payload, qos, retain, kind in rows]

    def delivered(self, seqs: Sequence[int]) -> None:
        """Forget rows that the broker has."""
        with self._changing():
            self._db.executemany("DELETE FROM outbox WHERE seq = ?", [(seq,) for seq in seqs])

    def last_values(self) -> list[Message]:
        """The retained value of each topic, but for those of which newer ones still wait in the outbox: they come in their order."""
        with self._lock:
            try:
                rows = self._db.execute(
                    "SELECT topic, payload, qos, content_type FROM last_values WHERE topic NOT IN (SELECT topic FROM outbox) ORDER BY topic"
                ).fetchall()
            except sqlite3.Error as error:
                raise translate(error, self._path) from error
        return [Message(topic, payload, qos, True, kind) for topic, payload, qos, kind in rows]

    def waiting(self) -> int:
        """How many rows nobody has acknowledged."""
        with self._lock:
            try:
                (rows,) = self._db.execute("SELECT count(*) FROM outbox").fetchone()
            except sqlite3.Error as error:
                raise translate(error, self._path) from error
        return int(rows)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise translate(error, self._path) from error
