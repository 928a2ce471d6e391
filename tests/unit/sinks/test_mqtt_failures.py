"""What the MQTT publisher does when brokers and networks fail; what it does when they work is in tests/contracts/test_publishers.py."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from edge.data import Message
from edge.demo.broker import Broker, find_mosquitto
from edge.errors import BrokerError, BrokerRefused
from edge.sinks.mqtt import MqttPublisher, check_broker
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
    with pytest.raises(BrokerRefused, match=r'set protocol to "3\.1\.1"'):
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


def status_of(stream: str, state: str) -> Message:
    return Message("status", f'{{"state":"{state}","stream":"{stream}"}}'.encode(), retain=True)


def device(url: str, stream: str, **options: object) -> MqttPublisher:
    """A device that calls itself edge/gate, with a store of its own."""
    how = MqttOptions(url=url, **{**QUICK, **options})
    return MqttPublisher(how, MemoryOutbox(), base_topic="edge/gate", birth=status_of(stream, "online"), will=status_of(stream, "offline"))


@pytest.fixture(params=["mosquitto 5", "mosquitto 3.1.1", "amqtt 3.1.1"])
def spoken(request):
    """A broker and the version of MQTT that is spoken with it."""
    kind, protocol = request.param.split()
    return request.getfixturevalue({"mosquitto": "mosquitto", "amqtt": "amqtt_broker"}[kind]).url, protocol


@pytest.mark.parametrize("names", [{}, {"client_id": "another"}], ids=["one client id", "two client ids"])
def test_two_devices_of_one_name_are_noticed_by_both(request, spoken, names, eventually, caplog):
    if not names and "amqtt" in request.node.callspec.id:
        pytest.skip("amqtt lets two connections of one name share a session: neither is told")
    url, protocol = spoken
    with device(url, "first", protocol=protocol) as first:
        assert eventually(lambda: first.connected)
        with device(url, "second", protocol=protocol, **names) as second:
            assert eventually(lambda: first.memory.namesake and second.memory.namesake, 20)
            assert "another device calls itself edge/gate" in first.trouble
            assert "give each its own `device` name" in second.trouble
    assert len([r for r in caplog.records if "another device calls itself" in r.message]) == 2, "once each"


def test_a_store_that_was_made_anew_is_no_second_device(spoken, eventually):
    url, protocol = spoken
    with device(url, "old", protocol=protocol) as old:
        assert old.drain(5)
    with device(url, "new", protocol=protocol) as new:
        assert new.drain(5)
        assert not new.memory.namesake


def test_a_device_that_comes_back_does_not_take_itself_for_another(mosquitto, eventually):
    with Gate(mosquitto.port) as gate, device(gate.url, "only") as publisher:
        for times in range(1, 4):
            assert eventually(lambda times=times: publisher.memory.connects == times and publisher.connected)
            assert publisher.drain(5)
            gate.shut()
            assert eventually(lambda: not publisher.connected)
            gate.open()
        assert not publisher.memory.namesake


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("limit", ["max_packet_size", "message_size_limit"])
def test_a_picture_larger_than_a_broker_takes_stops_nothing_behind_it(subscriber, protocol, limit, caplog):
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    outbox = MemoryOutbox()
    outbox.set_value(Message("hall/heatmap", bytes(50_000), retain=True, content_type="image/jpeg"))
    outbox.add_events(30)
    with Broker("mosquitto", settings=f"{limit} 30000") as broker:
        ear = subscriber(broker.port, "edge/gate/hall/#")
        with publisher_to(broker.url, outbox, protocol=protocol) as publisher:
            assert publisher.drain(20), publisher.trouble
            if (protocol, limit) != ("3.1.1", "message_size_limit"):  # there the broker says that it took it
                assert publisher.memory.left_out
                assert publisher.memory.most_bytes is not None
                assert publisher.memory.most_bytes <= 37_500
                assert "edge/gate/hall/heatmap; it is left out" in caplog.text
            outbox.set_value(Message("hall/heatmap", bytes(25_000), retain=True, content_type="image/jpeg"))
            assert publisher.drain(5)
            assert ear.wait(lambda heard: any(len(h.payload) == 25_000 for h in heard))
    assert without_repeats([int(p) for p in ear.payloads("hall/events")]) == list(range(1, 31))


def test_each_message_carries_what_it_is_beside_it(mosquitto):
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

    outbox = MemoryOutbox()
    outbox.add_events(1)
    heard = []
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = lambda _, __, message: heard.append(message)
    client.on_connect = lambda *_: client.subscribe("#", qos=1)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    options = MqttOptions(url=mosquitto.url)
    with MqttPublisher(options, outbox, base_topic="edge/gate", birth=BIRTH, will=WILL, user_properties={"schema": "1"}) as publisher:
        assert publisher.drain(5)
        publisher.say(Message("health", b"well", expiry_s=30))
        until_s = time.monotonic() + 5
        while len(heard) < 3 and time.monotonic() < until_s:
            time.sleep(0.01)
    client.disconnect()
    client.loop_stop()
    said = {message.topic: message.properties for message in heard}
    assert {p.ContentType for p in said.values()} == {"application/json"}
    assert [p.UserProperty for p in said.values()] == [[("schema", "1")]] * 3
    assert said["edge/gate/health"].MessageExpiryInterval == 30
    assert not hasattr(said["edge/gate/hall/events"], "MessageExpiryInterval")
