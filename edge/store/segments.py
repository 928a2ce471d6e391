"""The index of recorded video: which file holds which span of which camera. The files themselves are written, and deleted, elsewhere.

It has a connection of its own, so that a recorder never holds the lock under which counts are committed. A time is a camera's own, and UTC is its
timeline's offset, as everywhere in the store: a clock that is set later dates what was recorded before.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edge.data import Size
from edge.ports import Clip
from edge.store.schema import connect, translate
from edge.store.spans import Span

_COLUMNS = "path, timeline, t0_ns, t1_ns, pictures, bytes, width, height, codec, state"
_WITH_UTC = f"SELECT {_COLUMNS}, t0_ns + offset_ns, camera FROM segments LEFT JOIN timelines ON timelines.id = timeline AND known"


class StoreSegments:
    """The rows over an opened store's file; a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def __enter__(self) -> StoreSegments:
        self._db = connect(self._path, synchronous="FULL")
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def of(self, camera: str) -> CameraSegments:
        """ports.VideoIndex of one camera."""
        return CameraSegments(self, camera)

    def between(self, span: Span = (None, None), *, camera: str | None = None) -> list[tuple[str, Clip]]:
        """(camera, clip) of all that was recorded in a UTC span, also in a part of it, in order of time; nothing where nothing ever was.

        What the clock never dated comes first, where the span is open at its beginning. An open clip may reach farther than its row says.
        """
        first, last = span
        with self.transaction("BEGIN") as db:
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'segments'").fetchone() is None:
                return []  # a store that only an older version has opened
            rows = db.execute(
                f"{_WITH_UTC} WHERE (:camera IS NULL OR camera = :camera)"
                " AND (:first IS NULL OR t1_ns + offset_ns >= :first OR (state = 'open' AND offset_ns IS NOT NULL))"
                " AND (:last IS NULL OR offset_ns IS NULL OR t0_ns + offset_ns <= :last) ORDER BY t0_ns + offset_ns, path",
                {"camera": camera, "first": first, "last": last},
            ).fetchall()
        return [(row[-1], _clip(row)) for row in rows]

    @contextmanager
    def transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """The connection, all of what is done with it or nothing."""
        with self._lock:
            try:
                self._db.execute(begin)
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise translate(error, self._path) from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


class CameraSegments:
    """ports.VideoIndex. StoreError where the store cannot be written."""

    def __init__(self, store: StoreSegments, camera: str) -> None:
        self._store, self._camera = store, camera

    def clips(self) -> list[Clip]:
        with self._store.transaction("BEGIN") as db:
            rows = db.execute(f"{_WITH_UTC} WHERE camera = ? ORDER BY path", (self._camera,)).fetchall()
        return [_clip(row) for row in rows]

    def keep(self, clip: Clip) -> None:
        row = (str(clip.path), clip.timeline, clip.t0_ns, clip.t1_ns, clip.pictures, clip.bytes, *clip.size, clip.codec, clip.state)
        with self._store.transaction() as db:
            db.execute(f"REPLACE INTO segments ({_COLUMNS}, camera) VALUES ({', '.join('?' * 11)})", (*row, self._camera))

    def moved(self, path: Path, to: Path) -> None:
        with self._store.transaction() as db:
            db.execute("UPDATE OR REPLACE segments SET path = ? WHERE path = ?", (str(to), str(path)))

    def forget(self, paths: Sequence[Path]) -> None:
        if paths:
            with self._store.transaction() as db:
                db.executemany("DELETE FROM segments WHERE path = ?", [(str(path),) for path in paths])


def _clip(row: tuple) -> Clip:  # type: ignore[type-arg]
    path, timeline, t0_ns, t1_ns, pictures, size, width, height, codec, state, utc0_ns, _ = row
    return Clip(Path(path), timeline, t0_ns, t1_ns, pictures, size, Size(width, height), codec, state, utc0_ns)
