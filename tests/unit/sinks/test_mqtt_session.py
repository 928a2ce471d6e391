"""The order and window of one conversation, without a network: a wire that notes what it is given and acknowledges when it is told to."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from edge.data import Message
from edge.ports import Heard
from edge.sinks.mqtt_memory import Memory
from edge.sinks.mqtt_session import PAGE, Session
from tests.contracts.memory_outbox import MemoryOutbox

BIRTH = Message("status", b"online", retain=True)
OFFLINE = Message("status", b"offline", retain=True)


class Wire:
    def __init__(self, window: int = 5, max_bytes: int = 1000) -> None:
        self.acks: list[int] = []
        self.too_large: list[int] = []
        self.denied: list[int] = []
        self.heard: list[Heard] = []
        self.window = window
        self.max_bytes = max_bytes
        self.sent: list[tuple[str, bytes]] = []
        self.open: list[int] = []

    def send(self, topic: str, message: Message, *, needed: bool) -> int:
        self.sent.append((topic, message.payload))
        mid = len(self.sent)
        self.open.append(mid)
        assert len(self.open) <= self.window
        return mid

    def fits(self, topic: str, message: Message) -> bool:
        return len(message.payload) <= self.max_bytes

    def acknowledge(self, count: int | None = None) -> None:
        count = len(self.open) if count is None else count
        self.acks += self.open[:count]
        del self.open[:count]

    @property
    def payloads(self) -> list[bytes]:
        return [payload for _, payload in self.sent]


def status(*payloads: bytes) -> list[Heard]:
    return [Heard("edge/gate/status", payload) for payload in payloads]


def begin(wire: Wire, outbox: MemoryOutbox) -> tuple[Session, list[int]]:
    acked: list[int] = []
    session = Session(wire, outbox, base_topic="edge/gate", birth=BIRTH, acked=acked, memory=Memory(BIRTH.payload, "edge/gate"))
    session.refresh()
    session.fill()
    return session, acked


def run_dry(wire: Wire, session: Session) -> None:
    while not session.quiet:
        session.fill()
        wire.acknowledge()
        session.collect()


def test_the_window_is_filled_and_not_more():
    wire, outbox = Wire(window=5), MemoryOutbox()
    outbox.add_events(10)
    session, acked = begin(wire, outbox)
    assert wire.payloads == [b"online", b"1", b"2", b"3", b"4"]
    wire.acknowledge(2)
    assert session.collect()
    assert acked == [1]
    session.fill()
    assert wire.payloads[5:] == [b"5", b"6"]


def test_a_remark_that_was_written_says_nothing_of_the_broker():
    wire, outbox = Wire(), MemoryOutbox()
    memory = Memory(BIRTH.payload, "edge/gate")
    session = Session(wire, outbox, base_topic="edge/gate", birth=BIRTH, acked=[], memory=memory)
    session.fill()
    before_s = session.progress_s
    wire.acks.append(77)  # of QoS 0: nobody waits for it
    session.collect()
    assert session.waiting
    assert (session.progress_s, memory.spoke) == (before_s, False)
    wire.acknowledge()
    session.collect()
    assert session.progress_s > before_s
    assert memory.spoke


def test_the_birth_alone_is_no_progress():
    wire = Wire()
    session, acked = begin(wire, MemoryOutbox())
    wire.acknowledge()
    assert not session.collect()
    assert acked == []
    assert session.quiet


def test_a_new_session_says_everything_unacknowledged_again_from_the_oldest():
    outbox = MemoryOutbox()
    outbox.add_events(6)
    first = Wire(window=5)
    session, acked = begin(first, outbox)
    first.acknowledge(3)
    session.collect()
    outbox.delivered(tuple(acked))
    second = Wire(window=10)
    begin(second, outbox)
    assert second.payloads == [b"online", b"3", b"4", b"5", b"6"]


def test_a_newer_value_takes_the_place_of_one_that_waits():
    wire, outbox = Wire(window=1), MemoryOutbox()
    session, _ = begin(wire, outbox)
    for value in (b"a", b"b", b"c"):
        outbox.set_value(Message("hall/state", value, retain=True))
        session.refresh()
    run_dry(wire, session)
    assert wire.payloads == [b"online", b"c"]


def test_a_value_that_went_back_before_it_was_said_is_not_said():
    wire, outbox = Wire(window=1), MemoryOutbox()
    outbox.set_value(Message("hall/state", b"live", retain=True))
    session, _ = begin(wire, outbox)
    run_dry(wire, session)
    outbox.add_events(1)
    for value in (b"blind", b"live"):
        outbox.set_value(Message("hall/state", value, retain=True))
        session.refresh()
    run_dry(wire, session)
    assert wire.payloads == [b"online", b"live", b"1"]


def test_a_retained_row_is_the_value_of_its_topic():
    wire, outbox = Wire(), MemoryOutbox()
    session, _ = begin(wire, outbox)
    counts = Message("hall/counts", b"7", retain=True)
    outbox.add(counts)
    outbox.set_value(counts)
    session.refresh()
    run_dry(wire, session)
    assert wire.payloads == [b"online", b"7"]


def test_what_the_broker_never_takes_is_left_out_and_counts_as_done():
    wire, outbox = Wire(max_bytes=10), MemoryOutbox()
    outbox.add(Message("hall/events", bytes(11)))
    outbox.add_events(1)
    session, acked = begin(wire, outbox)
    run_dry(wire, session)
    assert wire.payloads == [b"online", b"2"]
    assert sorted(acked) == [1, 2]


def test_an_offline_of_somebody_else_is_answered_and_our_own_birth_is_not():
    wire = Wire()
    session, _ = begin(wire, MemoryOutbox())
    run_dry(wire, session)
    wire.heard += status(BIRTH.payload, b"somebody else is online", b"")
    session.collect()
    run_dry(wire, session)
    assert wire.payloads == [b"online"]
    wire.heard += status(b"an old offline")
    session.collect()
    run_dry(wire, session)
    assert wire.payloads == [b"online", b"online"]


def test_leaving_is_over_when_the_farewell_came_back_and_it_is_not_answered():
    wire, outbox = Wire(window=2), MemoryOutbox()
    outbox.add_events(5)
    session, _ = begin(wire, outbox)
    session.part(OFFLINE)
    run_dry(wire, session)
    assert not session.parted
    wire.heard += status(BIRTH.payload, OFFLINE.payload)
    session.collect()
    assert session.parted
    assert wire.payloads == [b"online", b"1", b"offline"]


@given(st.data())
def test_rows_keep_one_order_however_acknowledgements_and_news_interleave(data):
    wire, outbox = Wire(window=data.draw(st.integers(1, 8))), MemoryOutbox()
    outbox.add_events(data.draw(st.integers(0, PAGE + 3)))
    session, acked = begin(wire, outbox)
    for step in data.draw(st.lists(st.sampled_from(["ack", "add", "value", "tell"]), max_size=30)):
        if step == "ack":
            wire.acknowledge(data.draw(st.integers(0, len(wire.open))))
            session.collect()
        elif step == "add":
            outbox.add_events(1)
            session.refresh()
        elif step == "value":
            outbox.set_value(Message("hall/state", data.draw(st.sampled_from([b"live", b"blind"])), retain=True))
            session.refresh()
        else:
            outbox.delivered(tuple(acked))
            acked.clear()
        session.fill()
    run_dry(wire, session)
    outbox.delivered(tuple(acked))
    rows = [int(payload) for topic, payload in wire.sent if topic.endswith("/events")]
    assert rows == list(range(1, len(rows) + 1))
    assert outbox.empty
    assert outbox.delivered_seqs == rows
    states = [payload for topic, payload in wire.sent if topic.endswith("/state")]
    assert [m.payload for m in outbox.last_values()] == states[-1:], "the last that was said is the value there is"


def test_a_denied_answer_is_an_answer_lost_and_after_three_the_broker_is_spared():
    wire = Wire()
    memory = Memory(BIRTH.payload, "edge/gate")
    replies = deque(Message("/somewhere/else", b"answer") for _ in range(3))
    session = Session(wire, MemoryOutbox(), base_topic="edge/gate", birth=BIRTH, acked=[], memory=memory, replies=replies)
    session.fill()
    assert session.away
    wire.denied += wire.open[1:]
    session.collect()
    assert memory.wary
    assert not session.away


def test_an_announcement_that_was_denied_three_times_is_not_made_and_all_else_is():
    wire, outbox = Wire(), MemoryOutbox()
    outbox.set_value(Message("/homeassistant/device/x/config", b"announcement", retain=True))
    outbox.set_value(Message("gate/state", b"live", retain=True))
    memory = Memory(BIRTH.payload, "edge/gate")
    for _ in range(3):
        memory.note_rebuff()
    session = Session(wire, outbox, base_topic="edge/gate", birth=BIRTH, acked=[], memory=memory)
    session.refresh()
    run_dry(wire, session)
    assert wire.payloads == [b"online", b"live"]
    assert session.quiet


def test_answers_go_before_the_rows_that_wait():
    wire, outbox = Wire(window=9), MemoryOutbox()
    outbox.add_events(2)
    replies = deque([Message("/edge/gate/answer/me", b"answer")])
    session = Session(
        wire, outbox, base_topic="edge/gate", birth=BIRTH, acked=[], memory=Memory(BIRTH.payload, "edge/gate"), replies=replies
    )
    session.refresh()
    session.fill()
    assert wire.sent[1] == ("edge/gate/answer/me", b"answer")
    assert wire.payloads == [b"online", b"answer", b"1", b"2"]
    assert not session.away
