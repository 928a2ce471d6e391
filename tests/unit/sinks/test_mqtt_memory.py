"""What a publisher learns from broken lines and from others of its name."""

from __future__ import annotations

import time

import pytest

from edge.sinks.mqtt_memory import Memory, who_says

OWN = b'{"state":"online","stream":"own"}'


def test_a_line_that_breaks_three_times_under_one_large_message_lowers_what_is_sent():
    memory = Memory(OWN, "edge/gate")
    for _ in range(2):
        memory.broke(100_000, progress=False)
    assert memory.most_bytes is None
    memory.broke(100_000, progress=False)
    assert memory.most_bytes == 75_000
    assert not memory.takes(bytes(75_001))
    assert memory.takes(bytes(75_000))


@pytest.mark.parametrize("breaks", [[(400, False)] * 9, [(100_000, True)] * 9, [(100_000, False), (90_000, False)] * 9])
def test_a_bad_line_is_not_blamed_on_small_messages_or_on_large_ones_that_differ(breaks):
    memory = Memory(OWN, "edge/gate")
    for heaviest, progress in breaks:
        memory.broke(heaviest, progress=progress)
    assert memory.most_bytes is None


def test_what_the_broker_says_of_its_limit_never_raises_what_was_learned():
    memory = Memory(OWN, "edge/gate")
    memory.lower(40_000)
    memory.begin(100_000)
    assert memory.most_bytes == 30_000
    memory.begin(20_000)
    assert memory.most_bytes == 20_000


def test_what_was_found_out_is_forgotten_after_a_day_and_what_was_said_is_not(monkeypatch):
    memory = Memory(OWN, "edge/gate")
    memory.begin(100_000)
    memory.lower(40_000)
    noticed_s = time.monotonic()
    assert memory.most_bytes == 30_000
    monkeypatch.setattr(time, "monotonic", lambda: noticed_s + 86_500)
    assert memory.most_bytes == 100_000


def test_what_is_left_out_is_counted_and_said_once_a_topic(caplog):
    memory = Memory(OWN, "edge/gate")
    for _ in range(3):
        memory.leave_out("edge/gate/hall/heatmap", 50_000)
    assert memory.left_out == 3
    assert len(caplog.records) == 1


@pytest.mark.parametrize("stream", [None, "own"])
def test_ourselves_and_who_does_not_say_are_nobody_else(stream):
    memory = Memory(OWN, "edge/gate")
    assert not memory.meet(stream)
    assert memory.namesake == ""


def test_another_is_met_once_a_connection():
    memory = Memory(OWN, "edge/gate")
    assert [memory.meet("other"), memory.meet("other")] == [True, False]
    assert "its stream is other" in memory.namesake
    memory.begin(None)
    assert memory.meet("other")


def test_somebody_who_makes_others_up_takes_no_memory():
    memory = Memory(OWN, "edge/gate")
    assert sum(memory.meet(str(number)) for number in range(100)) == 16
    assert len(who_says(b'{"state": "online", "stream": "%s"}' % (b"x" * 100_000))[1]) == 64


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (OWN, ("online", "own")),
        (b"offline", ("offline", None)),
        (b"", ("", None)),
        (b"[1]", ("", None)),
        (b"7", ("", None)),
        (b"\xff\xfe", ("", None)),
        (b"[" * 100_000, ("", None)),
        (b'{"state":"offline"}', ("offline", None)),
    ],
)
def test_any_bytes_on_the_status_topic_are_read_without_harm(payload, said):
    assert who_says(payload) == said
