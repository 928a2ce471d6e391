"""Who may ask what, and what comes back: permissions, rates, errors, silence, chunks, and that every answer is what its schema says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from edge.data import Message
from edge.errors import DiskFull
from edge.requests import Answerer, Asked, RequestOptions
from edge.requests.asked import MOST_REQUEST_BYTES
from edge.requests.assembly import Assembly
from edge.requests.payloads import ANSWERS, LEAST_BYTES, REQUESTS
from tests.unit.requests.archive import MemoryArchive

BASE = "edge/shop"
EAR = "edge/shop/answer/me"
SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00+01:00"}
PLENTY = RequestOptions(commands=True, per_minute=6000, burst=1000)


def answerer(archive: MemoryArchive | None = None, options: RequestOptions = PLENTY, *, live_pictures: bool = True) -> Answerer:
    return Answerer(options, archive or MemoryArchive(), device="shop", base=BASE, live_pictures=live_pictures)


def asked(verb: str, fields: Any = None, *, reply_to: str = EAR, **how: Any) -> Asked:
    payload = fields if isinstance(fields, bytes) else json.dumps(fields if fields is not None else {}).encode()
    return Asked.of(verb, payload, reply_to=reply_to, **how)


def said(answerer: Answerer, question: Asked, now_s: float = 0.0, **how: Any) -> list[dict[str, Any]]:
    messages = list(answerer.answer(question, now_s, **how))
    for message in messages:
        assert isinstance(message, Message)
        assert not message.retain
        assert message.qos == 1
        assert message.correlation == question.correlation
    return [json.loads(message.payload) for message in messages]


def one(answerer: Answerer, question: Asked, **how: Any) -> dict[str, Any]:
    (answer,) = said(answerer, question, **how)
    return answer


GOOD = [
    ("snapshot", {"camera": "door"}),
    ("snapshot", {"camera": "hall", "what": "grid", "format": "npz", **SPAN}),
    ("snapshot", {"camera": "door", "what": "overlay", "format": "png"}),
    ("counts", {}),
    ("counts", {"camera": "door", **SPAN}),
    ("reset", {"camera": "door"}),
    ("config", {}),
    ("cameras", {}),
]


@pytest.mark.parametrize(("verb", "fields"), GOOD)
def test_a_good_request_gets_its_one_answer(verb: str, fields: dict[str, Any]) -> None:
    answer = one(answerer(), asked(verb, {**fields, "id": "7"}, correlation=b"c"))
    assert (answer["ok"], answer["verb"], answer["id"], answer["device"]) == (True, verb, "7", "shop")


def test_a_span_reaches_the_archive_in_utc_nanoseconds_and_is_open_where_silent() -> None:
    archive = MemoryArchive()
    one(answerer(archive), asked("counts", {"camera": "door", **SPAN}))
    one(answerer(archive), asked("counts", {"camera": "door", "from": "2026-01-01T00:00:00.250+00:00"}))
    first = 1_767_225_600 * 10**9
    assert archive.asked == [("door", (first, first + 23 * 3600 * 10**9)), ("door", (first + 250_000_000, None))]


@pytest.mark.parametrize(
    ("verb", "fields", "error", "words"),
    [
        ("", {}, "unknown_verb", "ask one of snapshot"),
        ("snapshot/door", {"camera": "door"}, "unknown_verb", "ask one of"),
        ("snapshots", {}, "unknown_verb", "ask one of"),
        ("x" * 5000, {}, "unknown_verb", "ask one of"),
        ("snapshot", {}, "bad_request", "camera is missing"),
        ("snapshot", {"camera": 5}, "bad_request", "camera: input should be a valid string"),
        (
            "snapshot",
            {"camera": "door", "colour": 1},
            "bad_request",
            "there is no such field; here can stand id, reply_to, from, to, camera",
        ),
        ("snapshot", {"camera": "door", "max_bytes": "120000"}, "bad_request", "valid integer"),
        ("snapshot", {"camera": "door", "max_bytes": 3}, "bad_request", "greater than or equal to 4000"),
        ("snapshot", {"camera": "door", "format": "gif"}, "bad_request", "'jpeg', 'png'"),
        ("snapshot", {"camera": "door", "what": "grid", "format": "png"}, "bad_request", "a grid is npz"),
        ("snapshot", {"camera": "door", "from": "yesterday"}, "bad_request", "write one like"),
        ("snapshot", {"camera": "door", "from": "2026-01-01T00:00:00"}, "bad_request", "has no zone"),
        ("snapshot", {"camera": "door", "from": 1_767_225_600}, "bad_request", "valid string"),
        ("counts", {"from": SPAN["to"], "to": SPAN["from"]}, "bad_request", "is not before"),
        ("counts", {"camera": "cellar"}, "unknown_camera", "there are door, hall"),
        ("snapshot", {"camera": "../door"}, "unknown_camera", "there are door, hall"),
        ("snapshot", {"camera": "door", "what": "floor"}, "not_available", "no floor plan"),
        ("counts", b"{", "bad_request", "no JSON object"),
        ("counts", b"[1]", "bad_request", "no JSON object"),
        ("counts", b'{"camera": NaN}', "bad_request", "no JSON object"),
        ("counts", b"\xff\xfe", "bad_request", "no JSON object"),
        ("counts", b"[" * 8000, "bad_request", "no JSON object"),
        ("counts", b" " * (MOST_REQUEST_BYTES + 1), "bad_request", "no request needs more than"),
    ],
)
def test_a_bad_request_is_answered_with_what_would_be_right(verb: str, fields: Any, error: str, words: str) -> None:
    archive = MemoryArchive()
    answer = one(answerer(archive), asked(verb, fields, correlation=b"c"))
    assert (answer["ok"], answer["error"], answer["verb"]) == (False, error, verb[:40])
    assert words in answer["message"]
    assert not archive.asked or error == "not_available"


def test_an_empty_payload_is_a_request_without_fields() -> None:
    assert one(answerer(), asked("counts", b""))["ok"]


@pytest.mark.parametrize("verb", ["reset", "config", "cameras"])
def test_commands_need_to_be_allowed(verb: str) -> None:
    archive = MemoryArchive()
    answer = one(answerer(archive, RequestOptions()), asked(verb, {"camera": "door"} if verb == "reset" else {}))
    assert (answer["error"], archive.asked) == ("not_allowed", [])
    assert "commands: true" in answer["message"]


@pytest.mark.parametrize("verb", ["snapshot", "counts"])
def test_reading_can_be_forbidden(verb: str) -> None:
    options = RequestOptions(snapshot=False, counts=False)
    assert one(answerer(options=options), asked(verb, {"camera": "door"}))["error"] == "not_allowed"


def test_a_picture_with_people_needs_to_be_allowed() -> None:
    archive = MemoryArchive()
    answer = one(answerer(archive, live_pictures=False), asked("snapshot", {"camera": "door", "what": "overlay"}))
    assert (answer["error"], archive.asked) == ("not_allowed", [])
    assert "live_pictures: true" in answer["message"]


def test_where_mqtt_5_names_no_place_the_payload_does() -> None:
    (message,) = answerer().answer(asked("counts", {"reply_to": EAR, "id": "a"}, reply_to=""), 0)
    assert (message.topic, json.loads(message.payload)["id"]) == (f"/{EAR}", "a")
    (message,) = answerer().answer(asked("counts", {"reply_to": "elsewhere"}), 0)
    assert message.topic == f"/{EAR}", "MQTT 5's own comes first"


@pytest.mark.parametrize("topic", ["me", "site/me", "edge/shop/answer/me", "edge/me", "edge/me/reply/7", "edge2/shop/status", "EDGE/x"])
def test_answers_go_to_topics_of_the_asker(topic: str) -> None:
    assert len(said(answerer(), asked("counts", reply_to=topic))) == 1


@pytest.mark.parametrize(
    "topic",
    ["", "#", "me/#", "+/me", "$SYS/x", "/me", "a\x00b", "a\x01b", "\ud800", "\ufffe", "a" * 257, "ü" * 129, "a/" * 8]
    + [
        "edge/shop/status",
        "edge/other/status",
        "edge/other/health",
        "edge/shop/door/counts",
        "edge/x/y/heatmap/meta",
        "edge/shop/cmd/reset",
    ],
)
def test_an_answer_never_goes_where_others_speak_or_where_a_broker_would_hang_up(topic: str) -> None:
    archive = MemoryArchive()
    assert said(answerer(archive), asked("reset", {"camera": "door"}, reply_to=topic)) == []
    assert said(answerer(archive), asked("reset", {"camera": "door", "reply_to": topic}, reply_to="")) == []
    assert archive.asked == [], "what cannot be answered is not done"


def test_a_retained_request_is_silence() -> None:
    archive = MemoryArchive()
    assert said(answerer(archive), asked("reset", {"camera": "door"}, retained=True)) == []
    assert archive.asked == []


def test_whoever_asks_too_fast_is_told_once_a_second_and_then_served_again() -> None:
    device = answerer(options=RequestOptions(per_minute=60, burst=3))
    heard = [said(device, asked("counts"), t_s) for t_s in (0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.25, 1.35, 1.45, 20, 20, 20, 20)]
    codes = ["" if not answers else answers[0].get("error", "ok") for answers in heard]
    assert codes == ["ok", "ok", "ok", "too_many", "", "", "ok", "too_many", "", "ok", "ok", "ok", "too_many"]


def test_a_clock_that_stands_still_or_goes_back_opens_no_gate() -> None:
    device = answerer(options=RequestOptions(per_minute=60, burst=2))
    answers = [answer for t_s in (100, 100, 50, 0, 100, 100.5) for answer in said(device, asked("counts"), t_s)]
    assert sum(answer["ok"] for answer in answers) == 2


@pytest.mark.parametrize(
    ("trouble", "words"), [(DiskFull("the disk is full"), "the disk is full"), (KeyError("secret"), "failed at it (KeyError)")]
)
def test_what_fails_is_answered_and_ends_nothing(trouble: Exception, words: str) -> None:
    archive = MemoryArchive(trouble=trouble)
    device = answerer(archive)
    answer = one(device, asked("counts"))
    assert answer["error"] == "failed"
    assert words in answer["message"]
    assert "secret" not in answer["message"]
    archive.trouble = None
    assert one(device, asked("counts"))["ok"]


@settings(max_examples=40)
@given(st.integers(0, 40_000), st.integers(LEAST_BYTES, 20_000), st.one_of(st.none(), st.integers(LEAST_BYTES, 20_000)), st.randoms())
def test_chunks_are_bounded_come_in_any_order_and_are_the_bytes_that_were_sent(
    size: int, most: int, broker: int | None, random: Any
) -> None:
    data = random.randbytes(size)
    question = asked("snapshot", {"camera": "door", "max_bytes": most, "id": "7" * 128})
    messages = [message.payload for message in answerer(MemoryArchive(data)).answer(question, 0, most_bytes=broker)]
    assert max(map(len, messages)) <= min(most, broker or most)
    whole = Assembly("7" * 128)
    shuffled = messages * 2
    random.shuffle(shuffled)
    for payload in shuffled:
        assert whole.take(payload)
    assert whole.complete
    assert whole.whole() == data
    assert whole.chunks == len(messages)


def test_what_no_number_of_messages_can_carry_is_refused() -> None:
    question = asked("snapshot", {"camera": "door", "max_bytes": LEAST_BYTES})
    assert one(answerer(MemoryArchive(bytes(8_000_000))), question)["error"] == "too_large"
    assert one(answerer(), question, most_bytes=1_000)["error"] == "too_large"


def test_an_answer_that_the_broker_would_not_take_is_refused_and_not_lost() -> None:
    size = len(next(answerer().answer(asked("counts"), 0)).payload)
    assert one(answerer(), asked("counts"), most_bytes=size)["ok"]
    refused = one(answerer(), asked("counts"), most_bytes=size - 1)
    assert refused["error"] == "too_large"
    assert "ask for one camera, or a shorter span" in refused["message"]


def test_what_comes_back_with_each_message_takes_of_its_room() -> None:
    question = asked("snapshot", {"camera": "door", "max_bytes": 20_000}, correlation=bytes(5_000))
    messages = list(answerer(MemoryArchive(bytes(40_000))).answer(question, 0, most_bytes=12_000))
    assert max(len(message.payload) for message in messages) <= 7_000
    assert one(answerer(), asked("snapshot", {"camera": "door"}, correlation=bytes(9_000)), most_bytes=12_000)["error"] == "too_large"


@pytest.mark.parametrize(
    ("fields", "span"),
    [
        ({"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, (1 - 2**63, 2**63 - 1)),
        ({"from": "9000-01-01T00:00:00Z"}, (2**63 - 1, None)),
    ],
)
def test_moments_that_no_clock_reaches_are_the_last_it_does(fields: dict[str, str], span: tuple[int, int | None]) -> None:
    archive = MemoryArchive()
    assert one(answerer(archive), asked("counts", {"camera": "door", **fields}))["ok"]
    assert archive.asked == [("door", span)]


def test_a_moment_without_a_zone_is_told_how_to_be_written() -> None:
    refused = one(answerer(), asked("counts", {"from": "2026-01-01"}))
    assert "write 2026-01-01T00:00:00Z or 2026-01-01T00:00:00+02:00" in refused["message"]
    assert one(answerer(), asked("counts", {"from": "2026-01-01T00:00:00Z"}))["ok"]


def schema_of(verb: str) -> TypeAdapter[Any]:
    kinds = ANSWERS[verb]
    union: Any = kinds[0]
    for kind in kinds[1:]:
        union = union | kind
    return TypeAdapter(union)


@pytest.mark.parametrize(("verb", "fields"), GOOD)
def test_an_answer_reads_back_as_what_it_is(verb: str, fields: dict[str, Any]) -> None:
    for answer in said(
        answerer(MemoryArchive(bytes(9_000))), asked(verb, {**fields, **({"max_bytes": 4_000} if verb == "snapshot" else {})})
    ):
        schema_of(verb).validate_python(json.loads(json.dumps(answer)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
fields = st.dictionaries(
    st.sampled_from(["camera", "what", "from", "to", "format", "max_bytes", "id", "reply_to", "x"]),
    json_values | st.sampled_from(["door", "heat", "grid", "npz", SPAN["from"]]),
)


@settings(max_examples=300)
@given(st.sampled_from([*REQUESTS, "", "status", "a/b"]), st.binary(max_size=200) | fields.map(lambda f: json.dumps(f).encode()))
def test_whatever_comes_gets_one_answer_and_nothing_is_raised(verb: str, payload: bytes) -> None:
    answers = said(answerer(), asked(verb, payload))
    assert len(answers) == 1
    if not answers[0]["ok"]:
        assert answers[0]["error"] in ("unknown_verb", "bad_request", "unknown_camera", "not_available")
