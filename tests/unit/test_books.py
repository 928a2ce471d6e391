"""Results become numbers and messages that agree with one another, however they are cut into commits. How they are stored is the store's test."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.books import BookOptions, Books
from edge.change import Change
from edge.count.tally import SEEN, Key, Tally
from edge.data import Event, Result, Size, Stamp, Tracks, Warmth
from edge.runtime import MediaTimeline
from edge.store import Store, StoreOutbox

FRAME_NS = 100_000_000
CELLS = 6
NAMES = ("person", "dog")
EPOCHS = {("line", "entrance"): 1, ("zone", "till"): 1, ("heat", ""): 1}
START_NS = 1_800_000_000_000_000_000


def books_of(**changes: Any) -> Books:
    given: dict[str, Any] = {
        "device": "shop", "camera": "door", "boot_id": "boot", "timeline": MediaTimeline("boot", START_NS), "class_names": NAMES,
        "cells": CELLS, "epochs": EPOCHS, "totals": Tally(),
    }  # fmt: skip
    return Books(changes.pop("options", BookOptions(counts_every_s=1.0)), **{**given, **changes})


def line(verb: str, class_id: int = 0) -> Event:
    return Event("line", "entrance", verb, 1, class_id, 5, 6, (1.0, 2.0))  # type: ignore[arg-type]


def zone(verb: str, dwell_s: float | None = None) -> Event:
    return Event("zone", "till", verb, 1, 0, 5, 6, (1.0, 2.0), None if dwell_s is None else round(dwell_s * 1e9))  # type: ignore[arg-type]


def result(t_ns: int, events: Sequence[Event] = (), warmth: Warmth | None = None) -> Result:
    return Result(Stamp("door", t_ns // FRAME_NS, t_ns, Size(64, 48)), Tracks.empty(), tuple(events), warmth or Warmth.empty())


def messages(*changes: Change) -> list[dict[str, Any]]:
    return [json.loads(draft("stream", seq).payload) for change in changes for seq, draft in enumerate(change.outbox, 1)]


def deltas(said: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """What a listener adds up from the counts messages."""
    sums: Counter[str] = Counter()
    for message in said:
        if "lines" in message:
            numbers = {**message["lines"]["entrance"], **message["zones"]["till"]}
            sums.update({verb: numbers[verb] for verb in ("in", "out", "entered", "exited", "appeared", "vanished")})
    return +sums


def test_the_first_frame_only_begins_an_interval() -> None:
    books = books_of()
    books.enter(result(0), {})
    books.say_counts()
    assert messages(books.change) == []
    assert books.totals == Tally({SEEN: 0})


def test_what_the_first_frame_counted_is_said() -> None:
    books = books_of()
    books.enter(result(0, [line("in")]), {})
    books.say_counts()
    assert deltas(messages(books.change)) == Counter({"in": 1})


def test_counts_are_said_once_an_interval_with_the_times_of_its_ends() -> None:
    books = books_of()
    for number in range(31):
        books.enter(result(number * FRAME_NS), {})
    said = messages(books.change)
    assert [message["interval_s"] for message in said] == [1.0, 1.0, 1.0]
    assert said[0]["from"] == "2027-01-15T08:00:00.000Z"
    assert [message["to"] for message in said[:-1]] == [message["from"] for message in said[1:]]
    assert {message["quality"] for message in said} == {1.0}


@pytest.mark.parametrize(
    ("frames_s", "blind_s"),
    [((0.0, 0.5, 1.0, 3.0, 4.0), ()), ((0.0, 1.0, 2.0, 3.0, 4.0), (2.0, 3.0))],
    ids=["no frames for two seconds: nobody knows", "frames that show nothing"],
)
def test_quality_is_the_share_of_the_interval_in_which_the_camera_saw(frames_s: Sequence[float], blind_s: Sequence[float]) -> None:
    books = books_of(options=BookOptions(counts_every_s=4.0, max_gap_s=1.0))
    for t_s in frames_s:
        books.enter(result(round(t_s * 1e9)), {"till": 2}, sees=t_s not in blind_s)
    (said,) = messages(books.change)
    assert said["quality"] == 0.5
    assert said["zones"]["till"]["presence_s"] == 4.0
    assert said["zones"]["till"]["occupied_s"] == 2.0
    assert books.totals[SEEN] == 2_000_000


def test_dwell_and_occupancy_are_told_of_all_since_the_epoch() -> None:
    books = books_of()
    books.enter(result(0, [zone("appeared"), zone("entered"), zone("entered"), zone("exited", 3.0), zone("vanished", 5.0)]), {"till": 1})
    books.enter(result(FRAME_NS * 10), {"till": 1})
    (said,) = [message for message in messages(books.change) if "zones" in message]
    till = said["zones"]["till"]
    assert till["occupancy"] == 1
    assert till["dwell"]["count"] == 2
    assert till["dwell"]["mean_s"] == 4.0
    assert {k: n for k, n in till["dwell"]["histogram"].items() if n} == {"5": 2}


def test_a_window_belongs_to_a_minute_of_utc() -> None:
    books = books_of(timeline=MediaTimeline("boot", START_NS + 59_900_000_000))
    for number in range(3):
        books.enter(result(number * FRAME_NS, [line("in")]), {})
    assert [(w.t0_ns, w.t1_ns, w.tally[Key("line", "entrance", "person", "in")]) for w in books.change.windows.values()] == [
        (-59_900_000_000, FRAME_NS, 1),
        (FRAME_NS, FRAME_NS + 60_000_000_000, 2),
    ]


def test_a_commit_that_failed_is_tried_again_with_more() -> None:
    books = books_of()
    books.enter(result(0, [line("in")]), {})
    change = books.change
    books.enter(result(FRAME_NS, [line("in")]), {})
    assert books.change is change
    books.committed()
    assert books.change is not change
    assert (books.change.windows, books.change.outbox, books.change.last_values) == ({}, [], [])
    assert books.totals[Key("line", "entrance", "person", "in")] == 2


def test_only_the_newest_value_of_a_topic_waits_for_a_commit() -> None:
    from edge.data import Message

    books = books_of()
    for text in (b"1", b"2", b"3"):
        books.say(Message("door/heatmap", text), Message("door/heatmap/meta", text))
    assert [message.payload for message in books.change.last_values] == [b"3", b"3"]


def test_what_another_run_could_not_say_goes_into_the_first_counts() -> None:
    unsaid = Tally({Key("line", "entrance", "person", "in"): 3, SEEN: 9_000_000})
    totals = Tally({Key("line", "entrance", "person", "in"): 10})
    books = books_of(unsaid=unsaid, totals=totals)
    books.enter(result(0, [line("in")]), {})
    books.enter(result(20 * FRAME_NS), {})  # a gap, of which nothing was seen
    (said,) = [message for message in messages(books.change) if "lines" in message]
    assert (said["lines"]["entrance"]["in"], said["lines"]["entrance"]["total_in"]) == (4, 11)
    assert said["quality"] == 0.0


steps = st.lists(
    st.tuples(
        st.integers(1, 15),  # tenths of a second since the frame before
        st.lists(
            st.sampled_from(
                [line("in"), line("out"), line("in", 1), zone("entered"), zone("exited", 2.5), zone("appeared"), zone("vanished", 70.0)]
            ),
            max_size=3,
        ),
        st.lists(st.tuples(st.integers(0, CELLS - 1), st.integers(0, 2**40), st.integers(0, 1)), max_size=3),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=40,
)


def results_of(drawn: Sequence[Any]) -> list[tuple[Result, dict[str, int]]]:
    t_ns, found = 0, []
    for tenths, events, warm, inside in drawn:
        t_ns += tenths * FRAME_NS
        warmth = Warmth(*(np.array(column) for column in zip(*warm, strict=True))) if warm else None
        found.append((result(t_ns, events, warmth), {"till": inside}))
    return found


def keep(path: Path, found: Sequence[tuple[Result, dict[str, int]]], cuts: Sequence[bool], kills: Sequence[bool]) -> dict[str, Any]:
    """Enter all results, committing where `cuts` says, going on with books of a new process where `kills` says."""
    with Store(path) as store, StoreOutbox(path) as outbox:
        store.set_timeline("boot", START_NS, known=True)
        store.begin_epochs("door", {key: "digest" for key in EPOCHS}, None)
        books = books_of()
        for (one, occupancy), cut, kill in zip(found, cuts, kills, strict=False):
            books.enter(one, occupancy)
            if cut or kill:
                books.checkpoint("key", one.stamp.index, "digest", {}, done=False)
                store.commit(books.change)
                books.committed()
            if kill:
                resume = store.checkpoint("door")
                assert resume is not None
                books = books_of(totals=store.totals("door"), resume=resume)
        books.say_counts()
        store.commit(books.change)
        said = [json.loads(queued.message.payload) for queued in outbox.pending(0, 10_000)]
        assert [message["seq"] for message in said] == list(range(1, len(said) + 1))
        assert store.totals("door") == +books.totals
        return {
            "totals": store.totals("door"),
            "heat": [store.heat("door", CELLS, class_name=name)[0].tolist() for name in NAMES],
            "said": [{k: v for k, v in message.items() if k != "stream"} for message in said],
        }


@settings(max_examples=30)
@given(drawn=steps, cuts=st.lists(st.booleans(), min_size=40, max_size=40), kills=st.lists(st.booleans(), min_size=40, max_size=40))
def test_any_split_into_commits_and_lives_gives_the_same_numbers_and_messages(
    tmp_path_factory: pytest.TempPathFactory, drawn: Sequence[Any], cuts: list[bool], kills: list[bool]
) -> None:
    folder, found = tmp_path_factory.mktemp("books"), results_of(drawn)
    whole = keep(folder / "whole.db", found, [False] * len(found), [False] * len(found))
    parts = keep(folder / "parts.db", found, cuts, kills)
    assert parts == whole
    totals: Tally = whole["totals"]
    fields = Counter({verb: sum(n for key, n in totals.items() if key.field == verb) for verb in deltas(whole["said"])})
    assert deltas(whole["said"]) == fields
    assert sum(n for key, n in totals.items() if key.field in ("in", "out", "entered", "exited", "appeared", "vanished")) == fields.total()
    assert sum("kind" in message for message in whole["said"]) == fields.total()
    assert sum(sum(grid) for grid in whole["heat"]) == sum(int(one.warmth.us.sum()) for one, _ in found)
    seen = sum(message["quality"] * message["interval_s"] for message in whole["said"] if "quality" in message)
    assert seen == pytest.approx(totals[SEEN] * 1e-6, abs=1e-5 * len(found))


def test_a_resumed_run_goes_on_in_the_middle_of_an_interval() -> None:
    books = books_of()
    for number in range(5):
        books.enter(result(number * FRAME_NS, [line("in")]), {})
    books.checkpoint("key", 4, "digest", {}, done=False)
    point = books.change.checkpoint
    assert point is not None
    assert (point.frame, point.t_ns, point.said_ns, point.unsaid[Key("line", "entrance", "person", "in")]) == (4, 4 * FRAME_NS, 0, 5)
    later = books_of(resume=replace(point), totals=books.totals.copy())
    for number in range(5, 11):
        later.enter(result(number * FRAME_NS), {})
    (said,) = [message for message in messages(later.change) if "lines" in message]
    assert (said["interval_s"], said["quality"], said["lines"]["entrance"]["in"]) == (1.0, 1.0, 5)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf")])
def test_options_that_cannot_be_meant_are_refused(wrong: float) -> None:
    for name in ("counts_every_s", "max_gap_s"):
        with pytest.raises(ValueError, match=name):
            BookOptions(**{name: wrong})


def test_after_a_reset_the_books_and_the_store_begin_anew_together_and_nobody_inside_is_lost(tmp_path: Path) -> None:
    with Store(tmp_path / "edge.db", outbox_rows=100) as store:
        store.set_timeline("boot", START_NS, known=True)
        store.begin_epochs("door", {key: "digest" for key in EPOCHS}, None)
        books = books_of(since=store.epochs_since("door"))
        books.enter(result(0, [line("in"), zone("entered"), zone("entered")]), {"till": 2})
        books.say_counts()
        before = books.change
        store.commit(before)
        books.committed()
        books.reset(START_NS)
        books.enter(result(FRAME_NS, [zone("exited", 1.0)]), {"till": 1})
        books.say_counts()
        after = books.change
        store.commit(after)
        books.committed()
        told = messages(before, after)[-1]
        assert (told["zones"]["till"]["epoch"], told["zones"]["till"]["occupancy"], told["zones"]["till"]["appeared"]) == (2, 1, 2)
        assert told["lines"]["entrance"]["total_in"] == 0
        assert messages(before)[-1]["lines"]["entrance"]["since"] is None  # the clock was not right when it began
        assert told["lines"]["entrance"]["since"] == told["zones"]["till"]["since"] == "2027-01-15T08:00:00.000Z"
        assert set(store.epochs_since("door").values()) == {START_NS}
        assert {k: n for k, n in store.totals("door").items() if k != SEEN} == {k: n for k, n in books.totals.items() if k != SEEN}
        assert store.totals("door", epoch=1)[Key("line", "entrance", "person", "in")] == 1
        assert deltas(messages(before, after)) == Counter({"in": 1, "entered": 2, "appeared": 2, "exited": 1})


def test_a_reset_whose_commit_failed_is_done_with_the_next_one_and_once(tmp_path: Path) -> None:
    with Store(tmp_path / "edge.db") as store:
        store.set_timeline("boot", START_NS, known=True)
        store.begin_epochs("door", {key: "digest" for key in EPOCHS}, None)
        books = books_of()
        books.enter(result(0), {})
        books.reset(None)
        books.enter(result(FRAME_NS, [line("in")]), {})
        store.commit(books.change)  # what failed before was never written
        books.committed()
        books.enter(result(2 * FRAME_NS, [line("in")]), {})
        store.commit(books.change)
        assert store.epochs("door") == {key: 2 for key in EPOCHS}
        assert store.totals("door")[Key("line", "entrance", "person", "in")] == 2
