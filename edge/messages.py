"""What is said over MQTT: topics, payloads, schema version. When it is said, and how it gets there, is elsewhere.

Payloads are pydantic models: the JSON Schemas under deploy/mqtt/schemas are generated from them (`scripts/make_schemas.py`), so that what is
documented is what is sent. Times are UTC in ISO 8601 with milliseconds, or null while the clock was never right; `t_ns` beside them is the
timeline's own, good within one `boot_id`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from edge.count.tally import DWELL_BINS_S, Key, dwell_field
from edge.data import Event, Message

SCHEMA = 1
"""Version of all payloads: a field may be added within a version, never changed or taken away."""

RESERVED = ("status", "health", "cmd", "answer", "homeassistant")
_SLUG = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")


def check_name(name: str, what: str) -> str:
    """`name` if it can stand in a topic; ValueError says what a good one looks like."""
    if not _SLUG.fullmatch(name):
        raise ValueError(
            f"{what} {name!r} is no good name: use small letters, digits, - and _, at most 64, beginning and ending with a letter or digit"
        )
    if name in RESERVED:
        raise ValueError(f"{what} {name!r} is a word that topics need themselves ({', '.join(RESERVED)}); choose another name")
    return name


def iso(utc_ns: int | None) -> str | None:
    """UTC nanoseconds as ``2026-11-24T09:30:00.125Z``."""
    if utc_ns is None:
        return None
    moment = datetime.fromtimestamp(utc_ns // 1_000_000_000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{utc_ns // 1_000_000 % 1000:03d}Z"


Time = Annotated[str | None, Field(description="UTC, ISO 8601 with milliseconds; null while the device's clock was never right")]


class Payload(BaseModel):
    """What every payload begins with."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid", json_schema_serialization_defaults_required=True)

    schema_version: int = Field(SCHEMA, alias="schema")
    device: str

    def to_bytes(self) -> bytes:
        return self.model_dump_json(by_alias=True).encode()


class _Streamed(Payload):
    """What travels through the outbox: `stream` and `seq` make at-least-once exactly once."""

    stream: str = Field(description="UUID born with the store")
    seq: int = Field(description="ascending within a stream; a repeated one is the same message again")
    boot_id: str = Field(description="names the timeline that t_ns belongs to: a boot of the device, or a file")
    camera: str


class EventPayload(_Streamed):
    """`{camera}/events`: one crossing, entry or exit, never corrected."""

    kind: Literal["line", "zone"]
    name: str = Field(description="of the line or zone")
    event: Literal["in", "out", "entered", "exited", "appeared", "vanished"]
    track: int
    class_name: str = Field(alias="class")
    t: Time
    t_counted: Time
    t_ns: int
    place: tuple[float, float] = Field(description="x, y in reference pixels")
    dwell_s: float | None = Field(None, description="how long it had been inside, for exited and vanished")


class DroppedPayload(_Streamed):
    """`{camera}/events`: what was taken out of a full outbox, so that a gap in `seq` can be understood."""

    kind: Literal["dropped"] = "dropped"
    events: int
    from_seq: int
    to_seq: int


class LineNumbers(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, json_schema_serialization_defaults_required=True)

    in_: int = Field(0, alias="in", description="in this interval")
    out: int = Field(0, description="in this interval")
    total_in: int = Field(0, description="since the epoch began")
    total_out: int = Field(0, description="since the epoch began")


class LinePayload(LineNumbers):
    epoch: int
    since: Time = Field(None, description="when the epoch began")
    classes: dict[str, LineNumbers]


class ZoneNumbers(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    entered: int = Field(0, description="in this interval")
    exited: int = 0
    appeared: int = 0
    vanished: int = 0
    total_entered: int = Field(0, description="since the epoch began")
    total_exited: int = 0
    total_appeared: int = 0
    total_vanished: int = 0
    occupancy: int = Field(0, description="total_entered + total_appeared - total_exited - total_vanished")


class Dwell(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    count: int = 0
    mean_s: float | None = None
    histogram: dict[str, int] = Field(default_factory=dict, description="upper end of each bin in seconds, the last one 'longer'")


class ZonePayload(ZoneNumbers):
    epoch: int
    since: Time = Field(None, description="when the epoch began")
    presence_s: float = Field(description="person-seconds in this interval")
    occupied_s: float = Field(description="seconds of this interval with somebody inside")
    dwell: Dwell = Field(description="of all who have left since the epoch began")
    classes: dict[str, ZoneNumbers]


class CountsPayload(_Streamed):
    """`{camera}/counts`: what an interval added, and the totals at its end."""

    from_: Time = Field(alias="from")
    to: Time
    t_ns: int = Field(description="end of the interval")
    interval_s: float
    quality: float = Field(ge=0, le=1, description="share of the interval in which the camera saw")
    lines: dict[str, LinePayload]
    zones: dict[str, ZonePayload]


class StatusPayload(Payload):
    """`status`: birth and last will of a device. It counts nothing yet while it is `warming`: its model is being built for this machine."""

    state: Literal["online", "offline", "warming"]
    version: str
    stream: str
    boot_id: str
    cameras: list[str]
    since: Time
    share: float | None = Field(None, ge=0, le=1, description="while warming: how much of the building is done")
    left_s: float | None = Field(None, description="while warming: seconds that are left, where that can be told")
    trouble: str = Field("", description="why it works with less than its configuration asks for; empty when it does not")


class StatePayload(Payload):
    """`{camera}/state`."""

    camera: str
    state: Literal["starting", "live", "reconnecting", "blind", "moved", "failed", "ended"]
    since: Time
    why: str = ""
    gap_s: float | None = Field(None, description="seconds that nobody counted before this state, if any")


class HeatmapPayload(Payload):
    """`{camera}/heatmap/meta`: what the picture on `{camera}/heatmap` shows."""

    camera: str
    from_: Time = Field(alias="from")
    to: Time
    unit: Literal["presence-seconds per cell"] = "presence-seconds per cell"
    presence_s: float = Field(description="sum of the whole grid, before blur")
    top: float = Field(description="value of the last colour, in the unit, after blur")
    colormap: str
    blur_px: float
    cell: int = Field(description="px of the reference picture")
    reference: tuple[int, int]
    width: int
    height: int
    content_type: str
    bytes: int
    sha256: str


PAYLOADS: Mapping[str, tuple[type[Payload], ...]] = {
    "status": (StatusPayload,),
    "state": (StatePayload,),
    "events": (EventPayload, DroppedPayload),
    "counts": (CountsPayload,),
    "heatmap-meta": (HeatmapPayload,),
}
"""What can stand on each kind of topic."""


def event_message(event: Event, class_names: Sequence[str], *, t: str | None, t_counted: str | None, **head: Any) -> Message:
    """One event on its camera's topic. `head`: device, stream, seq, boot_id, camera."""
    payload = EventPayload(
        **head,
        kind=event.kind,
        name=event.place,
        event=event.verb,
        track=event.track,
        class_name=class_names[event.class_id],
        t=t,
        t_counted=t_counted,
        t_ns=event.t_ns,
        place=(round(event.point[0], 1), round(event.point[1], 1)),
        dwell_s=None if event.dwell_ns is None else round(event.dwell_ns * 1e-9, 3),
    )
    return Message(f"{payload.camera}/events", payload.to_bytes())


def line_payload(line: str, epoch: int, delta: Mapping[Key, int], total: Mapping[Key, int], since: Time = None) -> LinePayload:
    """A line's numbers: `delta` of the interval, `total` at its end."""

    def numbers(classes: Iterable[str]) -> dict[str, int]:
        def of(tally: Mapping[Key, int], verb: str) -> int:
            return sum(tally.get(Key("line", line, name, verb), 0) for name in classes)

        return {"in_": of(delta, "in"), "out": of(delta, "out"), "total_in": of(total, "in"), "total_out": of(total, "out")}

    classes = _classes("line", line, total)
    return LinePayload(epoch=epoch, since=since, classes={name: LineNumbers(**numbers([name])) for name in classes}, **numbers(classes))


def zone_payload(zone: str, epoch: int, delta: Mapping[Key, int], total: Mapping[Key, int], since: Time = None) -> ZonePayload:
    """A zone's numbers: `delta` of the interval, `total` at its end."""

    def numbers(classes: Sequence[str]) -> dict[str, int]:
        def of(tally: Mapping[Key, int], verb: str) -> int:
            return sum(tally.get(Key("zone", zone, name, verb), 0) for name in classes)

        verbs = ("entered", "exited", "appeared", "vanished")
        now = {f"total_{verb}": of(total, verb) for verb in verbs}
        inside = now["total_entered"] + now["total_appeared"] - now["total_exited"] - now["total_vanished"]
        return {**{verb: of(delta, verb) for verb in verbs}, **now, "occupancy": inside}

    def summed(tally: Mapping[Key, int], field: str) -> int:
        return sum(n for key, n in tally.items() if (key.kind, key.place, key.field) == ("zone", zone, field))

    classes = _classes("zone", zone, total)
    bins = [(str(end), dwell_field(end)) for end in DWELL_BINS_S] + [("longer", "dwell_longer")]
    histogram = {name: summed(total, field) for name, field in bins}
    left = sum(histogram.values())
    return ZonePayload(
        epoch=epoch,
        since=since,
        presence_s=summed(delta, "presence_us") * 1e-6,
        occupied_s=summed(delta, "occupied_us") * 1e-6,
        dwell=Dwell(count=left, mean_s=round(summed(total, "dwell_us") * 1e-6 / left, 3) if left else None, histogram=histogram),
        classes={name: ZoneNumbers(**numbers([name])) for name in classes},
        **numbers(classes),
    )


def merge_counts(older: bytes, newer: bytes) -> bytes:
    """Two counts of one camera that follow one another, as one: deltas summed, totals and place in the stream of the newer.

    A line or zone whose epoch changed between them keeps the newer's delta alone: the older epoch's totals stay in the store.
    """
    a, b = CountsPayload.model_validate_json(older), CountsPayload.model_validate_json(newer)
    lasted = a.interval_s + b.interval_s
    seen = a.quality * a.interval_s + b.quality * b.interval_s

    def added(x: BaseModel, y: BaseModel) -> dict[str, object]:
        fields = ("in_", "out", "entered", "exited", "appeared", "vanished", "presence_s", "occupied_s")
        return {name: getattr(x, name) + getattr(y, name) for name in fields if hasattr(y, name)}

    def places(before: Mapping[str, LinePayload | ZonePayload], after: Mapping[str, LinePayload | ZonePayload]) -> dict[str, object]:
        merged: dict[str, object] = dict(after)
        for name, y in after.items():
            x = before.get(name)
            if x is not None and x.epoch == y.epoch:
                classes = {k: v.model_copy(update=added(x.classes[k], v)) if k in x.classes else v for k, v in y.classes.items()}
                merged[name] = y.model_copy(update={**added(x, y), "classes": classes})
        return merged

    update = {
        "from_": a.from_,
        "interval_s": round(lasted, 6),
        "quality": round(seen / lasted, 6) if lasted else 0.0,
        "lines": places(a.lines, b.lines),
        "zones": places(a.zones, b.zones),
    }
    return b.model_copy(update=update).to_bytes()


def _classes(kind: str, place: str, tally: Mapping[Key, int]) -> list[str]:
    return sorted({key.class_name for key in tally if key.kind == kind and key.place == place and key.class_name})
