"""What a device says of its own condition, as values: the payload of `health`. Measuring is `runtime`'s; who publishes or serves it is elsewhere.

It is a remark in passing: QoS 0, never retained, no place in the stream. Numbers of events are totals since the process began; rates and times
are of the interval since the last remark.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from edge.data import Message
from edge.messages import Payload, Time

Recording = Literal["full", "fewer", "small", "paused", "failed"]
"""How much of a camera is recorded: every picture that its options allow, fewer, smaller ones too, none for a while, or none that can be written."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class Spread(_Part):
    """How a time was distributed over the interval; milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


class CameraHealth(_Part):
    """One camera's way from its source to the store."""

    state: str = Field("starting", description="as on `{camera}/state`")
    fps_in: float = Field(0.0, description="frames a second that the source gave")
    fps_processed: float = Field(0.0, description="frames a second that were counted on")
    frames_in: int = 0
    frames_processed: int = 0
    share: float | None = Field(
        None, description="its part of all frames that the accelerator looked at, 0..1; null where it looked at none"
    )
    frame_age: Spread | None = Field(None, description="from a live frame's own time to the end of the work on it; null for files")
    published_age: Spread | None = Field(
        None,
        description="from a live frame's own time to when what was counted on it is committed and given to who publishes; null for files",
    )
    stages: dict[str, Spread] = Field(default_factory=dict, description="how long a stage took a frame: detect, step, paint; commit")
    drops: dict[str, int] = Field(default_factory=dict, description="pictures let go, by cause: late (a newer frame came), recorder")
    recording: Recording | None = Field(
        None,
        description="full; fewer, small, paused while encoder, disk or processor do not keep up; failed; null where nothing is recorded",
    )
    reconnects: int = Field(0, description="how often the source was opened again")


class BrokerHealth(_Part):
    """The line to the broker."""

    connected: bool = False
    connects: int = Field(0, description="connections that were made")
    trouble: str = Field("", description="why there is none, or what is wrong with it; '' when all is well")
    outbox: int = Field(0, description="messages that wait to be acknowledged")
    left_out: int = Field(0, description="messages that are larger than the broker takes")


class HealthPayload(Payload):
    """`health`: a device and its cameras."""

    stream: str = Field(description="UUID born with the store")
    boot_id: str
    version: str
    t: Time
    interval_s: float
    up_s: float = Field(description="since the process began")
    memory_bytes: int | None = Field(None, description="resident memory of the process")
    cpu_s: float = Field(0.0, description="CPU time of the process since it began, all threads")
    threads: int | None = Field(None, description="of the process, those of libraries too")
    handles: int | None = Field(None, description="files, sockets and devices that the process holds open")
    disk_free_bytes: int | None = Field(None, description="where the store lies")
    disk_total_bytes: int | None = None
    temperature_c: float | None = Field(None, description="the warmest zone of the device; null where it tells none")
    power_w: float | None = Field(None, description="what the device draws; null where it tells nothing")
    power_mode: str | None = Field(None, description="the power mode's name (its number where it has none); null where there are none")
    slowed_by: list[str] | None = Field(None, description="what slows the device down for heat at this moment; null where it does not tell")
    over_currents: int | None = Field(
        None, description="how often it slowed down since it started, for too much current or too little voltage"
    )
    gpu_load: float | None = Field(
        None, description="part of the time in which the integrated GPU was busy, 0..1; null where it does not tell"
    )
    broker: BrokerHealth | None = Field(None, description="null where none is configured")
    cameras: dict[str, CameraHealth] = Field(default_factory=dict)


def health_message(health: HealthPayload, *, expiry_s: int | None = None) -> Message:
    """`health` as it is said. `expiry_s`: nobody needs it any longer (MQTT 5)."""
    return Message("health", health.to_bytes(), qos=0, expiry_s=expiry_s)
