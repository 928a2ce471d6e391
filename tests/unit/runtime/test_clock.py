"""Whatever the system clock does, no minute is lost or doubled. The clocks here are the test's own."""

from __future__ import annotations

import itertools
import logging
import sqlite3

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.books import BookOptions, Books
from edge.count.tally import SEEN, Tally
from edge.data import Result, Size, Stamp, Tracks, Warmth
from edge.errors import DiskFull
from edge.runtime import BootTimeline, Clock, MediaTimeline
from edge.store import Store

S = 1_000_000_000
NOW_NS = 1_795_000_000 * S  # November 2026
YEAR_NS = 365 * 86_400 * S


class Machine:
    """A monotonic clock that runs and a system clock that can be set."""

    def __init__(self, system_ns: int = NOW_NS) -> None:
        self.t_ns = 5 * S
        self.offset_ns = system_ns - self.t_ns
        self.told: list[tuple[int, bool, int | None]] = []

    def clock(self, remembered: tuple[int, bool, int | None] | None = None) -> Clock:
        return Clock(
            monotonic_ns=lambda: self.t_ns,
            system_ns=lambda: self.t_ns + self.offset_ns,
            on_offset=lambda *told: self.told.append(told),
            remembered=remembered,
        )


def test_a_clock_that_is_right_from_the_start_is_told_once() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.utc_now_ns() is None
    for _ in range(3):
        clock.observe()
        machine.t_ns += S
    assert machine.told == [(machine.offset_ns, True, None)]
    assert clock.utc_now_ns() == NOW_NS + 3 * S


def test_a_clock_that_shows_1970_is_not_known_until_it_is_set() -> None:
    machine = Machine(7 * S)
    clock = machine.clock()
    clock.observe()
    assert clock.utc_now_ns() is None
    assert BootTimeline(clock, "b").utc_ns(0) is None
    machine.t_ns += 60 * S
    machine.offset_ns = NOW_NS
    clock.observe()
    assert machine.told == [(2 * S, False, None), (NOW_NS, True, machine.t_ns + 1)]
    assert BootTimeline(clock, "b").utc_ns(5 * S) == NOW_NS + 5 * S  # what was before is filed under its true time


def test_an_hour_back_is_a_step_and_the_new_offset_holds_for_the_whole_boot() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.observe()
    machine.offset_ns -= 3600 * S
    clock.observe()
    assert machine.told[-1] == (machine.offset_ns, True, machine.t_ns + 1)
    assert BootTimeline(clock, "b").utc_ns(0) == machine.offset_ns


def test_a_jump_to_a_time_that_cannot_be_is_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    clock = machine.clock()
    clock.observe()
    before = (clock.offset_ns, clock.minute(machine.t_ns))
    for jump_ns in (50 * YEAR_NS, -40 * YEAR_NS):
        machine.offset_ns += jump_ns
        with caplog.at_level(logging.WARNING):
            for _ in range(5):
                clock.observe()
        machine.offset_ns -= jump_ns
        clock.observe()
    assert (clock.offset_ns, clock.minute(machine.t_ns)) == before
    assert len(machine.told) == 1
    assert caplog.text.count("cannot be") == 1  # said once a minute at most


def test_drift_is_followed_only_when_it_has_become_a_step() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.observe()
    for _ in range(10):
        machine.offset_ns += S // 10
        clock.observe()
    assert len(machine.told) == 2
    assert abs(clock.offset_ns - machine.offset_ns) <= S // 2


def test_what_could_not_be_told_is_told_again() -> None:
    machine = Machine()
    clock = machine.clock()
    refuse = [True, True]

    def on_offset(*told: object) -> None:
        if refuse:
            refuse.pop()
            raise DiskFull("full")
        machine.told.append(told)  # type: ignore[arg-type]

    clock._on_offset = on_offset
    with pytest.raises(DiskFull):
        clock.observe()
    machine.offset_ns += 100 * S
    with pytest.raises(DiskFull):
        clock.observe()
    clock.observe()
    assert [told[0] for told in machine.told] == [machine.offset_ns - 100 * S, machine.offset_ns]


def test_a_second_process_of_a_boot_goes_on_with_the_firsts_minutes() -> None:
    machine = Machine()
    first = machine.clock()
    first.observe()
    machine.offset_ns += S // 100  # what reading two clocks one after another may differ by, and drift
    second = machine.clock(remembered=(first.offset_ns, True, None))
    second.observe()
    assert second.minute(machine.t_ns) == first.minute(machine.t_ns)
    assert second.utc_now_ns() == first.utc_now_ns()
    assert len(machine.told) == 1


def test_a_minute_of_a_file_is_a_minute_of_the_time_it_was_filmed() -> None:
    timeline = MediaTimeline("m", NOW_NS + 59 * S)
    assert timeline.utc_ns(S) == NOW_NS + 60 * S
    t0_ns, t1_ns = timeline.window(0)
    assert ((t0_ns + timeline.start_utc_ns) % (60 * S), t1_ns - t0_ns) == (0, 60 * S)
    before_1970 = MediaTimeline("m", -90 * S)
    assert before_1970.window(0) == (-30 * S, 30 * S)


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 90 * S, -3600 * S, 3600 * S, 7 * S + 123, 50 * YEAR_NS, -60 * YEAR_NS]),  # somebody sets the clock
        st.integers(1, 70),  # frames until then
        st.integers(0, 3),  # frames that are worked on only after the next observation
        st.booleans(),  # a commit
        st.sampled_from([False, False, False, True]),  # the process ends and another begins
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=60)
@given(steps, st.booleans())
@example([(90 * S, 51, 0, False, False), (0, 30, 0, False, False)], True)  # a step at the very moment in which a minute begins
@example([(0, 51, 0, True, False), (90 * S, 60, 0, True, False), (0, 30, 0, False, False)], True)
def test_minutes_are_disjoint_and_sum_to_what_was_seen(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, ...]], in_1970: bool
) -> None:
    path = tmp_path_factory.mktemp("clock") / "edge.db"
    machine, frames = Machine(9 * S if in_1970 else NOW_NS), 0
    late: list[int] = []

    def live(store: Store) -> tuple[Clock, Books]:
        clock = Clock(
            monotonic_ns=lambda: machine.t_ns,
            system_ns=lambda: machine.t_ns + machine.offset_ns,
            on_offset=lambda offset, known, step: store.set_timeline("boot", offset, known=known, step_at_ns=step),
            remembered=store.timeline("boot"),
        )
        clock.observe()
        return clock, Books(
            BookOptions(max_gap_s=2.0), device="d", camera="c", boot_id="boot", timeline=BootTimeline(clock, "boot"), class_names=("person",),
            cells=1, epochs={}, totals=store.totals("c"), resume=store.checkpoint("c"),
        )  # fmt: skip

    def enter(books: Books, t_ns: int) -> None:
        nonlocal frames
        frames += 1
        warmth = Warmth(np.zeros(1, np.int32), np.array([1]), np.zeros(1, np.int16))
        books.enter(Result(Stamp("c", frames, t_ns, Size(8, 8)), Tracks.empty(), (), warmth), {})

    def commit(store: Store, books: Books) -> None:
        books.checkpoint("", frames, "", {}, done=False)
        store.commit(books.change)
        books.committed()

    begun_ns = machine.t_ns
    with Store(path) as store:
        clock, books = live(store)
        for jump_ns, count, waiting, commits, ends in drawn:
            for number in range(count):
                machine.t_ns += S
                if number >= count - waiting:
                    late.append(machine.t_ns)
                else:
                    enter(books, machine.t_ns)
            if abs(machine.offset_ns + jump_ns) < 2**63 - 2**60:  # no kernel's clock goes farther
                machine.offset_ns += jump_ns
            clock.observe()
            while late:
                enter(books, late.pop(0))
            if commits or ends:
                commit(store, books)
            if ends:
                clock, books = live(store)
        commit(store, books)
        totals: Tally = store.totals("c")
        assert store.heat("c", 1)[0].sum() == frames
    db = sqlite3.connect(path)
    windows = db.execute("SELECT t0_ns, t1_ns, n FROM windows JOIN tally ON window = id WHERE field = 'seen_us' ORDER BY t0_ns").fetchall()
    spans = db.execute("SELECT t0_ns, t1_ns FROM windows ORDER BY t0_ns").fetchall()
    db.close()
    assert totals[SEEN] == (machine.t_ns - begun_ns - S) // 1000  # the first frame came a second after the start
    assert all(t0 < t1 <= t0 + 60 * S for t0, t1 in spans)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    assert all(n <= (t1 - t0) // 1000 + 2_000_000 for t0, t1, n in windows)
