"""Who asks a device that is not there, is busy, or falls silent, is told so in a sentence. Answers of real devices are in tests/flow."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from edge.demo.broker import Broker
from edge.errors import BrokerError, RequestError
from edge.sinks.mqtt_ask import ask
from edge.sinks.options_mqtt import MqttOptions


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (b'{"state": "offline", "since": "2026-01-01T00:00:00.000Z"}', "is offline (it was online since 2026-01-01T00:00:00.000Z)"),
        (b'{"state": "offline"}', "is offline; it answers when it is back"),
        (b'{"state": "warming", "share": 0.375}', "is building its model for its machine (38% done)"),
        (b'{"state": "online"}', "says nothing for 0.2 s"),
        (b"[1]", "says nothing for 0.2 s"),
        (b"{", "says nothing for 0.2 s"),
    ],
)
def test_a_device_that_does_not_answer_is_told_of_in_a_sentence(
    mosquitto: Broker, subscriber: Callable[..., Any], status: bytes, words: str
) -> None:
    subscriber(mosquitto.port, "none").say("edge/gate/status", status, retain=True)
    with pytest.raises(RequestError) as caught:
        ask(MqttOptions(url=mosquitto.url), "gate", "counts", {}, timeout_s=0.2)
    assert words in str(caught.value)


def test_who_waits_longer_than_keep_alive_is_not_taken_for_dead(mosquitto: Broker, subscriber: Callable[..., Any]) -> None:
    subscriber(mosquitto.port, "none").say("edge/gate/status", b'{"state": "online"}', retain=True)
    with pytest.raises(RequestError, match="says nothing for 3 s"):
        ask(MqttOptions(url=mosquitto.url, keepalive_s=1), "gate", "counts", {}, timeout_s=3)


def test_without_a_broker_that_is_said() -> None:
    with pytest.raises(BrokerError, match="cannot reach the broker"):
        ask(MqttOptions(url="mqtt://127.0.0.1:9"), "gate", "counts", {})


@pytest.fixture
def asked(mosquitto: Broker, subscriber: Callable[..., Any]) -> Callable[..., tuple[bytes, list[Any]]]:
    """`asked(1, 2, 3)` -> the bytes that came, and what was heard of the progress, from a device that sends these of three parts."""

    def asked(*sent: int) -> tuple[bytes, list[Any]]:
        device = subscriber(mosquitto.port, "edge/gate/cmd/#", qos=1)
        device.say("edge/gate/status", b'{"state": "online"}', retain=True)
        seen: list[Any] = []

        def answer() -> None:
            assert device.wait(lambda heard: bool(heard))
            request = json.loads(device.heard[0].payload)
            for number in sent:
                head = {"id": request["id"], "ok": True, "chunks": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
                data = base64.b64encode(b"abc"[number - 1 : number]).decode()
                device.say(request["reply_to"], json.dumps({**head, **({"chunk": number} if number > 1 else {}), "data": data}).encode())

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            options = MqttOptions(url=mosquitto.url)
            whole = ask(options, "gate", "snapshot", {}, timeout_s=1, on_parts=lambda *how_far: seen.append(how_far)).whole()
        finally:
            thread.join()
        return whole, seen

    return asked


@pytest.mark.parametrize("sent", [(1, 2, 3), (3, 1, 2), (2, 2, 1, 1, 3)])
def test_parts_come_in_any_order_and_one_hears_how_far_it_is(asked: Callable[..., tuple[bytes, list[Any]]], sent: tuple[int, ...]) -> None:
    whole, seen = asked(*sent)
    assert whole == b"abc"
    assert seen[-1] == (3, 3)


@pytest.mark.parametrize(("sent", "words"), [((1, 3), "after 2 of 3 parts"), ((2,), "after 1 of several parts")])
def test_a_missing_part_is_noticed(asked: Callable[..., tuple[bytes, list[Any]]], sent: tuple[int, ...], words: str) -> None:
    with pytest.raises(RequestError, match=f"{words} nothing more came for 1 s; ask again"):
        asked(*sent)
