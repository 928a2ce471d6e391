"""Spans read beside a running store: sums an epoch, what is covered, and that reading changes nothing and waits for nobody."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.change import Change
from edge.count.tally import Key, Tally
from edge.store import Covered, Store, StoreReader

MINUTE = 60_000_000_000
IN = Key("line", "gate", "person", "in")
PLACES = {("line", "gate"): "a", ("heat", ""): "b"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "edge.db") as store:
        store.set_timeline("boot", 1_000 * MINUTE, known=True)
        store.begin_epochs("door", PLACES, None)
        yield store


@pytest.fixture
def reader(store: Store) -> Iterator[StoreReader]:
    with StoreReader(store.path) as reader:
        yield reader


def count(store: Store, minute: int, n: int) -> None:
    change = Change("door", "boot")
    window = change.window((minute * MINUTE, (minute + 1) * MINUTE))
    window.tally.update(Tally({IN: n}))
    window.heat["person"] = np.array([0, n, 0], np.int64)
    store.commit(change)


def test_a_span_holds_the_windows_that_lie_wholly_in_it(store: Store, reader: StoreReader) -> None:
    for minute in range(5):
        count(store, minute, 10**minute)
    span = (1_000 * MINUTE + 1, 1_004 * MINUTE)
    sums, covered = reader.sums("door", span)
    assert sums == {1: Tally({IN: 1110})}
    assert covered == Covered(1_001 * MINUTE, 1_004 * MINUTE)
    grid, covered = reader.heat("door", 3, span)
    assert grid.tolist() == [0, 1110, 0]
    assert covered == Covered(1_001 * MINUTE, 1_004 * MINUTE)


def test_an_open_span_is_all_that_is_kept_and_a_strange_one_nothing(store: Store, reader: StoreReader) -> None:
    count(store, 0, 3)
    assert reader.sums("door", (None, None)) == ({1: Tally({IN: 3})}, Covered(1_000 * MINUTE, 1_001 * MINUTE))
    assert reader.sums("door", (2_000 * MINUTE, None)) == ({}, Covered(None, None))
    assert reader.sums("hall") == ({}, Covered(None, None))


def test_numbers_before_a_reset_are_told_under_their_own_epoch(store: Store, reader: StoreReader) -> None:
    count(store, 0, 3)
    assert store.reset("door", None) == {("line", "gate"): 2, ("heat", ""): 2}
    count(store, 1, 4)
    assert reader.sums("door")[0] == {1: Tally({IN: 3}), 2: Tally({IN: 4})}
    assert reader.heat("door", 3)[0].tolist() == [0, 4, 0]


def test_reading_sees_each_commit_and_hinders_none(store: Store, reader: StoreReader) -> None:
    for minute in range(3):
        count(store, minute, 1)
        assert reader.sums("door")[0][1][IN] == minute + 1
    with reader._reading() as db:
        count(store, 3, 1)  # while somebody reads
        assert db.execute("SELECT count(*) FROM windows").fetchone() is not None
    assert reader.sums("door")[0][1][IN] == 4


def test_a_reader_cannot_write(reader: StoreReader) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._db.execute("DELETE FROM windows")
