"""A request as it came becomes one that can be answered, or a refusal. What is answered is `answerer`'s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from edge.requests.payloads import REQUESTS, ErrorCode, Request

MOST_REQUEST_BYTES = 8_192
"""No request is longer; what is longer is not read."""

_DEVICES_OWN = ["status"], ["health"], ["cmd"]
_CAMERAS_OWN = ["state"], ["events"], ["counts"], ["heatmap"]


class Refusal(Exception):
    """Why a request is not done: a code for programs, a sentence for people."""

    def __init__(self, error: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error: ErrorCode = error


@dataclass(frozen=True, slots=True)
class Asked:
    """A message on `cmd/{verb}`. `reply_to` '' and `correlation` None where MQTT 5 brought none.

    A payload of more than MOST_REQUEST_BYTES is not kept, only its `size`: what nobody reads must not wait in memory.
    """

    verb: str
    payload: bytes
    reply_to: str = ""
    correlation: bytes | None = None
    retained: bool = False
    size: int = 0

    @staticmethod
    def of(verb: str, payload: bytes, *, reply_to: str = "", correlation: bytes | None = None, retained: bool = False) -> Asked:
        kept = payload if len(payload) <= MOST_REQUEST_BYTES else b""
        return Asked(verb, kept, reply_to, correlation, retained, len(payload))


@dataclass(frozen=True, slots=True)
class Letter:
    """What could be read of a request: where the answer goes ('' for nowhere), its `id`, and its fields, None where it is no JSON object."""

    reply_to: str
    id: str | None
    fields: dict[str, Any] | None


def opened(asked: Asked) -> Letter:
    """Whatever the payload is, as much of it as is needed to answer at all."""
    try:
        fields = from_json(asked.payload or b"{}", allow_inf_nan=False) if asked.size <= MOST_REQUEST_BYTES else None
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return Letter(asked.reply_to, None, None)
    reply_to, id = fields.get("reply_to"), fields.get("id")
    return Letter(
        asked.reply_to or (reply_to if isinstance(reply_to, str) else ""),
        id if isinstance(id, str) and len(id) <= 128 else None,
        fields,
    )


def can_be_answered(topic: str, *, base: str) -> bool:
    """Whether an answer may go to `topic`: not where a device speaks or listens, for asking must not put words into anybody's mouth.

    A topic for which a broker would end the connection (a wildcard, a control character, too many levels) is none either.
    """
    if not topic.isprintable() or not 0 < len(topic.encode()) <= 256 or topic.count("/") > 7:
        return False
    if set(topic) & set("+#") or topic.startswith(("$", "/")):
        return False
    prefix = base.rpartition("/")[0]
    _, *levels = topic.removeprefix(f"{prefix}/").split("/") if topic.startswith(f"{prefix}/") else [""]
    return levels[:1] not in _DEVICES_OWN and levels[1:2] not in _CAMERAS_OWN


def read(asked: Asked, letter: Letter) -> Request:
    """The request; Refusal says what is wrong with it."""
    kind = REQUESTS.get(asked.verb)
    if kind is None:
        raise Refusal("unknown_verb", f"there is no request {asked.verb[:40]!r}; ask one of {', '.join(REQUESTS)}")
    if asked.size > MOST_REQUEST_BYTES:
        raise Refusal("bad_request", f"the request has {asked.size} bytes; no request needs more than {MOST_REQUEST_BYTES}")
    if letter.fields is None:
        raise Refusal("bad_request", 'the payload is no JSON object; write one like {"camera": "door"}')
    try:
        return kind.model_validate(letter.fields)
    except ValidationError as error:
        raise Refusal("bad_request", _sentence(error.errors(include_url=False, include_input=False)[0], kind)) from None


def _sentence(error: ErrorDetails, kind: type[Request]) -> str:
    key = ".".join(str(step)[:40] for step in error["loc"])
    if error["type"] == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in kind.model_fields.items())
        return f"{key}: there is no such field; here can stand {known}"
    if error["type"] == "missing":
        return f"{key} is missing"
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{key}: {text[0].lower()}{text[1:]}" if key else text
