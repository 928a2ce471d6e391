"""An answer as whoever asked puts it together: its parts in any order, each perhaps twice, until it is whole and its digest is right."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from edge.errors import RequestError


class Assembly:
    """One answer. What belongs to another question is left alone; fields that a newer device adds are let pass."""

    def __init__(self, id: str) -> None:
        self._id = id
        self._parts: dict[int, bytes] = {}
        self.head: dict[str, Any] | None = None
        """The first message, without its data; None until it has come."""

    @property
    def parts(self) -> int:
        return len(self._parts)

    @property
    def chunks(self) -> int | None:
        """How many parts there are in all; None until the first has come."""
        return None if self.head is None else int(self.head.get("chunks", 1))

    @property
    def complete(self) -> bool:
        return self.head is not None and self.parts >= (self.chunks or 1)

    def take(self, payload: bytes) -> bool:
        """Take in a message -> whether it belongs to this answer. RequestError: the device refuses, with its own sentence."""
        try:
            said = json.loads(payload)
        except (ValueError, RecursionError):
            return False
        if not isinstance(said, dict) or said.get("id") != self._id or "ok" not in said:
            return False
        if not said["ok"]:
            raise RequestError(f"the device answers {said.get('error')}: {said.get('message')}")
        try:
            number = int(said.get("chunk", 1))
            self._parts[number] = base64.b64decode(said.pop("data", ""), validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise RequestError("a part of the answer cannot be read; ask again") from None
        if number == 1:
            self.head = said
        return True

    def whole(self) -> bytes:
        """The bytes that were sent. RequestError: they are not those that the device's digest names."""
        assert self.head is not None
        data = b"".join(self._parts[number] for number in sorted(self._parts))
        if hashlib.sha256(data).hexdigest() != self.head.get("sha256"):
            raise RequestError(f"the {len(data)} bytes that came are not the {self.head.get('bytes')} that were sent; ask again")
        return data
