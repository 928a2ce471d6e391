"""Requests and answers as they stand in messages; their JSON Schemas are generated from here. Events, counts and states are `messages`'.

A request is a JSON object on `cmd/{verb}`. Where it comes by MQTT 5 with a response topic and correlation data, the answer goes there and brings
them back; `reply_to` and `id` in the payload do the same by MQTT 3.1.1. An answer's `id` is the request's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from edge.messages import Dwell, Payload, Time

LEAST_BYTES = 4_000
MOST_BYTES = 1_000_000
"""Bounds of what a request may call the largest message it takes."""

ErrorCode = Literal["unknown_verb", "bad_request", "unknown_camera", "not_allowed", "not_available", "too_large", "too_many", "failed"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FAR_NS = 2**63 - 1
"""As far as 64 bits of nanoseconds reach: the years 1677 and 2262."""


def utc_ns_of(text: str) -> int:
    """UTC nanoseconds of ``2026-11-24T09:00:00Z`` or the like; ValueError where there is no moment, or no zone."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no moment; write one like 2026-11-24T09:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no zone; write {moment.isoformat()}Z or {moment.isoformat()}+02:00")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _moment(text: str) -> str:
    utc_ns_of(text)
    return text


Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid", strict=True)

    id: str | None = Field(None, max_length=128, description="comes back in the answer")
    reply_to: str | None = Field(None, max_length=256, description="topic of the answer, where MQTT 5's response topic is not given")


class _Spanned(_Request):
    from_: Moment | None = Field(None, alias="from", description="UTC or with a zone; the beginning of all that is kept if silent")
    to: Moment | None = Field(None, description="likewise; now if silent")

    @model_validator(mode="after")
    def _in_order(self) -> _Spanned:
        if self.from_ is not None and self.to is not None and utc_ns_of(self.from_) >= utc_ns_of(self.to):
            raise ValueError(f"from {self.from_} is not before to {self.to}")
        return self

    @property
    def span(self) -> tuple[int | None, int | None]:
        """UTC nanoseconds from and to, None where it is open. Years that no clock of nanoseconds reaches (1, 9999) are the last it does."""

        def bound(text: str | None) -> int | None:
            return None if text is None else max(-_FAR_NS, min(utc_ns_of(text), _FAR_NS))

        return bound(self.from_), bound(self.to)


What = Literal["heat", "grid", "floor", "overlay"]
Format = Literal["jpeg", "png", "webp", "npz"]


class SnapshotRequest(_Spanned):
    """`cmd/snapshot`: where people were in a span."""

    camera: str
    what: What = Field("heat", description="heat over the empty scene; the raw grid; heat on the floor plan; heat over the present picture")
    format: Format | None = Field(None, description="jpeg if silent; a grid is always npz")
    max_bytes: int = Field(
        120_000, ge=LEAST_BYTES, le=MOST_BYTES, description="largest payload of one message; what is larger comes in chunks"
    )

    @model_validator(mode="after")
    def _grid_is_npz(self) -> SnapshotRequest:
        if self.format is not None and (self.format == "npz") != (self.what == "grid"):
            raise ValueError("a grid is npz and a picture is not: leave out format, or choose jpeg, png or webp for a picture")
        return self


class CountsRequest(_Spanned):
    """`cmd/counts`: what was counted in a span."""

    camera: str | None = Field(None, description="one camera; all if silent")


class ResetRequest(_Request):
    """`cmd/reset`: a new epoch for every line, every zone and the heat of a camera."""

    camera: str


class ConfigRequest(_Request):
    """`cmd/config`: the configuration the device runs with, without its secrets."""


class CamerasRequest(_Request):
    """`cmd/cameras`: what cameras there are, and what each counts."""


Request = SnapshotRequest | CountsRequest | ResetRequest | ConfigRequest | CamerasRequest

REQUESTS: Mapping[str, type[Request]] = {
    "snapshot": SnapshotRequest,
    "counts": CountsRequest,
    "reset": ResetRequest,
    "config": ConfigRequest,
    "cameras": CamerasRequest,
}
"""What can be asked, by verb."""


class _Answer(Payload):
    id: str | None = Field(description="the request's; null where it gave none")
    verb: str


class RefusedAnswer(_Answer):
    """Any request: why it is not done."""

    verb: str = Field(description="as it was asked, cut after 40 letters")
    ok: Literal[False] = False
    error: ErrorCode
    message: str = Field(description="a sentence for people")


class SnapshotAnswer(_Answer):
    """`snapshot`: what is sent, and its first (often its only) part. The others follow as chunks, in order, on the same topic."""

    verb: Literal["snapshot"] = "snapshot"
    ok: Literal[True] = True
    camera: str
    what: What
    from_: Time = Field(alias="from", description="the span that is really covered; null where there is nothing")
    to: Time
    presence_s: float = Field(description="person-seconds in the whole grid")
    cell: int = Field(description="px of the reference picture")
    reference: tuple[int, int]
    width: int = Field(description="of the picture in px, or of the grid in cells")
    height: int
    top: float | None = Field(None, description="presence-seconds per cell that have the last colour; null for a grid")
    colormap: str | None = None
    content_type: str
    bytes: int = Field(description="of the whole, before base64")
    sha256: str = Field(description="of the whole, before base64")
    chunks: int = Field(ge=1, description="how many messages it takes, this one included")
    data: str = Field(description="base64 of the first part", json_schema_extra={"contentEncoding": "base64"})


class ChunkAnswer(_Answer):
    """`snapshot`: a further part."""

    verb: Literal["snapshot"] = "snapshot"
    ok: Literal[True] = True
    chunk: int = Field(ge=2, description="its number; the answer itself is number 1")
    chunks: int
    sha256: str = Field(description="of the whole")
    data: str = Field(description="base64", json_schema_extra={"contentEncoding": "base64"})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid", json_schema_serialization_defaults_required=True)


class LineSpan(_Part):
    in_: int = Field(0, alias="in")
    out: int = 0


class LineCounts(LineSpan):
    """A line in the span, in one of its epochs."""

    epoch: int
    classes: dict[str, LineSpan]


class ZoneSpan(_Part):
    entered: int = 0
    exited: int = 0
    appeared: int = 0
    vanished: int = 0


class ZoneCounts(ZoneSpan):
    """A zone in the span, in one of its epochs."""

    epoch: int
    presence_s: float = Field(description="person-seconds")
    occupied_s: float = Field(description="seconds with somebody inside")
    dwell: Dwell = Field(description="of all who left in the span")
    classes: dict[str, ZoneSpan]


class CameraCounts(_Part):
    from_: Time = Field(
        alias="from", description="the span that is really covered: whole minutes, whole hours when they are old; null for nothing"
    )
    to: Time
    seen_s: float = Field(description="seconds of it in which the camera saw")
    lines: dict[str, list[LineCounts]] = Field(description="an entry an epoch that has numbers in the span, the oldest first")
    zones: dict[str, list[ZoneCounts]]


class CountsAnswer(_Answer):
    """`counts`."""

    verb: Literal["counts"] = "counts"
    ok: Literal[True] = True
    cameras: dict[str, CameraCounts]


class ResetAnswer(_Answer):
    """`reset`: it is done, and on the disk."""

    verb: Literal["reset"] = "reset"
    ok: Literal[True] = True
    camera: str
    since: Time
    epochs: dict[str, int] = Field(description="the new epoch of each `line/name`, `zone/name` and of `heat`")


class ConfigAnswer(_Answer):
    """`config`."""

    verb: Literal["config"] = "config"
    ok: Literal[True] = True
    config: dict[str, Any]


class CameraFacts(_Part):
    source: str = Field(description="without passwords")
    reference: tuple[int, int] | None = Field(description="null while it is not known")
    classes: list[str] = Field(description="that count; empty for all")
    lines: list[str]
    zones: list[str]


class CamerasAnswer(_Answer):
    """`cameras`."""

    verb: Literal["cameras"] = "cameras"
    ok: Literal[True] = True
    cameras: dict[str, CameraFacts]


ANSWERS: Mapping[str, tuple[type[_Answer], ...]] = {
    "snapshot": (SnapshotAnswer, ChunkAnswer, RefusedAnswer),
    "counts": (CountsAnswer, RefusedAnswer),
    "reset": (ResetAnswer, RefusedAnswer),
    "config": (ConfigAnswer, RefusedAnswer),
    "cameras": (CamerasAnswer, RefusedAnswer),
}
"""What can come back, by verb."""
