"""What a publisher does where a broker has others of its name, takes only small messages, or knows what goes beside one."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.data import Message
from edge.demo.broker import Broker, find_mosquitto
from edge.sinks.mqtt import MqttPublisher
from edge.sinks.options_mqtt import MqttOptions
from tests.conftest import broker_of
from tests.contracts.memory_outbox import MemoryOutbox
from tests.unit.sinks.gate import Gate
from tests.unit.sinks.test_mqtt_failures import BIRTH, QUICK, WILL, publisher_to, without_repeats


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
    return broker_of(request, kind).url, protocol


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


def test_a_store_that_was_made_anew_is_no_second_device(request, spoken, eventually, subscriber):
    if "amqtt" in request.node.callspec.id:
        pytest.skip("amqtt sometimes hands what an ended session had not read to the next one of its name, as if it were said now")
    url, protocol = spoken
    ears = subscriber(urlsplit(url).port, "edge/gate/status")
    with device(url, "old", protocol=protocol) as old:
        assert old.drain(5)
    assert eventually(lambda: ears.heard and b"offline" in ears.heard[-1].payload), "the broker knows that the old one is gone"
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
    outbox = MemoryOutbox()
    outbox.add_events(1)
    heard = []
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = lambda _, __, message: heard.append(message)
    client.on_connect = lambda *_: client.subscribe("#", qos=1)
    listening = threading.Event()
    client.on_subscribe = lambda *_: listening.set()
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    assert listening.wait(10)
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


def test_what_is_far_too_large_does_not_even_come(mosquitto, subscriber, eventually):
    heard = []
    options = MqttOptions(url=mosquitto.url)
    with MqttPublisher(
        options, MemoryOutbox(), base_topic="edge/gate", birth=BIRTH, will=WILL, hears={"edge/gate/cmd/#": heard.append}
    ) as publisher:
        assert publisher.drain(5)
        asker = subscriber(mosquitto.port, "none")
        for size in (200_000, 3_000_000, 2):
            asker.say("edge/gate/cmd/counts", bytes(size))
        assert eventually(lambda: len(heard) == 2)
        assert [len(one.payload) for one in heard] == [200_000, 2]
        assert publisher.memory.connects == 1
