"""The AsyncAPI 3 document of a device: its topics, what stands on each and how, from the payloads in the code. `make_schemas.py` writes it."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import yaml
from pydantic.json_schema import models_json_schema

from edge.health import HealthPayload
from edge.messages import (
    PAYLOADS,
    SCHEMA,
    HeatmapPayload,
    StatePayload,
    StatusPayload,
)
from edge.requests.payloads import ANSWERS, REQUESTS

_FRONT = "{prefix}/{device}"
_PARAMETERS = {
    "prefix": {"description": "first level of every topic, `mqtt.prefix` in the configuration", "default": "edge"},
    "device": {"description": "the device's name"},
    "camera": {"description": "the camera's name"},
    "asker": {"description": "a name that whoever asks has made up for himself"},
}
_ABOUT = """\
What a device says over MQTT (5 or 3.1.1), and what it can be asked. Delivery is at least once: `stream` and `seq` together are one message, so
whoever remembers them has it exactly once. Times are UTC in ISO 8601, or null while the device's clock was never right. Fields may be added
within a schema version, never changed or taken away.

With MQTT 5 every message has a content type, health and answers also an expiry, and requests are answered on their response topic with their
correlation data. With MQTT 3.1.1 a request names `reply_to` and `id` in its payload. A request gets no answer if it is retained, if it names no
topic for the answer or one on which devices speak or listen (best is one below `{prefix}/{device}/answer/`), or when far too many came before it.
"""


class Topic(NamedTuple):
    """One topic of a device."""

    address: str
    about: str
    kinds: tuple[type[Any], ...]
    qos: int = 1
    retain: bool = False


TOPICS = {
    "status": Topic("status", "Birth, and last will", (StatusPayload,), retain=True),
    "health": Topic("health", "The device's own condition, every few seconds", (HealthPayload,), qos=0),
    "state": Topic("{camera}/state", "What a camera is doing, and why", (StatePayload,), retain=True),
    "events": Topic("{camera}/events", "Each crossing, entry and exit, in order", PAYLOADS["events"]),
    "counts": Topic("{camera}/counts", "What an interval added, and the totals at its end, in order", PAYLOADS["counts"], retain=True),
    "heatmap": Topic("{camera}/heatmap", "The periodic picture, as bytes", (), retain=True),
    "heatmap-meta": Topic("{camera}/heatmap/meta", "What that picture shows", (HeatmapPayload,), retain=True),
}
"""What a device says unasked, by the kind that names its schema."""


def asyncapi() -> str:
    """The document as YAML; the same text whenever the payloads are the same."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {"picture": _picture()}
    for name, topic in TOPICS.items():
        made = {_name(kind): _message(kind) for kind in topic.kinds} or {"picture": messages["picture"]}
        messages |= made
        channels[name] = _channel(f"{_FRONT}/{topic.address}", topic.about, list(made))
        operations[f"say-{name}"] = _operation("send", name, list(made), topic.about, qos=topic.qos, retain=topic.retain)
    for verb, kind in REQUESTS.items():
        asked, told = f"ask-{verb}", f"answer-{verb}"
        answers = {_name(answer): _message(answer) for answer in ANSWERS[verb]}
        messages |= {_name(kind): _message(kind), **answers}
        channels[asked] = _channel(f"{_FRONT}/cmd/{verb}", _said(kind), [_name(kind)])
        channels[told] = _channel(f"{_FRONT}/answer/{{asker}}", f"Answers to `{verb}`, where `edge snapshot` asks for them", list(answers))
        operations[asked] = _operation("receive", asked, [_name(kind)], _said(kind), qos=1, retain=False)
        operations[asked]["reply"] = {
            "address": {"description": "or MQTT 5's response topic, which comes first", "location": "$message.payload#/reply_to"},
            "channel": {"$ref": f"#/channels/{told}"},
            "messages": [{"$ref": f"#/channels/{told}/messages/{answer}"} for answer in answers],
        }
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "edge", "version": f"{SCHEMA}.0.0", "description": _ABOUT, "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "servers": {"broker": {"host": "localhost:1883", "protocol": "mqtt", "description": "any MQTT broker; mqtts for TLS"}},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": _schemas(), "parameters": _PARAMETERS},
    }
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=140)
    return "# Written by scripts/make_schemas.py from the payloads in the code; a test holds them equal.\n" + text


def _schemas() -> dict[str, Any]:
    """Every payload, as components that refer to one another. What others ask may leave out defaults; what we send never does."""
    modes = {kind: "serialization" for topic in TOPICS.values() for kind in topic.kinds}
    modes |= {kind: "serialization" for kinds in ANSWERS.values() for kind in kinds} | {kind: "validation" for kind in REQUESTS.values()}
    ordered = sorted(modes.items(), key=lambda item: item[0].__name__)
    _, whole = models_json_schema(ordered, by_alias=True, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    made: dict[str, Any] = _draft_7(whole["$defs"])
    return dict(sorted(made.items()))


def _draft_7(part: Any) -> Any:
    """AsyncAPI's schemas are those of draft 7, where a tuple's items stand under `items`."""
    if isinstance(part, dict):
        return {("items" if key == "prefixItems" else key): _draft_7(value) for key, value in part.items()}
    return [_draft_7(value) for value in part] if isinstance(part, list) else part


def _name(kind: type[Any]) -> str:
    return kind.__name__.removesuffix("Payload")


def _said(kind: type[Any]) -> str:
    """The first sentence of a payload's own words."""
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")


def _message(kind: type[Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"name": _name(kind), "summary": _said(kind), "payload": {"$ref": f"#/components/schemas/{kind.__name__}"}}
    if "id" in kind.model_fields:
        message["correlationId"] = {"description": "MQTT 5's correlation data comes back too", "location": "$message.payload#/id"}
    return message


def _picture() -> dict[str, Any]:
    payload = {
        "type": "string",
        "format": "binary",
        "description": "JPEG, PNG or WebP: MQTT 5's content type says which, and so does the meta",
    }
    return {"name": "picture", "summary": "A heatmap without people", "contentType": "image/jpeg", "payload": payload}


def _channel(address: str, about: str, messages: list[str]) -> dict[str, Any]:
    named = [name for name in _PARAMETERS if f"{{{name}}}" in address]
    return {
        "address": address,
        "description": about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in named},
    }


def _operation(action: str, channel: str, messages: list[str], about: str, *, qos: int, retain: bool) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": about,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
        "bindings": {"mqtt": {"qos": qos, "retain": retain, "bindingVersion": "0.2.0"}},
    }
