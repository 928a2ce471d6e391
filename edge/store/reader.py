"""The store as somebody reads it who must not keep a camera waiting: a connection of its own, that changes nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.count.tally import Tally
from edge.data import I64
from edge.store import spans
from edge.store.schema import connect, translate
from edge.store.spans import Covered, Span


class StoreReader:
    """An opened store's committed numbers; a context manager. Commits go on beside it, and each answer is of one moment."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def __enter__(self) -> StoreReader:
        self._db = connect(self._path, synchronous="NORMAL")
        self._db.execute("PRAGMA query_only = 1")
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def epochs(self, camera: str) -> dict[tuple[str, str], int]:
        """The present epoch of each (kind, place)."""
        with self._reading() as db:
            return spans.epochs(db, camera)

    def sums(self, camera: str, span: Span | None = None) -> tuple[dict[int, Tally], Covered]:
        """Sums of all numbers of a camera by epoch, and what the span covers."""
        with self._reading() as db:
            return spans.sums(db, camera, span), spans.covered(db, camera, span)

    def heat(self, camera: str, cells: int, span: Span | None = None) -> tuple[I64, Covered]:
        """Microseconds in each of `cells` cells in the present epoch, and what the span covers."""
        with self._reading() as db:
            epoch = spans.epochs(db, camera).get(("heat", ""), 1)
            return spans.heat(db, camera, cells, span, epoch=epoch), spans.covered(db, camera, span)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN")
                yield self._db
            except sqlite3.Error as error:
                raise translate(error, self._path) from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
