"""What cannot be opened as a store is refused in one sentence; a process that is killed leaves one that opens. Sums are in `test_store`."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.count.tally import Tally
from edge.errors import DiskFull, StoreError, StoreNewer
from edge.store import Store, StoreOutbox
from edge.store.schema import translate
from tests.unit.store.changes import IN

ROOT = Path(__file__).parents[3]


def refusal(path: Path) -> StoreError:
    with pytest.raises(StoreError) as caught, Store(path):
        pass
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value) or str(path.parent) in str(caught.value)
    return caught.value


def test_a_newer_versions_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    with Store(path):
        pass
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    error = refusal(path)
    assert isinstance(error, StoreNewer)
    assert "newer version" in str(error)
    assert "99" in str(error)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (99,)
    db.close()


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    path.write_bytes(b"these are words, not pages\n" * 500)
    assert "no store of edge" in str(refusal(path))
    assert path.read_bytes().startswith(b"these are words")


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bookmarks (x)")
    db.close()
    assert "another program" in str(refusal(path))
    db = sqlite3.connect(path)
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]
    db.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    assert "`state` folder" in str(refusal(tmp_path / "taken" / "edge.db"))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "edge.db").mkdir()
    assert "cannot be written" in str(refusal(tmp_path / "edge.db"))
    (tmp_path / "other.lock").mkdir()
    assert "cannot be written" in str(refusal(tmp_path / "other.db"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_somebody_else_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o500)
    assert "belong" in str(refusal(folder / "edge.db"))


def test_a_store_in_use_is_refused_until_its_holder_ends(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    code = "import sys, pathlib; from edge.store import Store\nwith Store(pathlib.Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"in\n"
        assert "in use by another running edge" in str(refusal(path))
        holder.kill()
        holder.wait()
    with Store(path):
        pass


def test_a_store_that_was_refused_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    path.write_bytes(b"words\n" * 1000)
    refusal(path)
    path.unlink()
    with Store(path):
        pass


def test_each_error_of_the_library_is_one_of_ours() -> None:
    path = Path("edge.db")
    assert isinstance(translate(sqlite3.OperationalError("database or disk is full"), path), DiskFull)
    for text in ("file is not a database", "database disk image is malformed", "attempt to write a readonly database", "disk I/O error"):
        error = translate(sqlite3.DatabaseError(text), path)
        assert type(error) is StoreError
        assert text in str(error)


_WRITER = """
import sys, pathlib
from edge.store import Store
from tests.unit.store.changes import change_of, event
with Store(pathlib.Path(sys.argv[1])) as store:
    store.set_timeline("boot", 0, known=True)
    for number in range(10_000):
        change = change_of(number % 7, us=1)
        change.outbox.append(event())
        store.commit(change)
        print(number + 1, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_had_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    path, rng = tmp_path / "edge.db", random.Random(5)
    acknowledged = 0
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", _WRITER, path], stdout=subprocess.PIPE, cwd=ROOT) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"1\n"
            time.sleep(rng.random() * 0.1)
            os.kill(writer.pid, signal.SIGKILL)
            said = writer.stdout.read().split(b"\n")
        acknowledged += max([1] + [int(number) for number in said[:-1]])
        with Store(path) as store, StoreOutbox(path) as outbox:
            assert store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            now = store.totals("door")[IN]
            # A commit may have reached the disk and its acknowledgement not the pipe: one a life.
            assert acknowledged <= now <= acknowledged + 1
            assert store.heat("door", 12)[0].sum() == now
            assert [queued.seq for queued in outbox.pending(0, 100_000)] == list(range(1, now + 1))
            acknowledged = now
            assert store.totals("door") == Tally({IN: now})
