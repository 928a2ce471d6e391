"""Requests become answers: who may ask what, how often, and in which messages it is told. What is known comes from an `Archive`.

Some requests get no answer at all: a retained one (it would be done at every connect), one that names nowhere to answer, or a topic on which a
device speaks or listens, and what exceeds the rate after it was said so. Every other request gets exactly one, and nothing that is asked ends anything.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edge.data import Message
from edge.errors import EdgeError
from edge.messages import Payload, Time
from edge.requests.asked import Asked, Letter, Refusal, can_be_answered, opened, read
from edge.requests.limits import Rate
from edge.requests.options import RequestOptions
from edge.requests.payloads import (
    LEAST_BYTES,
    CameraCounts,
    CameraFacts,
    CamerasAnswer,
    CamerasRequest,
    ChunkAnswer,
    ConfigAnswer,
    ConfigRequest,
    CountsAnswer,
    CountsRequest,
    ErrorCode,
    RefusedAnswer,
    Request,
    ResetAnswer,
    ResetRequest,
    SnapshotAnswer,
    SnapshotRequest,
)

log = logging.getLogger(__name__)

_COMMANDS = ("reset", "config", "cameras")
_ANSWER_EXPIRES_S = 60
_MOST_CHUNKS = 2_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Bytes to be sent, and what they show: `told` are the fields of a SnapshotAnswer that say so."""

    data: bytes
    content_type: str
    told: Mapping[str, Any]


class Archive(Protocol):
    """What a device knows, for whoever asks. Any method may raise Refusal, or an EdgeError."""

    @property
    def cameras(self) -> Sequence[str]: ...

    def snapshot(self, request: SnapshotRequest) -> Snapshot: ...

    def counts(self, camera: str, span: tuple[int | None, int | None]) -> CameraCounts:
        """`span`: UTC nanoseconds from and to, None where it is open."""

    def reset(self, camera: str) -> tuple[Time, dict[str, int]]:
        """Since when, and the new epoch of each place."""

    def config(self) -> dict[str, Any]:
        """Without secrets."""

    def facts(self) -> dict[str, CameraFacts]: ...


class Answerer:
    """Answers the requests of one device, one after the other.

    Args:
        options: what is allowed.
        device, base: the device's name, and the topic its own begin with, `edge/gate` for instance.
        live_pictures: whether pictures with people on them may leave the device.
    """

    def __init__(self, options: RequestOptions, archive: Archive, *, device: str, base: str, live_pictures: bool) -> None:
        self._options, self._archive = options, archive
        self._device, self._base = device, base
        self._live_pictures = live_pictures
        self._rate = Rate(options)

    def answer(self, asked: Asked, now_s: float, *, most_bytes: int | None = None) -> Iterator[Message]:
        """The messages of an answer, on whole topics (behind a `/`), none where a request gets none. Never raises.

        `now_s` is monotonic; `most_bytes` the largest payload the broker takes, where it has said so.
        """
        if asked.retained:
            return
        letter = opened(asked)
        if not can_be_answered(letter.reply_to, base=self._base):
            return
        if most_bytes is not None:
            most_bytes -= len(asked.correlation or b"")  # it goes back with each message, and the broker counts it
        within = self._rate.heeds(now_s)
        if not within and not self._rate.complains(now_s):
            return
        try:
            if not within:
                raise Refusal("too_many", f"more than {self._options.per_minute:g} requests a minute; ask again later")
            yield from self._messages(asked, letter, read(asked, letter), most_bytes)
        except Refusal as refusal:
            yield self._refused(asked, letter, refusal.error, str(refusal))
        except EdgeError as error:
            yield self._refused(asked, letter, "failed", str(error))
        except Exception as error:
            # The last line of defence: what somebody asks must not end what answers, let alone what counts.
            log.exception("the request %s could not be answered", asked.verb[:40])
            yield self._refused(asked, letter, "failed", f"the device failed at it ({type(error).__name__}); its log says where")

    def _messages(self, asked: Asked, letter: Letter, request: Request, most_bytes: int | None) -> Iterator[Message]:
        self._check_allowed(asked.verb, request)
        camera: str | None = getattr(request, "camera", None)
        if camera is not None and camera not in self._archive.cameras:
            raise Refusal("unknown_camera", f"there is no camera {camera[:64]!r} here; there are {', '.join(self._archive.cameras)}")
        if isinstance(request, SnapshotRequest):
            limit = request.max_bytes if most_bytes is None else min(request.max_bytes, most_bytes)
            yield from (self._message(asked, letter, part) for part in self._parts(letter, request, limit))
            return
        message = self._message(asked, letter, self._plain(letter, request))
        if most_bytes is not None and len(message.payload) > most_bytes and not isinstance(request, ResetRequest):  # which is done
            shorter = "ask for one camera, or a shorter span" if isinstance(request, CountsRequest) else "let the broker take larger ones"
            raise Refusal("too_large", f"the answer has {len(message.payload)} bytes, and the broker takes {most_bytes}; {shorter}")
        yield message

    def _check_allowed(self, verb: str, request: Request) -> None:
        if verb in _COMMANDS and not self._options.commands:
            raise Refusal("not_allowed", f"{verb} is not allowed here; `requests.commands: true` in the device's configuration allows it")
        if (verb == "snapshot" and not self._options.snapshot) or (verb == "counts" and not self._options.counts):
            raise Refusal("not_allowed", f"{verb} is not allowed here; `requests.{verb}: true` in the device's configuration allows it")
        if isinstance(request, SnapshotRequest) and request.what == "overlay" and not self._live_pictures:
            raise Refusal(
                "not_allowed", "pictures with people do not leave this device; `live_pictures: true` in its configuration allows it"
            )

    def _plain(self, letter: Letter, request: CountsRequest | ResetRequest | ConfigRequest | CamerasRequest) -> Payload:
        head: dict[str, Any] = {"device": self._device, "id": letter.id}
        archive = self._archive
        match request:
            case CountsRequest():
                names = archive.cameras if request.camera is None else [request.camera]
                return CountsAnswer(**head, cameras={name: archive.counts(name, request.span) for name in names})
            case ResetRequest():
                since, epochs = archive.reset(request.camera)
                return ResetAnswer(**head, camera=request.camera, since=since, epochs=epochs)
            case ConfigRequest():
                return ConfigAnswer(**head, config=archive.config())
            case CamerasRequest():
                return CamerasAnswer(**head, cameras=archive.facts())

    def _parts(self, letter: Letter, request: SnapshotRequest, limit: int) -> Iterator[Payload]:
        """A snapshot in messages whose payloads have at most `limit` bytes each."""
        if limit < LEAST_BYTES:
            raise Refusal("too_large", f"the broker leaves {limit} bytes a message, and no answer is that small")
        snapshot = self._archive.snapshot(request)
        whole, sha256 = snapshot.data, hashlib.sha256(snapshot.data).hexdigest()
        head: dict[str, Any] = {"device": self._device, "id": letter.id}
        told = {**head, **snapshot.told, "camera": request.camera, "what": request.what, "content_type": snapshot.content_type}

        def first(data: bytes, chunks: int) -> SnapshotAnswer:
            return SnapshotAnswer(**told, bytes=len(whole), sha256=sha256, chunks=chunks, data=_text(data))

        def further(data: bytes, chunk: int, chunks: int) -> ChunkAnswer:
            return ChunkAnswer(**head, chunk=chunk, chunks=chunks, sha256=sha256, data=_text(data))

        room = _bytes_in(limit - len(first(b"", _MOST_CHUNKS).to_bytes()))
        room_further = _bytes_in(limit - len(further(b"", _MOST_CHUNKS, _MOST_CHUNKS).to_bytes()))
        rest = max(0, len(whole) - room)
        chunks = 1 + -(-rest // room_further)
        if chunks > _MOST_CHUNKS:
            raise Refusal(
                "too_large", f"the answer has {len(whole)} bytes, more than {_MOST_CHUNKS} messages of {limit}; allow larger ones"
            )
        yield first(whole[:room], chunks)
        for chunk in range(2, chunks + 1):
            begin = room + (chunk - 2) * room_further
            yield further(whole[begin : begin + room_further], chunk, chunks)

    def _refused(self, asked: Asked, letter: Letter, error: ErrorCode, sentence: str) -> Message:
        refused = RefusedAnswer(device=self._device, id=letter.id, verb=asked.verb[:40], error=error, message=sentence)
        return self._message(asked, letter, refused)

    def _message(self, asked: Asked, letter: Letter, payload: Payload) -> Message:
        return Message(f"/{letter.reply_to}", payload.to_bytes(), expiry_s=_ANSWER_EXPIRES_S, correlation=asked.correlation)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes_in(letters: int) -> int:
    """How many bytes so many letters of base64 hold."""
    return letters // 4 * 3
