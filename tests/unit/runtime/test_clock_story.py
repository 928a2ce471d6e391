"""One device's bad night, told through clock, books, store and messages: 1970, set, a DST night, fifty years ahead, an hour back. No minute is lost or doubled."""

from __future__ import annotations

import itertools
import json
import sqlite3
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from edge.books import BookOptions, Books
from edge.count.tally import SEEN
from edge.data import Event, Result, Size, Stamp, Tracks, Warmth
from edge.runtime import BootTimeline, Clock
from edge.store import Store, StoreOutbox

S = 1_000_000_000
NIGHT_NS = round(datetime(2026, 10, 25, 0, 40, tzinfo=timezone.utc).timestamp()) * S  # in Berlin clocks go back at 01:00 UTC
FIFTY_YEARS_NS = 50 * 365 * 86_400 * S


class Night:
    """A device that sees one frame a second, a person in each, and somebody crossing at each full minute of its own."""

    def __init__(self, store: Store) -> None:
        self.t_ns, self.system_ns, self.frames = 3 * S, 8 * S, 0  # a Jetson boots in 1970
        self._store = store
        self.clock = Clock(
            monotonic_ns=lambda: self.t_ns,
            system_ns=lambda: self.system_ns,
            on_offset=lambda offset, known, step: store.set_timeline("boot", offset, known=known, step_at_ns=step),
        )
        self.clock.observe()
        self._books = Books(
            BookOptions(), device="d", camera="c", boot_id="boot", timeline=BootTimeline(self.clock, "boot"), class_names=("person",), cells=1,
            epochs=store.begin_epochs("c", {("line", "door"): "x"}, None), totals=store.totals("c"),
        )  # fmt: skip
        self._see()

    def passes(self, minutes: float) -> None:
        for _ in range(round(minutes * 60)):
            self.t_ns += S
            self.system_ns += S
            self.clock.observe()
            self._see()
            if self.frames % 30 == 0:
                self.commit()

    def is_set_to(self, system_ns: int) -> None:
        self.system_ns = system_ns

    def _see(self) -> None:
        self.frames += 1
        crossing = Event("line", "door", "in", self.frames, 0, self.t_ns - S // 2, self.t_ns, (1.0, 1.0))
        warmth = Warmth(np.zeros(1, np.int32), np.array([1]), np.zeros(1, np.int16))
        events = (crossing,) if self.frames % 60 == 0 else ()
        self._books.enter(Result(Stamp("c", self.frames, self.t_ns, Size(8, 8)), Tracks.empty(), events, warmth), {})

    def commit(self, *, last: bool = False) -> None:
        if last:
            self._books.say_counts()
        self._books.checkpoint("", self.frames, "", {}, done=False)
        self._store.commit(self._books.change)
        self._books.committed()


def test_no_minute_of_a_bad_night_is_lost_or_doubled(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    with Store(path) as store:
        night = Night(store)
        began_ns = night.t_ns
        night.passes(3.5)  # in 1970
        night.is_set_to(NIGHT_NS)
        night.passes(40)  # over the hour that Berlin has twice
        truth_ns = night.system_ns
        night.is_set_to(truth_ns + FIFTY_YEARS_NS)  # no clock to believe
        night.passes(2)
        night.is_set_to(night.system_ns - FIFTY_YEARS_NS)
        night.passes(2)
        night.is_set_to(night.system_ns - 3600 * S)  # somebody corrects the hour
        night.passes(5)
        night.commit(last=True)
        lasted_ns = night.t_ns - began_ns

        totals = store.totals("c")
        assert totals[SEEN] == lasted_ns // 1000
        assert store.heat("c", 1)[0].sum() == night.frames
        counted = sum(n for key, n in totals.items() if key.field == "in")
        assert counted == night.frames // 60
        with StoreOutbox(path) as outbox:
            said = [json.loads(queued.message.payload) for queued in outbox.pending(0, 10_000)]
        # Each day that Berlin has: what its own minutes hold is all there is, once.
        berlin = ZoneInfo("Europe/Berlin")
        midnights = [round(datetime(2026, 10, day, tzinfo=berlin).timestamp()) * S for day in (24, 25, 26, 27)]
        days = [store.heat("c", 1, span=span)[0].sum() for span in itertools.pairwise(midnights)]
        assert sum(days) == night.frames

    counts = [payload for payload in said if "lines" in payload]
    for before, after in itertools.pairwise(counts):
        assert after["t_ns"] - before["t_ns"] == round(after["interval_s"] * S), "a gap, or an overlap"
    assert sum(payload["interval_s"] for payload in counts) * S == lasted_ns
    assert sum(payload["lines"]["door"]["in"] for payload in counts) == counted
    assert counts[-1]["lines"]["door"]["total_in"] == counted
    assert [payload["seq"] for payload in said] == list(range(1, len(said) + 1))
    assert all(payload["t"] is None or payload["t"].startswith("2026-10-2") for payload in said if "event" in payload)

    db = sqlite3.connect(path)
    windows = db.execute(
        "SELECT t0_ns, t1_ns, (SELECT n FROM tally WHERE window = id AND field = 'seen_us') FROM windows ORDER BY t0_ns"
    ).fetchall()
    db.close()
    assert all(end <= start for (_, end, _), (start, _, _) in itertools.pairwise(windows)), "two windows share a moment"
    assert all((seen or 0) * 1000 <= t1 - t0 + S for t0, t1, seen in windows), "a minute holds more than a minute"
