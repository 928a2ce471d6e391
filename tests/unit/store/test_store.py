"""The store keeps all of a change or nothing, and its totals are the sums of what it kept. Files that cannot be opened are in `test_opening`."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.change import Change, KnownScene
from edge.count.tally import Key, Tally
from edge.data import Message
from edge.errors import DiskFull
from edge.store import Covered, Store, StoreOutbox
from tests.unit.store.changes import CELLS, IN, MINUTE_NS, OUT, change_of, change_of_minutes, checkpoint, counts, event

HOUR_NS = 60 * MINUTE_NS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "edge.db") as opened:
        opened.set_timeline("boot", 0, known=True)
        yield opened


def heat_of(store: Store, **how: object) -> np.ndarray:
    return store.heat("door", CELLS, **how)[0]  # type: ignore[arg-type]


def windows_of(store: Store) -> list[tuple[int, int]]:
    with sqlite3.connect(store.path) as db:
        rows = db.execute("SELECT t0_ns, t1_ns FROM windows ORDER BY camera, timeline, t0_ns").fetchall()
    db.close()
    return rows


def test_totals_and_heat_are_the_sums_over_all_windows(store: Store) -> None:
    for minute, n, us in ((0, 2, 10), (1, 3, 7), (1, 1, 1), (5, 4, 2**40)):
        store.commit(change_of(minute, n=n, us=us))
    assert store.totals("door") == Tally({IN: 10})
    assert heat_of(store).sum() == 18 + 2**40
    assert store.totals("another") == Tally()


def test_a_span_is_answered_with_its_whole_windows_and_what_they_cover(store: Store) -> None:
    for minute in range(4):
        store.commit(change_of(minute, n=10**minute, us=10**minute))
    span = (MINUTE_NS - 5, 3 * MINUTE_NS + 5)
    assert store.totals("door", span=span) == Tally({IN: 110})
    grid, covered = store.heat("door", CELLS, span=span)
    assert grid.sum() == 110
    assert covered == Covered(MINUTE_NS, 3 * MINUTE_NS)
    assert store.heat("door", CELLS, span=(90 * MINUTE_NS, 91 * MINUTE_NS))[1] == Covered(None, None)


def test_a_span_is_in_utc_and_moves_with_the_timelines_offset(store: Store) -> None:
    store.commit(change_of(0, n=7))
    store.set_timeline("boot", HOUR_NS, known=True, step_at_ns=5 * MINUTE_NS)
    assert store.totals("door", span=(HOUR_NS, 2 * HOUR_NS)) == Tally({IN: 7})
    assert store.totals("door", span=(0, HOUR_NS)) == Tally()


def test_what_a_clock_that_was_never_right_counted_is_in_the_totals_but_covers_no_span_of_utc(store: Store) -> None:
    store.set_timeline("lost", 0, known=False)
    store.commit(change_of(0, timeline="lost", n=5))
    assert store.totals("door") == Tally({IN: 5})
    assert store.heat("door", CELLS)[1] == Covered(None, None)
    assert store.utc_ns("lost", 5) is None
    assert store.timeline("lost") == (0, False, None)
    assert store.timeline("unheard of") is None


def test_heat_is_kept_by_class(store: Store) -> None:
    store.commit(change_of(0, us=5))
    other = change_of(0, us=9)
    other.windows[0].heat = {"dog": other.windows[0].heat["person"]}
    store.commit(other)
    assert heat_of(store, class_name="dog").sum() == 9
    assert heat_of(store).sum() == 14


def test_minutes_that_wait_for_room_on_the_disk_take_little_memory_and_lose_nothing(store: Store) -> None:
    cells = 10_000
    change = change_of_minutes(120, cells)
    held = sum(grid.nbytes for window in change.windows.values() for grid in window.heat.values())
    held += sum(part.nbytes for window in change.windows.values() for parts in window.packed.values() for one in parts for part in one)
    assert held <= 8 * cells + 120 * 16, "one minute whole, of the others what is warm"
    change.window((0, MINUTE_NS)).heat["person"] = np.full(cells, 2)  # a clock that was set back comes to a minute again
    store.commit(change)
    grid, _ = store.heat("door", cells)
    assert list(grid[:121]) == [1002] * 120 + [2]
    assert grid.sum() == 120 * 1000 + 2 * cells
    assert store.heat("door", cells, span=(MINUTE_NS, 2 * MINUTE_NS))[0].sum() == 1000


def test_a_change_that_fails_half_way_leaves_nothing(store: Store) -> None:
    def broken(stream: str, seq: int) -> Message:
        raise ZeroDivisionError

    store.commit(change_of(0, n=3))
    change = change_of(1, n=5)
    change.outbox += [event(), broken]
    change.last_values.append(Message("door/state", b"x", retain=True))
    change.checkpoint = checkpoint()
    with pytest.raises(ZeroDivisionError):
        store.commit(change)
    assert store.totals("door") == Tally({IN: 3})
    assert store.checkpoint("door") is None
    with StoreOutbox(store.path) as outbox:
        assert outbox.pending(0, 10) == []
        assert outbox.last_values() == []
        change.outbox[1] = event()
        store.commit(change)  # the same change, tried again
        assert [queued.seq for queued in outbox.pending(0, 10)] == [1, 2]
    assert store.totals("door") == Tally({IN: 8})


def test_a_full_disk_leaves_what_was_there_and_the_same_change_goes_in_when_there_is_room(store: Store) -> None:
    store.commit(change_of(0, n=3))
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    change = change_of(1, n=5)
    change.last_values.append(Message("door/heatmap", bytes(200_000), retain=True))
    with pytest.raises(DiskFull, match=r"edge\.db is full; free some space"):
        store.commit(change)
    assert store.totals("door") == Tally({IN: 3})
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.commit(change)
    assert store.totals("door") == Tally({IN: 8})
    assert store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_checkpoint_comes_back_as_it_was(store: Store) -> None:
    for done in (False, True):
        point = checkpoint(done=done)
        store.commit(Change("door", "boot", checkpoint=point))
        back = store.checkpoint("door")
        assert back is not None
        for name in ("timeline", "source", "frame", "t_ns", "digest", "unsaid", "said_ns", "done"):
            assert getattr(back, name) == getattr(point, name)
        assert list(back.state) == list(point.state)
        for name, array in point.state.items():
            np.testing.assert_array_equal(back.state[name], array)
            assert back.state[name].dtype == array.dtype


def test_a_known_scene_comes_back_for_what_it_belongs_to_and_the_newest_counts(store: Store) -> None:
    assert store.view("door", "as drawn") is None
    for views in (1, 2):
        change = change_of()
        change.view = KnownScene("as drawn", {"mean": np.full((2, 3), views, np.int8)})
        store.commit(change)
    kept = store.view("door", "as drawn")
    assert kept is not None
    np.testing.assert_array_equal(kept["mean"], np.full((2, 3), 2, np.int8))
    assert store.view("door", "drawn anew") is None
    assert store.view("gate", "as drawn") is None


def test_a_store_of_before_scenes_were_kept_is_given_a_place_for_them(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    with Store(path) as store:
        store.set_timeline("boot", 0, known=True)
        store.commit(change_of())
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE views")
    db.close()
    with Store(path) as store:
        assert store.view("door", "as drawn") is None
        assert store.totals("door")


def test_a_new_geometry_begins_an_epoch_and_the_old_one_stays_queryable(store: Store) -> None:
    places = {("line", "entrance"): "a", ("heat", ""): "8 px"}
    assert store.begin_epochs("door", places, None) == {("line", "entrance"): 1, ("heat", ""): 1}
    store.commit(change_of(0, n=3, us=30))
    assert store.begin_epochs("door", places, None) == {("line", "entrance"): 1, ("heat", ""): 1}  # the same again: nothing new
    assert store.begin_epochs("door", {**places, ("line", "entrance"): "b"}, 5) == {("line", "entrance"): 2, ("heat", ""): 1}
    store.commit(change_of(0, n=4, us=40))
    assert store.totals("door") == Tally({IN: 4})
    assert store.totals("door", epoch=1) == Tally({IN: 3})
    assert heat_of(store).sum() == 70  # the grid is as it was
    # Back to the first geometry is a third epoch: nobody can say what was between.
    assert store.begin_epochs("door", places, None)[("line", "entrance")] == 3


def test_a_reset_begins_an_epoch_of_everything_of_that_camera_only(store: Store) -> None:
    for camera in ("door", "hall"):
        store.begin_epochs(camera, {("line", "entrance"): "a", ("heat", ""): "h"}, None)
        store.commit(change_of(0, camera=camera, n=3, us=30))
    store.reset("door", 7)
    store.commit(change_of(0, n=1, us=2))
    assert store.totals("door") == Tally({IN: 1})
    assert heat_of(store).sum() == 2
    assert store.totals("door", epoch=1) == Tally({IN: 3})
    assert heat_of(store, epoch=1).sum() == 30
    assert store.totals("hall") == Tally({IN: 3})


def test_what_was_not_said_of_an_epoch_is_not_said_of_the_next(store: Store) -> None:
    store.begin_epochs("door", {("line", "entrance"): "a", ("line", "exit"): "x"}, None)
    other = Key("line", "exit", "person", "in")
    store.commit(Change("door", "boot", checkpoint=checkpoint(unsaid=Tally({IN: 2, other: 5}))))
    store.begin_epochs("door", {("line", "entrance"): "b", ("line", "exit"): "x"}, None)
    point = store.checkpoint("door")
    assert point is not None
    assert point.unsaid == Tally({other: 5})


@settings(max_examples=25)
@given(
    parts=st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, CELLS - 1), st.integers(0, 2**45), st.integers(0, 5), st.integers(0, 1)),
        min_size=1,
        max_size=30,
    ),
    cut=st.integers(0, 300),
)
def test_condensing_keeps_every_sum_to_the_last_bit_and_the_span(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, ...]], cut: int
) -> None:
    with Store(tmp_path_factory.mktemp("condense") / "edge.db") as store:
        store.set_timeline("boot", 12 * HOUR_NS, known=True)
        for minute, cell, us, n, resets in parts:
            if resets:
                store.reset("door", None)
            elif not store.epochs("door"):
                store.begin_epochs("door", {("line", "entrance"): "a", ("heat", ""): "h"}, None)
            store.commit(change_of(minute, n=n, us=us, cell=cell))
        epochs = range(1, 2 + max(store.epochs("door").values(), default=1))
        before = [(store.totals("door", epoch=e), heat_of(store, epoch=e).tolist()) for e in epochs]
        covered, windows = store.heat("door", CELLS)[1], windows_of(store)
        saved = store.condense(12 * HOUR_NS + cut * MINUTE_NS)
        after = [(store.totals("door", epoch=e), heat_of(store, epoch=e).tolist()) for e in epochs]
        assert after == before
        assert store.heat("door", CELLS)[1] == covered
        now = windows_of(store)
        assert len(now) == len(windows) - saved
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(now))
        ripe = {t0 // HOUR_NS for t0, t1 in windows if t1 // HOUR_NS * HOUR_NS <= cut * MINUTE_NS and (t0 // HOUR_NS + 1) * 60 <= cut}
        assert all(sum(t0 // HOUR_NS == hour for t0, _ in now) == 1 for hour in ripe)
        assert store.condense(12 * HOUR_NS + cut * MINUTE_NS) == 0


def test_what_comes_to_an_hour_that_was_condensed_is_summed_into_it(store: Store) -> None:
    for minute in range(3):
        store.commit(change_of(minute))
    store.condense(HOUR_NS)
    store.commit(change_of(0))  # into the merged window's own start
    store.commit(change_of(1))
    assert store.totals("door") == Tally({IN: 5})
    store.condense(HOUR_NS)
    assert windows_of(store) == [(0, 3 * MINUTE_NS)]
    assert store.totals("door") == Tally({IN: 5})


def test_minutes_of_a_clock_that_was_never_right_are_not_condensed(store: Store) -> None:
    store.set_timeline("lost", 0, known=False)
    for minute in range(3):
        store.commit(change_of(minute, timeline="lost"))
    assert store.condense(100 * HOUR_NS) == 0


def test_a_store_that_nobody_listens_to_keeps_no_messages(tmp_path: Path) -> None:
    with Store(tmp_path / "edge.db", outbox_rows=0) as store, StoreOutbox(store.path) as outbox:
        change = change_of()
        change.outbox += [event(), counts(1, 1)]
        change.last_values.append(Message("door/state", b"x", retain=True))
        store.commit(change)
        assert outbox.pending(0, 10) == []
        assert outbox.last_values() == []


def test_opened_again_it_is_the_same_stream_with_the_same_numbers(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "edge.db"
    with Store(path) as store:
        stream = store.stream
        store.set_timeline("boot", 0, known=True)
        change = change_of(n=4)
        change.outbox.append(event())
        store.commit(change)
    with Store(path) as store, StoreOutbox(path) as outbox:
        assert store.stream == stream
        change = change_of(n=1)
        change.windows[0].tally[OUT] += 2
        change.outbox.append(event())
        store.commit(change)
        assert store.totals("door") == Tally({IN: 5, OUT: 2})
        assert [queued.seq for queued in outbox.pending(0, 10)] == [1, 2]
