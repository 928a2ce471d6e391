"""An answer put together by whoever asked: foreign messages, refusals, spoilt parts. Chunks themselves are in `test_answerer`."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import RequestError
from edge.requests.assembly import Assembly


def part(content: bytes = b"abc", **fields: Any) -> bytes:
    head = {"id": "1", "ok": True, "chunks": 1, "bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
    return json.dumps({**head, "data": base64.b64encode(content).decode(), **fields}).encode()


def test_one_message_is_enough() -> None:
    answer = Assembly("1")
    assert (answer.complete, answer.chunks) == (False, None)
    assert answer.take(part(new_field="of a newer device"))
    assert answer.complete
    assert answer.whole() == b"abc"
    assert answer.head is not None
    assert "data" not in answer.head


@given(st.binary(max_size=50))
def test_what_is_no_answer_is_left_alone(payload: bytes) -> None:
    assert not Assembly("1").take(payload)


@pytest.mark.parametrize("payload", [part(id="2"), part(id=None), b"[]", b"7", b'{"id": "1"}', b"[" * 100_000])
def test_what_belongs_to_another_question_is_left_alone(payload: bytes) -> None:
    answer = Assembly("1")
    assert not answer.take(payload)
    assert answer.parts == 0


def test_a_refusal_is_told_in_the_devices_own_words() -> None:
    with pytest.raises(RequestError, match="unknown_camera: there are door, hall"):
        Assembly("1").take(json.dumps({"id": "1", "ok": False, "error": "unknown_camera", "message": "there are door, hall"}).encode())


def test_other_bytes_than_were_sent_are_noticed() -> None:
    answer = Assembly("1")
    assert answer.take(part(b"abd"))
    with pytest.raises(RequestError, match="are not the 3 that were sent"):
        answer.whole()


@pytest.mark.parametrize("spoilt", [{"data": "***"}, {"data": 5}, {"chunk": "two"}, {"chunk": None}])
def test_a_part_that_cannot_be_read_is_an_error(spoilt: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        Assembly("1").take(part(**spoilt))
