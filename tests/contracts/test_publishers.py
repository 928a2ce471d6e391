"""What every Publisher promises, held against every broker and version of MQTT there is; the failures of networks are in tests/unit/sinks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from edge.data import Message
from edge.sinks.mqtt import MqttPublisher
from edge.sinks.options_mqtt import MqttOptions
from tests.conftest import broker_of
from tests.contracts.memory_outbox import MemoryOutbox

BIRTH = Message("status", b'{"state":"online"}', retain=True)
WILL = Message("status", b'{"state":"offline"}', retain=True)


@pytest.fixture(params=["mosquitto 5", "mosquitto 3.1.1", "amqtt 3.1.1"])
def options(request) -> MqttOptions:
    kind, protocol = request.param.split()
    broker = broker_of(request, kind)
    return MqttOptions(url=broker.url, protocol=protocol, first_pause_s=0.05, max_pause_s=0.2)


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def make(options, outbox) -> Callable[[], MqttPublisher]:
    return lambda: MqttPublisher(options, outbox, base_topic="edge/gate", birth=BIRTH, will=WILL)


def test_the_birth_goes_first_then_last_values_then_the_outbox_in_order(make, options, outbox, subscriber):
    ear = subscriber(options.port)
    outbox.set_value(Message("hall/state", b"live", retain=True))
    outbox.add_events(300)
    with make() as publisher:
        assert publisher.drain(10)
        assert ear.wait(lambda heard: len(heard) >= 302)
    assert [h.topic for h in ear.heard[:3]] == ["edge/gate/status", "edge/gate/hall/state", "edge/gate/hall/events"]
    assert [int(p) for p in ear.payloads("hall/events")] == list(range(1, 301))


def test_drained_means_acknowledged_and_forgotten(make, outbox):
    outbox.add_events(50)
    with make() as publisher:
        assert publisher.drain(10)
        assert outbox.empty
    assert outbox.delivered_seqs == list(range(1, 51))


def test_what_comes_later_goes_out_after_a_wake(make, options, outbox, subscriber):
    ear = subscriber(options.port)
    with make() as publisher:
        assert publisher.drain(10)
        for n in range(1, 6):
            outbox.add_events(1)
            publisher.wake()
            assert ear.wait(lambda heard, n=n: len(heard) > n, 2)
    assert ear.payloads("hall/events") == [b"1", b"2", b"3", b"4", b"5"]


def test_a_last_value_is_said_again_only_when_it_changed(make, options, outbox, subscriber):
    ear = subscriber(options.port)
    with make() as publisher:
        for value in (b"live", b"live", b"blind", b"blind", b"live"):
            outbox.set_value(Message("hall/state", value, retain=True))
            assert publisher.drain(10)
    assert ear.wait(lambda heard: heard[-1:] and heard[-1].payload == WILL.payload)
    assert ear.payloads("hall/state") == [b"live", b"blind", b"live"]


def test_last_values_are_retained_and_leaving_says_offline(make, options, outbox, subscriber):
    outbox.set_value(Message("hall/state", b"live", retain=True))
    with make() as publisher:
        assert publisher.drain(10)
    late = subscriber(options.port)
    assert late.wait(lambda heard: len({h.topic for h in heard}) == 2)
    assert {(h.topic, h.payload, h.retain) for h in late.heard} == {
        ("edge/gate/hall/state", b"live", True),
        ("edge/gate/status", WILL.payload, True),
    }


def test_leaving_on_an_error_says_offline_too(make, options, subscriber):
    ear = subscriber(options.port)

    def fail() -> None:
        with make() as publisher:
            assert publisher.drain(10)
            raise KeyError("the caller's own")

    with pytest.raises(KeyError):
        fail()
    assert ear.wait(lambda heard: [h.payload for h in heard] == [BIRTH.payload, WILL.payload])


def test_a_stale_offline_is_answered_with_a_new_birth(make, options, subscriber):
    ear = subscriber(options.port)
    with make() as publisher:
        assert publisher.drain(10)
        ear.say("edge/gate/status", b'{"state":"offline","boot_id":"an earlier one"}', retain=True)
        assert ear.wait(lambda heard: sum(h.payload == BIRTH.payload for h in heard) == 2)
        late = subscriber(options.port)
        assert late.wait(lambda heard: any(h.payload == BIRTH.payload and h.retain for h in heard))


def test_a_new_birth_is_said_at_once_and_retained(make, options, subscriber):
    ear = subscriber(options.port)
    warming = Message("status", b'{"state":"warming"}', retain=True)
    with make() as publisher:
        assert publisher.drain(10)
        publisher.announce(warming)
        assert publisher.drain(10)
        assert ear.wait(lambda heard: [h.payload for h in heard] == [BIRTH.payload, warming.payload])
        late = subscriber(options.port)
        assert late.wait(lambda heard: heard[-1:] and heard[-1].payload == warming.payload), late.heard


def test_an_old_retained_offline_is_overwritten_by_the_birth(make, options, subscriber):
    ear = subscriber(options.port)
    ear.say("edge/gate/status", WILL.payload, retain=True)
    with make() as publisher:
        assert publisher.drain(10)
        late = subscriber(options.port)  # amqtt acknowledges before it retains: the birth may come as news
        assert late.wait(lambda heard: heard[-1:] and heard[-1].payload == BIRTH.payload), late.heard


def test_a_remark_is_sent_while_connected(make, options, subscriber):
    ear = subscriber(options.port)
    with make() as publisher:
        publisher.say(Message("health", b"before anybody listens"))
        assert publisher.drain(10)
        publisher.say(Message("health", b"well"))
        assert ear.wait(lambda heard: [h.payload for h in heard][-1:] == [b"well"])


def test_a_publisher_is_entered_once(make):
    publisher = make()
    with publisher, pytest.raises(RuntimeError, match="entered once"), publisher:
        pass


def test_leaving_what_was_never_entered_or_twice_is_harmless(make):
    publisher = make()
    publisher.__exit__(None, None, None)
    with make() as entered:
        pass
    entered.__exit__(None, None, None)
    entered.wake()
    entered.say(Message("health", b"nobody hears"))
    assert not entered.connected


def test_the_outbox_is_asked_by_one_thread_in_small_pages(make, outbox):
    outbox.add_events(1000)
    before = threading.active_count()
    with make() as publisher:
        assert publisher.drain(20)
    assert outbox.threads == {"mqtt"}
    assert outbox.largest_page <= 200
    assert threading.active_count() == before


def test_leaving_is_prompt(make):
    with make() as publisher:
        assert publisher.drain(10)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 1
    assert not publisher.connected
