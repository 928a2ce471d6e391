"""The store of one device: commits, totals, spans and checkpoints. The outbox is its own file; the tables are in `schema`.

One connection writes, under a lock, with every commit fsynced. Totals are read back as sums, never kept.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge.change import Change, Checkpoint, WindowChange
from edge.count.tally import Tally
from edge.data import I64, Size
from edge.errors import StoreError
from edge.roll import Array
from edge.store import limit, retention, spans
from edge.store.blobs import pack_cells, pack_state, pack_tally, unpack_cells, unpack_state, unpack_tally
from edge.store.schema import connect, prepare, translate
from edge.store.spans import Covered


class Store:
    """The file of one device. A context manager; `path`'s folder is made if it is missing."""

    def __init__(self, path: Path, *, outbox_rows: int = 100_000) -> None:
        """`outbox_rows` bounds what waits for a broker; 0 where nobody is to be told."""
        self.path = Path(path)
        self._outbox_rows = outbox_rows
        self._lock = threading.RLock()

    def __enter__(self) -> Store:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.path.parent} cannot be made ({error.strerror}); choose another `state` folder") from error
        self._lock_file()
        try:
            self._db = connect(self.path, synchronous="FULL")
            try:
                prepare(self._db, self.path)
                (self.stream,) = self._one("SELECT value FROM meta WHERE key = 'stream'")
            except BaseException:
                self._db.close()
                raise
        except BaseException:
            self._holder.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._holder.close()

    def _lock_file(self) -> None:
        """One process a store: two would count into each other's windows. The lock goes with the process, however that ends."""
        import fcntl

        file = self.path.with_suffix(".lock")
        try:
            self._holder = file.open("w")
        except OSError as error:
            raise StoreError(f"{file} cannot be written ({error.strerror}); it must belong to the user that runs edge") from error
        try:
            fcntl.flock(self._holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._holder.close()
            raise StoreError(f"{self.path} is in use by another running edge; stop it, or give this one another `state` folder") from None

    # Writing

    def commit(self, change: Change) -> None:
        """All of `change`, or nothing of it, on the disk when this returns. Raises DiskFull or another StoreError."""
        with self._transaction():
            if change.reset is not None:
                self._begin_all(change.camera, change.reset.utc_ns)
            epochs = self.epochs(change.camera)
            for window in change.windows.values():
                self._add(change, window, epochs)
            self._send(change)
            if change.checkpoint is not None:
                self._keep_checkpoint(change.camera, change.checkpoint)
            if change.view is not None:
                kept = (change.camera, change.view.digest, pack_state(change.view.state))
                self._db.execute("REPLACE INTO views VALUES (?, ?, ?)", kept)

    def _add(self, change: Change, window: WindowChange, epochs: Mapping[tuple[str, str], int]) -> None:
        at = (change.camera, change.timeline, window.t0_ns)
        # The change may have begun this window before the clock stepped inside it.
        (step_ns,) = self._one("SELECT min(t_ns) FROM clock_steps WHERE timeline = ? AND t_ns > ?", at[1:])
        t1_ns = window.t1_ns if step_ns is None else min(window.t1_ns, step_ns)
        self._db.execute("INSERT OR IGNORE INTO windows (camera, timeline, t0_ns, t1_ns) VALUES (?, ?, ?, ?)", (*at, t1_ns))
        (number,) = self._one("SELECT id FROM windows WHERE camera = ? AND timeline = ? AND t0_ns = ?", at)
        self._db.executemany(
            "INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(number, k.kind, k.place, epochs.get((k.kind, k.place), 1), k.class_name, k.field, n) for k, n in window.tally.items() if n],
        )
        epoch = epochs.get(("heat", ""), 1)
        for class_name, cells, us in window.warm():
            row = self._db.execute(
                "SELECT cells FROM heat WHERE window = ? AND epoch = ? AND class = ?", (number, epoch, class_name)
            ).fetchone()
            before = [unpack_cells(row[0])] if row else []
            self._db.execute("REPLACE INTO heat VALUES (?, ?, ?, ?)", (number, epoch, class_name, pack_cells([*before, (cells, us)])))

    def _send(self, change: Change) -> None:
        if not self._outbox_rows:
            return
        (seq,) = self._one("SELECT value FROM meta WHERE key = 'seq'")
        seq = int(seq)
        for draft in change.outbox:
            seq += 1
            m = draft(self.stream, seq)
            self._db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?)", (seq, m.topic, m.payload, m.qos, m.retain, m.content_type))
            if m.retain:
                self._keep_last(m.topic, m.payload, m.qos, m.content_type)
        self._db.execute("UPDATE meta SET value = ? WHERE key = 'seq'", (str(seq),))
        for m in change.last_values:
            self._keep_last(m.topic, m.payload, m.qos, m.content_type)
        if change.outbox:
            limit.enforce(self._db, self.stream, self._outbox_rows, change.camera)

    def _keep_checkpoint(self, camera: str, point: Checkpoint) -> None:
        row = (camera, point.timeline, point.source, point.done, point.frame, point.t_ns, point.digest)
        blobs = (pack_state(point.state), pack_tally(point.unsaid), point.said_ns)
        self._db.execute("REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row + blobs)

    def _keep_last(self, topic: str, payload: bytes, qos: int, content_type: str) -> None:
        self._db.execute("REPLACE INTO last_values VALUES (?, ?, ?, ?)", (topic, payload, qos, content_type))

    # Epochs, timelines

    def begin_epochs(self, camera: str, places: Mapping[tuple[str, str], str], utc_ns: int | None) -> dict[tuple[str, str], int]:
        """The epoch of each (kind, place) with its geometry's digest; one whose geometry is new, or has changed, begins a new one."""
        with self._transaction():
            current = self.epochs(camera)
            digests = {
                (kind, place): digest
                for kind, place, digest in self._db.execute(
                    "SELECT kind, place, digest FROM epochs WHERE camera = ? ORDER BY epoch", (camera,)
                )
            }
            for key, digest in places.items():
                if digests.get(key) != digest:
                    self._begin(camera, key, current.get(key, 0) + 1, digest, utc_ns)
            return self.epochs(camera)

    def reset(self, camera: str, utc_ns: int | None) -> dict[tuple[str, str], int]:
        """A new epoch for everything of a camera -> all epochs of now; the old totals stay queryable."""
        with self._transaction():
            self._begin_all(camera, utc_ns)
            return self.epochs(camera)

    def _begin_all(self, camera: str, utc_ns: int | None) -> None:
        rows = self._db.execute("SELECT kind, place, max(epoch), digest FROM epochs WHERE camera = ? GROUP BY kind, place", (camera,))
        for kind, place, epoch, digest in rows.fetchall():
            self._begin(camera, (kind, place), epoch + 1, digest, utc_ns)

    def _begin(self, camera: str, key: tuple[str, str], epoch: int, digest: str, utc_ns: int | None) -> None:
        self._db.execute("INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?)", (camera, *key, epoch, digest, utc_ns))
        # What was not said of the old epoch must not be said as a part of the new one.
        row = self._db.execute("SELECT unsaid FROM checkpoints WHERE camera = ?", (camera,)).fetchone()
        if row is not None:
            unsaid = Tally({k: n for k, n in unpack_tally(row[0]).items() if (k.kind, k.place) != key})
            self._db.execute("UPDATE checkpoints SET unsaid = ? WHERE camera = ?", (pack_tally(unsaid), camera))

    def set_timeline(self, timeline: str, offset_ns: int, *, known: bool, step_at_ns: int | None = None) -> None:
        """What a timeline's UTC offset is now; `step_at_ns` tells when the system clock was seen to step to it. Windows end there."""
        with self._transaction():
            if step_at_ns is not None:
                before = self._db.execute("SELECT offset_ns FROM timelines WHERE id = ?", (timeline,)).fetchone()
                self._db.execute(
                    "INSERT INTO clock_steps VALUES (?, ?, ?, ?)", (timeline, step_at_ns, before[0] if before else 0, offset_ns)
                )
                self._db.execute(
                    "UPDATE windows SET t1_ns = ? WHERE timeline = ? AND t0_ns < ? AND t1_ns > ?",
                    (step_at_ns, timeline, step_at_ns, step_at_ns),
                )
            self._db.execute("REPLACE INTO timelines VALUES (?, ?, ?)", (timeline, offset_ns, known))

    def condense(self, before_utc_ns: int) -> int:
        """Merge minutes that ended before `before_utc_ns` into their hours; returns how many windows that saved."""
        saved = 0
        with self._lock:
            hours = retention.ripe_hours(self._db, before_utc_ns)
        for hour in hours:
            with self._transaction():
                saved += retention.merge(self._db, hour)
        return saved

    # Reading

    def epochs(self, camera: str) -> dict[tuple[str, str], int]:
        """The present epoch of each (kind, place) of a camera."""
        with self._lock:
            return spans.epochs(self._db, camera)

    def epochs_since(self, camera: str) -> dict[tuple[str, str], int | None]:
        """When the present epoch of each (kind, place) of a camera began, UTC; None where the clock was not right then."""
        with self._lock:
            rows = self._db.execute(
                "SELECT kind, place, since_utc_ns, max(epoch) FROM epochs WHERE camera = ? GROUP BY kind, place", (camera,)
            ).fetchall()
        return {(kind, place): since_ns for kind, place, since_ns, _ in rows}

    def timeline(self, timeline: str) -> tuple[int, bool, int | None] | None:
        """A timeline's UTC offset, whether it is known, and when the clock stepped to it (None: never); None for one that was never set."""
        with self._lock:
            row = self._db.execute(
                "SELECT offset_ns, known, (SELECT max(t_ns) FROM clock_steps WHERE timeline = id) FROM timelines WHERE id = ?", (timeline,)
            ).fetchone()
        return None if row is None else (int(row[0]), bool(row[1]), row[2])

    def utc_ns(self, timeline: str, t_ns: int) -> int | None:
        """UTC of a moment on a timeline; None where its clock was never right."""
        with self._lock:
            row = self._db.execute("SELECT offset_ns FROM timelines WHERE id = ? AND known", (timeline,)).fetchone()
        return None if row is None else int(row[0]) + t_ns

    def checkpoint(self, camera: str) -> Checkpoint | None:
        """Where a camera was at its last commit."""
        with self._lock:
            row = self._db.execute(
                "SELECT timeline, source, frame, t_ns, digest, state, unsaid, said_ns, done FROM checkpoints WHERE camera = ?", (camera,)
            ).fetchone()
        if row is None:
            return None
        timeline, source, frame, t_ns, digest, state, unsaid, said_ns, done = row
        return Checkpoint(timeline, source, frame, t_ns, digest, unpack_state(state), unpack_tally(unsaid), said_ns, bool(done))

    def drawn_in(self, camera: str, digest: str) -> Size | None:
        """The size of picture that a camera's lines and zones were drawn in, if what is kept belongs to `digest`."""
        with self._lock:
            row = self._db.execute("SELECT width, height FROM drawn_in WHERE camera = ? AND digest = ?", (camera, digest)).fetchone()
        return None if row is None else Size(*row)

    def keep_drawn_in(self, camera: str, digest: str, size: Size) -> None:
        """Know that size again after a restart. Raises DiskFull."""
        with self._transaction():
            self._db.execute("REPLACE INTO drawn_in VALUES (?, ?, ?, ?)", (camera, digest, *size))

    def view(self, camera: str, digest: str) -> dict[str, Array] | None:
        """What is kept of the scene before a camera, if that belongs to `digest`."""
        with self._lock:
            row = self._db.execute("SELECT state FROM views WHERE camera = ? AND digest = ?", (camera, digest)).fetchone()
        return None if row is None else unpack_state(row[0])

    def totals(self, camera: str, *, span: tuple[int, int] | None = None, epoch: int | None = None) -> Tally:
        """Sums of all numbers of a camera in their present epochs (or in `epoch`), over all time or a UTC span of whole windows."""
        with self._lock:
            present = self.epochs(camera)
            sums = spans.sums(self._db, camera, span)
        return Tally(
            {
                key: n
                for of_epoch, tally in sums.items()
                for key, n in tally.items()
                if of_epoch == (present.get((key.kind, key.place), 1) if epoch is None else epoch)
            }
        )

    def heat(
        self, camera: str, cells: int, *, span: tuple[int, int] | None = None, class_name: str | None = None, epoch: int | None = None
    ) -> tuple[I64, Covered]:
        """Microseconds in each of `cells` cells in the present epoch (or in `epoch`), over all time or a UTC span of whole windows.

        And what that covers: the windows of the span, also those in which nobody was.
        """
        with self._lock:
            if epoch is None:
                epoch = self.epochs(camera).get(("heat", ""), 1)
            grid = spans.heat(self._db, camera, cells, span, epoch=epoch, class_name=class_name)
            return grid, spans.covered(self._db, camera, span)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise translate(error, self.path) from error
                raise

    def _one(self, sql: str, arguments: tuple[object, ...] = ()) -> tuple:  # type: ignore[type-arg]
        return self._db.execute(sql, arguments).fetchone()  # type: ignore[no-any-return]
