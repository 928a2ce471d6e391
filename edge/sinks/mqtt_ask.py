"""Asks another device something over MQTT, once, and waits for its whole answer. What can be asked is `requests`'; this device's own requests are not here."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from edge.data import Message
from edge.errors import RequestError
from edge.requests.assembly import Assembly
from edge.sinks.mqtt_link import Link
from edge.sinks.options_mqtt import MqttOptions

_STATUS_S = 3.0  # a broker tells a retained status at once; a busy one, or a far one, a little later

OnParts = Callable[[int, int | None], None]


def ask(
    options: MqttOptions,
    device: str,
    verb: str,
    fields: Mapping[str, Any],
    *,
    timeout_s: float = 20.0,
    on_parts: OnParts = lambda parts, chunks: None,
) -> Assembly:
    """The complete answer of `device` to a request. `timeout_s` is how long nothing may come; `on_parts` hears how much has come, of how much.

    Raises RequestError (no such device is online, it says nothing, it says no), BrokerError (there is no broker, or it refuses).
    """
    id = uuid.uuid4().hex[:16]
    base = f"{options.prefix}/{device}"
    answer_topic = f"{base}/answer/{id}"
    with Link(options, f"edge-ask-{id}") as link:
        link.subscribe(answer_topic)
        link.subscribe(f"{base}/status")
        _check_online(link, f"{base}/status", device)
        payload = json.dumps({**fields, "id": id, "reply_to": answer_topic}).encode()
        # With MQTT 5 both ways are named: the device may be there by 3.1.1.
        link.send(
            f"{base}/cmd/{verb}", Message("", payload, expiry_s=round(timeout_s) or 1, correlation=id.encode()), reply_to=answer_topic
        )
        answer = Assembly(id)
        heard_s = time.monotonic()
        while not answer.complete:
            left_s = heard_s + timeout_s - time.monotonic()
            if left_s <= 0:
                raise RequestError(_silence(answer, device, timeout_s))
            link.turn(min(left_s, options.keepalive_s / 4))  # each turn sees to keep-alive; who waits long must not be taken for dead
            for heard in link.heard:
                if heard.topic == answer_topic and answer.take(heard.payload):
                    heard_s = time.monotonic()
                    on_parts(answer.parts, answer.chunks)
            link.heard.clear()
        link.farewell()
    return answer


def _check_online(link: Link, topic: str, device: str) -> None:
    """RequestError unless the device's retained status says that it is there."""
    until_s = time.monotonic() + _STATUS_S
    while (left_s := until_s - time.monotonic()) > 0:
        link.turn(left_s)
        for heard in link.heard:
            if heard.topic == topic:
                link.heard.clear()
                if why := _why_not(heard.payload):
                    raise RequestError(f"device {device!r} {why}")
                return
        link.heard.clear()
    raise RequestError(f"no device {device!r} is known to the broker at {link.where}; are its name and its prefix right ({topic})?")


def _why_not(status: bytes) -> str:
    """Why a device with this status does not answer now, '' if it should; an unreadable one is let pass, the device itself will show."""
    try:
        said = dict(json.loads(status))
    except (ValueError, TypeError, RecursionError):
        return ""
    match said.get("state"):
        case "offline":
            since = said.get("since")
            return f"is offline{f' (it was online since {since})' if since else ''}; it answers when it is back"
        case "warming":
            share = said.get("share")
            done = f" ({share:.0%} done)" if isinstance(share, float) else ""
            return f"is building its model for its machine{done}; it answers when it counts"
        case _:
            return ""


def _silence(answer: Assembly, device: str, timeout_s: float) -> str:
    if answer.parts:
        return f"after {answer.parts} of {answer.chunks or 'several'} parts nothing more came for {timeout_s:g} s; ask again"
    return f"device {device!r} says nothing for {timeout_s:g} s; it may be flooded with requests, or the broker lets it not hear or answer them"
