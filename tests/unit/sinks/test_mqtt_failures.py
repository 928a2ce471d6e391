"""What the MQTT publisher does when brokers and networks fail; what it does when they work is in tests/contracts/test_publishers.py."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from edge.data import Message
from edge.demo.broker import Broker, find_mosquitto
from edge.errors import BrokerError, BrokerRefused, DiskFull
from edge.ports import Queued
from edge.sinks.mqtt import MqttPublisher
from edge.sinks.mqtt_check import check_broker
from edge.sinks.options_mqtt import MqttOptions
from tests.contracts.memory_outbox import MemoryOutbox
from tests.unit.sinks.gate import Gate

ROOT = Path(__file__).parents[3]
BIRTH = Message("status", b'{"state":"online"}', retain=True)
WILL = Message("status", b'{"state":"offline"}', retain=True)
QUICK = {"first_pause_s": 0.02, "max_pause_s": 0.1}


def publisher_to(url: str, outbox: MemoryOutbox, **options: object) -> MqttPublisher:
    return MqttPublisher(MqttOptions(url=url, **{**QUICK, **options}), outbox, base_topic="edge/gate", birth=BIRTH, will=WILL)


def nowhere() -> str:
    return Gate(0).url  # a port that was free a moment ago, on which nobody listens


def without_repeats(seqs: list[int]) -> list[int]:
    return list(dict.fromkeys(seqs))


def test_a_broker_absent_at_the_start_is_found_when_it_comes(mosquitto):
    outbox = MemoryOutbox()
    outbox.add_events(10)
    mosquitto.stop()
    with publisher_to(mosquitto.url, outbox) as publisher:
        assert not publisher.drain(0.3)
        assert not publisher.connected
        assert "is it running" in publisher.trouble
        mosquitto.start()
        assert publisher.drain(5)
        assert publisher.connected
        assert publisher.trouble == ""
    assert outbox.delivered_seqs == list(range(1, 11))


def test_without_a_broker_nothing_drains_and_leaving_is_prompt():
    outbox = MemoryOutbox()
    outbox.add_events(1)
    with publisher_to(nowhere(), outbox, first_pause_s=10, max_pause_s=10) as publisher:
        publisher.wake()
        assert not publisher.drain(0.1)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 0.3
    assert not outbox.empty


def test_leaving_is_prompt_while_a_broker_says_nothing(mosquitto):
    with Gate(mosquitto.port, silent=True) as gate, publisher_to(gate.url, MemoryOutbox(), connect_timeout_s=1.5):
        time.sleep(0.1)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 2


def test_a_broker_that_accepts_and_says_nothing_is_named(mosquitto):
    with Gate(mosquitto.port, silent=True) as gate, pytest.raises(BrokerError, match="is it an MQTT broker"):
        check_broker(MqttOptions(url=gate.url, connect_timeout_s=0.1))


def test_a_broker_killed_and_restarted_empty_loses_nothing(mosquitto, subscriber):
    count = 2000
    outbox = MemoryOutbox()
    outbox.set_value(Message("hall/state", b"live", retain=True))
    outbox.add_events(count)
    ear = subscriber(mosquitto.port, "edge/gate/#")
    with Gate(mosquitto.port) as gate, publisher_to(gate.url, outbox) as publisher:
        assert ear.wait(lambda heard: len(heard) > count // 2)
        mosquitto.kill()
        gate.shut()  # so that the listener is back before the publisher is, and misses nothing
        ear.wait_gone()
        assert not outbox.empty
        mosquitto.start()
        ear.wait_ready()
        gate.open()
        assert publisher.drain(20)
        late = subscriber(mosquitto.port, "edge/gate/#")
        assert late.wait(
            lambda heard: {(h.topic, h.payload) for h in heard} == {("edge/gate/status", BIRTH.payload), ("edge/gate/hall/state", b"live")}
        )
        assert ear.wait(lambda heard: heard[-1].payload == str(count).encode())
    seqs = [int(p) for p in ear.payloads("hall/events")]
    assert without_repeats(seqs) == list(range(1, count + 1))
    assert len(seqs) <= count + 20, "no more is repeated than was under way"
    assert without_repeats(outbox.delivered_seqs) == list(range(1, count + 1))


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_line_that_is_cut_at_every_tenth_acknowledgement_delivers_all_in_order(mosquitto, subscriber, protocol):
    count = 200
    outbox = MemoryOutbox()
    outbox.add_events(count)
    ear = subscriber(mosquitto.port)
    with Gate(mosquitto.port, cut_after=10) as gate, publisher_to(gate.url, outbox, protocol=protocol) as publisher:
        assert publisher.drain(20)
        assert gate.connections >= count / 9
    assert ear.wait(lambda heard: str(count).encode() in [h.payload for h in heard])
    seqs = [int(p) for p in ear.payloads("hall/events")]
    assert without_repeats(seqs) == list(range(1, count + 1))
    # One order of sequence numbers: up by one, or back to the oldest that was not acknowledged.
    assert all(b == a + 1 or b <= a for a, b in pairwise(seqs))
    assert max(a - b for a, b in pairwise(seqs)) < 20


def test_a_broker_that_acknowledges_nothing_is_dialled_anew(mosquitto, eventually):
    outbox = MemoryOutbox()
    outbox.add_events(1)
    with Gate(mosquitto.port, deaf=True) as gate, publisher_to(gate.url, outbox, ack_timeout_s=0.2):
        assert eventually(lambda: gate.connections >= 2)
    assert outbox.told == []


def test_a_device_that_speaks_of_its_health_is_not_deceived_by_that(mosquitto, eventually):
    outbox = MemoryOutbox()
    outbox.add_events(1)
    with Gate(mosquitto.port, deaf=True) as gate, publisher_to(gate.url, outbox, ack_timeout_s=0.3) as publisher:

        def again() -> bool:
            publisher.say(Message("health", b"{}"))
            return gate.connections >= 2

        assert eventually(again)


@pytest.fixture
def guarded():
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with Broker("mosquitto", passwords={"camera": "right-word"}) as broker:
        yield broker


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_refusal_is_said_once_with_a_remedy_and_without_the_password(guarded, eventually, caplog, protocol):
    caplog.set_level(logging.DEBUG)
    with publisher_to(guarded.url, MemoryOutbox(), username="camera", password="wrong-word", protocol=protocol) as publisher:
        assert eventually(lambda: publisher.trouble)
        time.sleep(0.4)  # several further attempts
        assert "check username and password" in publisher.trouble
        assert not publisher.connected
    assert "wrong-word" not in caplog.text
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1


def test_a_refused_publisher_goes_to_work_once_it_is_let_in(guarded, eventually):
    outbox = MemoryOutbox()
    outbox.add_events(3)
    with publisher_to(guarded.url, outbox, username="camera", password="wrong-word") as publisher:
        assert eventually(lambda: publisher.trouble)
        guarded.stop()
        with Broker("mosquitto", guarded.port):
            assert publisher.drain(5)
            assert publisher.trouble == ""


def test_a_check_tells_refused_from_absent(guarded):
    check_broker(MqttOptions(url=guarded.url, username="camera", password="right-word"))
    with pytest.raises(BrokerRefused, match="check username and password"):
        check_broker(MqttOptions(url=guarded.url))
    with pytest.raises(BrokerError, match="is it running"):
        check_broker(MqttOptions(url=nowhere()))


def test_a_broker_of_the_old_version_refuses_with_the_remedy(amqtt_broker):
    with pytest.raises(BrokerError, match=r"set protocol to .3\.1\.1"):
        check_broker(MqttOptions(url=amqtt_broker.url))


def test_a_forbidden_topic_is_a_refusal_not_a_delivery(tmp_path, eventually):
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite edge/gate/status\n")
    outbox = MemoryOutbox()
    outbox.add_events(1)
    with Broker("mosquitto", settings=f"acl_file {acl}") as broker, publisher_to(broker.url, outbox) as publisher:
        assert eventually(lambda: "refuses a message on edge/gate/hall/events: not authorized" in publisher.trouble)
    assert outbox.told == []


def test_a_value_larger_than_the_broker_takes_does_not_stop_the_rest(caplog):
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    outbox = MemoryOutbox()
    outbox.set_value(Message("hall/heatmap", bytes(5000), retain=True, content_type="image/jpeg"))
    outbox.add_events(5)
    with Broker("mosquitto", settings="max_packet_size 2000") as broker, publisher_to(broker.url, outbox) as publisher:
        assert publisher.drain(5)
    assert outbox.empty
    assert "edge/gate/hall/heatmap" in caplog.text


def test_a_store_that_fails_is_asked_again(mosquitto, monkeypatch):
    outbox = MemoryOutbox()
    outbox.add_events(5)
    fails = iter([True, True])
    delivered = outbox.delivered

    def once(seqs):
        if next(fails, False):
            raise OSError("disk on fire")
        delivered(seqs)

    monkeypatch.setattr(outbox, "delivered", once)
    with publisher_to(mosquitto.url, outbox) as publisher:
        assert publisher.drain(5)
    assert without_repeats(outbox.delivered_seqs) == [1, 2, 3, 4, 5]


DYING = """
import sys, time
from tests.contracts.memory_outbox import MemoryOutbox
from tests.unit.sinks.test_mqtt_failures import publisher_to
with publisher_to(sys.argv[1], MemoryOutbox()) as publisher:
    assert publisher.drain(10)
    print("up", flush=True)
    time.sleep(60)
"""


def test_a_device_that_dies_at_once_is_said_to_be_offline(mosquitto, subscriber):
    ear = subscriber(mosquitto.port, v5=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", DYING, mosquitto.url], stdout=subprocess.PIPE, cwd=ROOT, env=environment) as device:
        try:
            assert device.stdout.readline().strip() == b"up"
        finally:
            os.kill(device.pid, signal.SIGKILL)
    assert ear.wait(lambda heard: [h.payload for h in heard] == [BIRTH.payload, WILL.payload])
    late = subscriber(mosquitto.port)
    assert late.wait(lambda heard: [(h.payload, h.retain) for h in heard] == [(WILL.payload, True)])
    assert ear.content_types == {"edge/gate/status": "application/json"}


class FullDisk(MemoryOutbox):
    """An outbox whose disk is full: what is handed out, and what is delivered, cannot be noted."""

    full = False

    def pending(self, after_seq: int, limit: int) -> list[Queued]:
        if self.full and after_seq >= 3:  # the first three were handed out before
            raise DiskFull("the disk is full")
        return [row for row in super().pending(after_seq, limit) if not self.full or row.seq <= 3]

    def delivered(self, seqs: Sequence[int]) -> None:
        if self.full:
            raise DiskFull("the disk is full")
        super().delivered(seqs)


def test_a_full_disk_does_not_silence_the_device(mosquitto, subscriber, eventually):
    outbox = FullDisk()
    outbox.add_events(5)
    outbox.set_value(Message("hall/state", b"live", retain=True))
    outbox.full = True
    heard = subscriber(mosquitto.port, "edge/gate/#")
    with publisher_to(mosquitto.url, outbox) as publisher:
        assert eventually(lambda: heard.payloads("hall/state"))
        assert not publisher.drain(0.8), "what cannot be noted is not delivered"
        publisher.say(Message("health", b"the disk is full"))
        assert eventually(lambda: heard.payloads("gate/health"))
        assert publisher.connected
        assert publisher.trouble == "the disk is full"
        assert publisher.memory.connects == 1
        outbox.full = False
        assert publisher.drain(5)
        assert publisher.trouble == ""
    assert without_repeats(outbox.delivered_seqs) == [1, 2, 3, 4, 5]
