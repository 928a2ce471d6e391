"""What waits for a broker: order, last values, and what a full outbox merges, drops and says. Delivery itself is the publisher's contract."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.change import Change
from edge.data import Message
from edge.store import Store, StoreOutbox
from tests.unit.store.changes import counts, event


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[StoreOutbox]:
    with Store(tmp_path / "edge.db", outbox_rows=100) as store, StoreOutbox(store.path) as opened:
        opened.store = store  # type: ignore[attr-defined]
        yield opened


def send(outbox: Any, *drafts: Any, camera: str = "door", last_values: tuple[Message, ...] = ()) -> None:
    outbox.store.commit(Change(camera, "boot", outbox=list(drafts), last_values=list(last_values)))


def rows(outbox: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """All that waits, without handing it out."""
    found = outbox.store._db.execute("SELECT seq, topic, payload FROM outbox ORDER BY seq").fetchall()
    return [(seq, topic, json.loads(payload)) for seq, topic, payload in found]


def test_messages_wait_in_the_order_of_their_commits_until_they_are_delivered(outbox: StoreOutbox) -> None:
    send(outbox, event(track=1), event(track=2))
    send(outbox, counts(2, 2), event("hall", track=3), camera="hall")
    assert [q.seq for q in outbox.pending(0, 10)] == [1, 2, 3, 4]
    assert [q.seq for q in outbox.pending(1, 2)] == [2, 3]
    outbox.delivered([1, 3])
    assert [q.seq for q in outbox.pending(0, 10)] == [2, 4]
    outbox.delivered([2, 4, 4, 77])
    assert outbox.pending(0, 10) == []
    send(outbox, event())
    assert [q.seq for q in outbox.pending(0, 10)] == [5]  # a number is never given again


def test_a_payload_holds_the_stream_and_its_own_number(outbox: Any) -> None:
    send(outbox, event(), counts(1, 1))
    for queued in outbox.pending(0, 10):
        said = json.loads(queued.message.payload)
        assert (said["stream"], said["seq"]) == (outbox.store.stream, queued.seq)


def test_the_newest_value_of_a_topic_is_kept(outbox: StoreOutbox) -> None:
    for text in (b"old", b"new"):
        send(outbox, last_values=(Message("door/state", text, retain=True), Message("door/heatmap", text, 1, True, "image/jpeg")))
    assert outbox.last_values() == [Message("door/heatmap", b"new", 1, True, "image/jpeg"), Message("door/state", b"new", 1, True)]


def test_a_last_value_is_held_back_while_its_topic_waits_in_the_outbox(outbox: StoreOutbox) -> None:
    send(outbox, counts(1, 1), counts(2, 3))
    assert outbox.last_values() == []
    first, second = outbox.pending(0, 10)
    outbox.delivered([first.seq])
    assert outbox.last_values() == []
    outbox.delivered([second.seq])
    assert outbox.last_values() == [second.message]


def test_a_full_outbox_merges_counts_first_and_loses_no_number(outbox: Any) -> None:
    for number in range(40):
        send(outbox, counts(1, number + 1), event(track=number))
    for number in range(40, 70):
        send(outbox, counts(1, number + 1))
    kept = rows(outbox)
    assert len(kept) <= 100
    assert sum(topic == "door/events" for _, topic, _ in kept) == 40
    said = [payload for _, topic, payload in kept if topic == "door/counts"]
    assert sum(p["lines"]["entrance"]["in"] for p in said) == 70
    assert sum(p["lines"]["entrance"]["classes"]["person"]["in"] for p in said) == 70
    assert sum(p["interval_s"] for p in said) == 700
    assert sum(p["quality"] * p["interval_s"] for p in said) == 350
    assert [p["lines"]["entrance"]["total_in"] for p in said] == sorted(p["lines"]["entrance"]["total_in"] for p in said)
    assert all(p["seq"] == seq for seq, _, p in kept)
    # The oldest were merged: the end of the queue has its full resolution.
    assert said[0]["interval_s"] > 10
    assert said[-1]["interval_s"] == 10


def test_the_retained_counts_are_the_merged_message_when_it_was_merged(outbox: Any) -> None:
    send(outbox, *[event(track=n) for n in range(99)], counts(1, 1))
    send(outbox, counts(1, 2), camera="door")
    ((payload,),) = outbox.store._db.execute("SELECT payload FROM last_values").fetchall()
    assert json.loads(payload) == rows(outbox)[-1][2]
    assert json.loads(payload)["lines"]["entrance"]["in"] == 2


def test_then_the_oldest_events_go_and_a_notice_says_which(outbox: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for number in range(130):
            send(outbox, event(track=number))
    kept = rows(outbox)
    assert len(kept) <= 100
    notices = [payload for _, _, payload in kept if payload["kind"] == "dropped"]
    assert len(notices) == 1
    (notice,) = notices
    events = [payload for _, _, payload in kept if payload["kind"] != "dropped"]
    assert notice["events"] + len(events) == 130
    assert (notice["from_seq"], notice["to_seq"]) == (1, notice["events"])
    assert kept[0][2] == notice  # in the place of what is gone
    assert [payload["seq"] for payload in events] == list(range(notice["to_seq"] + 1, 131))
    assert "dropped unsent" in caplog.text


def test_notices_of_earlier_drops_are_summed_into_the_newest(outbox: Any) -> None:
    for number in range(400):
        send(outbox, event(track=number))
    kept = rows(outbox)
    notices = [payload for _, _, payload in kept if payload["kind"] == "dropped"]
    assert len(notices) == 1
    assert notices[0]["events"] + len(kept) - 1 == 400
    assert notices[0]["from_seq"] == 1


def test_what_was_handed_out_is_never_touched(outbox: Any) -> None:
    send(outbox, *[event(track=n) for n in range(30)], *[counts(1, n + 1) for n in range(30)])
    handed = {queued.seq: queued.message for queued in outbox.pending(0, 60)}
    for number in range(200):
        send(outbox, event(track=number), counts(1, 31 + number))
    still = {queued.seq: queued.message for queued in outbox.pending(0, 60)}
    assert still == handed


def test_a_reopened_store_remembers_what_was_handed_out(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    with Store(path, outbox_rows=100) as store, StoreOutbox(path) as outbox:
        store.commit(Change("door", "boot", outbox=[event(track=n) for n in range(50)]))
        handed = outbox.pending(0, 50)
    with Store(path, outbox_rows=100) as store, StoreOutbox(path) as outbox:
        store.commit(Change("door", "boot", outbox=[event(track=n) for n in range(100)]))
        assert outbox.pending(0, 50) == handed


def test_much_that_waits_is_counted_by_an_index_and_not_by_its_payloads(outbox: Any) -> None:
    send(outbox, event(), counts(1, 1))
    for query in ("SELECT count(*) FROM outbox", "SELECT topic FROM last_values WHERE topic NOT IN (SELECT topic FROM outbox)"):
        plan = " ".join(str(row[-1]) for row in outbox.store._db.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert "outbox_topics" in plan, plan
