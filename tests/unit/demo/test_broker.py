"""The broker of the demonstration: it answers, it ends, and it says why it does not start."""

from __future__ import annotations

import pytest

from edge.demo.broker import Broker, existing_broker, find_mosquitto, running_broker
from edge.errors import BrokerError
from edge.sinks.mqtt_check import check_broker
from edge.sinks.options_mqtt import MqttOptions


def test_a_running_broker_answers_until_its_block_ends():
    with running_broker() as broker:
        assert existing_broker(broker.url)
        check_broker(MqttOptions(url=broker.url, protocol="3.1.1"))
        url = broker.url
    assert not existing_broker(url)


def test_without_mosquitto_amqtt_steps_in(monkeypatch):
    pytest.importorskip("amqtt", reason="amqtt is not installed")
    monkeypatch.setattr("edge.demo.broker.find_mosquitto", lambda: None)
    with running_broker() as broker:
        assert broker.kind == "amqtt"
        assert existing_broker(broker.url)


def test_a_broker_comes_back_on_its_port(mosquitto):
    port = mosquitto.port
    mosquitto.kill()
    assert not existing_broker(mosquitto.url)
    mosquitto.start()
    assert mosquitto.port == port
    assert existing_broker(mosquitto.url)


def test_a_broker_that_refuses_is_one_that_exists():
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with Broker("mosquitto", passwords={"camera": "word"}) as broker:
        assert existing_broker(broker.url)


def test_a_broker_that_cannot_start_says_why():
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with pytest.raises(BrokerError, match="did not start"), Broker("mosquitto", settings="no_such_setting 1"):
        pass


def test_a_port_that_is_taken_is_named(mosquitto):
    with pytest.raises(BrokerError, match=f"port {mosquitto.port} is taken"), running_broker(mosquitto.port):
        pass


def test_nothing_is_started_outside_of_the_block():
    with pytest.raises(RuntimeError, match="inside its with block"):
        Broker("mosquitto").start()


def test_amqtt_takes_no_settings_of_mosquitto():
    with pytest.raises(ValueError, match="for mosquitto"):
        Broker("amqtt", persistent=True)
