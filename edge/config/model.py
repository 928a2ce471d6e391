"""The shape of a configuration: it assembles the options that live beside the code that reads them, and adds only what joins them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from edge.backends import Backend
from edge.count import LineOptions, ZoneOptions
from edge.data import Size
from edge.detect import DetectOptions
from edge.engine.options import EngineOptions
from edge.heat import FloorOptions, HeatOptions
from edge.messages import check_name
from edge.overlay import OverlayOptions
from edge.pipeline import PipelineOptions
from edge.requests import RequestOptions
from edge.scene import SightOptions
from edge.sinks.options import RecordOptions
from edge.sinks.options_metrics import MetricsOptions
from edge.sinks.options_mqtt import MqttOptions
from edge.sinks.options_view import ViewOptions
from edge.sources.address import check_source
from edge.track import TrackOptions

Point = tuple[float, float]

_POINT_SCHEMA = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


def _line(value: Any) -> Any:
    """`{from: [x, y], to: [x, y]}` or `[[x, y], [x, y]]` as LineOptions takes it."""
    if isinstance(value, LineOptions):
        return value
    if isinstance(value, Mapping):
        if set(value) != {"from", "to"}:
            raise ValueError(f"a line has the keys from and to, here are {', '.join(map(str, value)) or 'none'}")
        return {"start": value["from"], "end": value["to"]}
    if isinstance(value, list) and len(value) == 2:
        return {"start": value[0], "end": value[1]}
    raise ValueError("a line is {from: [x, y], to: [x, y]}")


def _zone(value: Any) -> Any:
    """`[[x, y], [x, y], [x, y], ...]` as ZoneOptions takes it."""
    if isinstance(value, ZoneOptions):
        return value
    if isinstance(value, list):
        return {"polygon": value}
    raise ValueError("a zone is a list of its corners, [[x, y], [x, y], [x, y], ...]")


Line = Annotated[
    LineOptions,
    BeforeValidator(_line),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"from": _POINT_SCHEMA, "to": _POINT_SCHEMA},
            "required": ["from", "to"],
            "additionalProperties": False,
            "description": "`in` leads to the right hand of someone who walks from `from` to `to`",
        }
    ),
]
Zone = Annotated[
    ZoneOptions,
    BeforeValidator(_zone),
    WithJsonSchema({"type": "array", "items": _POINT_SCHEMA, "minItems": 3, "description": "corners of a polygon, in order round it"}),
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)


class HeatmapConfig(_Section):
    """The periodic heatmap picture."""

    every_s: float = Field(60.0, gt=0)
    """Seconds between two pictures."""
    span: Literal["hour", "day", "all"] = "day"
    """What a picture shows: the last hour, the day since midnight, or all since the epoch began. A file's pictures show all of it."""
    background: Literal["empty", "blank"] = "empty"
    """What lies below the heat: the scene with nobody in it, or nothing."""
    format: Literal["jpeg", "png", "webp"] = "jpeg"
    max_bytes: int = Field(120_000, ge=4_000)
    """The picture's quality, then its size, gives way to this. AWS IoT takes 128 KB a message."""


class CameraConfig(_Section):
    """One camera. Only `source` is needed."""

    source: str
    """csi:// v4l2:// rtsp:// http(s):// synthetic://, gst:// and a GStreamer pipeline, or the path of a video file."""
    reference: tuple[Annotated[int, Field(ge=16)], Annotated[int, Field(ge=16)]] | None = None
    """[width, height] of the picture that lines and zones were drawn on; null for the camera's own."""
    classes: tuple[str, ...] = ("person",)
    """The classes that count, as the model names them; [] for all."""
    lines: dict[str, Line] = Field(default_factory=dict)
    zones: dict[str, Zone] = Field(default_factory=dict)
    ignore: tuple[Zone, ...] = ()
    """Areas whose boxes are dropped (by their feet)."""
    anchor: Literal["feet", "center"] = "feet"
    """The point of an object that is counted."""
    band: float = Field(0.1, ge=0, lt=1)
    """Clearly on a side means farther from the line than this share of the box's height."""
    least_box_px: float = Field(0, ge=0)
    """Boxes lower or narrower than this are dropped."""
    max_still_s: float | None = Field(None, gt=0)
    """What has not moved for so long (a poster) stops counting until it moves; null lets it count."""
    track: TrackOptions = TrackOptions()
    heat: HeatOptions = HeatOptions()
    sight: SightOptions | None = SightOptions()
    """When a camera that gives pictures is blind or moved, so that its time is not taken for time in which nobody was there; null never asks."""
    floor: FloorOptions | None = None
    """How the picture lies on the floor, {px: [[x, y], ...], metres: [[x, y], ...], cell_m}, for heat on a plan; null for no plan."""
    overlay: OverlayOptions = OverlayOptions()
    heatmap: HeatmapConfig | None = HeatmapConfig()
    """The periodic picture; null for none."""
    record: bool = True
    """Whether this camera's overlay video is recorded, where the device records at all."""

    @field_validator("source")
    @classmethod
    def _source_can_be_meant(cls, source: str) -> str:
        check_source(source)
        return source

    @field_validator("lines", "zones")
    @classmethod
    def _names_fit_topics(cls, places: dict[str, Any]) -> dict[str, Any]:
        for name in places:
            check_name(name, "the name")
        return places

    @field_validator("track", mode="before")
    @classmethod
    def _track_profile(cls, track: Any) -> Any:
        """A mapping with Ultralytics' own keys, or `{profile: ultralytics}`, means their tracker."""
        if isinstance(track, Mapping) and (track.get("profile") == "ultralytics" or any(str(key).startswith("track_") for key in track)):
            return TrackOptions.from_ultralytics_yaml({key: value for key, value in track.items() if key != "profile"})
        return track

    @model_validator(mode="after")
    def _inside_reference(self) -> CameraConfig:
        if self.reference is not None:
            check_inside(self, Size(*self.reference))
        return self

    def pipeline_options(self, class_ids: frozenset[int] | None) -> PipelineOptions:
        return PipelineOptions(
            lines=self.lines,
            zones=self.zones,
            ignore=self.ignore,
            track=self.track,
            heat=self.heat,
            anchor=self.anchor,
            band=self.band,
            least_box_px=self.least_box_px,
            max_still_s=self.max_still_s,
            class_ids=class_ids,
        )


class Config(_Section):
    """A device: its cameras, its model, and where the numbers go. Everything has a default but the cameras' sources."""

    device: str = Field(default_factory=lambda: _slug(socket.gethostname()))
    """Name of this device in topics; its host name if silent."""
    state: Path = Path("edge-data")
    """Folder of the database, and of videos unless `record.folder` says otherwise."""
    timezone: str = "UTC"
    """Names days only: when `heatmap.span: day` begins."""
    model: str = "yolo11n.onnx"
    """A YOLO11 model: the path of an .onnx or .engine, or a name or .pt of which one is found or made; `scene` stands for a synthetic camera's own boxes."""
    backend: Backend = "auto"
    """Where networks run and pictures are painted: cpu, cuda (an NVIDIA GPU), or auto for the GPU where there is all that it needs, else the CPU."""
    detect: DetectOptions = DetectOptions()
    engine: EngineOptions = EngineOptions()
    """How a TensorRT engine is built of the model, where there is a GPU and no engine that fits."""
    mqtt: MqttOptions | None = None
    """The broker; null publishes nothing (the outbox then stays empty)."""
    requests: RequestOptions = RequestOptions()
    """What may be asked over MQTT."""
    live_pictures: bool = False
    """Whether pictures with people on them may leave this device: over MQTT, or on a `view` that others than this machine can reach."""
    record: RecordOptions | None = None
    """Overlay video; null records none."""
    commit_s: float = Field(0.5, gt=0, le=60)
    """Most seconds of counting that a power cut can cost."""
    counts_every_s: float = Field(10.0, gt=0)
    """Seconds of one interval of counts."""
    health_every_s: float = Field(10.0, ge=1)
    """Seconds between two remarks on the device's health."""
    metrics: MetricsOptions | None = None
    """A page of the device's health for Prometheus; null for none."""
    view: ViewOptions | None = None
    """A page on which a browser sees the cameras at work; null for none."""
    minute_retention_days: float = Field(7.0, gt=0)
    """How long the store keeps every minute before it merges them into hours."""
    outbox_rows: int = Field(100_000, ge=100)
    """Most messages that wait for a broker."""
    max_pause_s: float = Field(15.0, gt=0)
    """Longest pause before a lost camera is tried again."""
    cameras: dict[str, CameraConfig] = Field(min_length=1)

    @field_validator("device")
    @classmethod
    def _device_fits_topics(cls, name: str) -> str:
        return check_name(name, "the device's name")

    @field_validator("cameras")
    @classmethod
    def _cameras_fit_topics(cls, cameras: dict[str, CameraConfig]) -> dict[str, CameraConfig]:
        for name in cameras:
            check_name(name, "the camera's name")
        return cameras

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"there is no time zone {name!r}; write one like Europe/Berlin or UTC") from None
        return name

    @model_validator(mode="after")
    def _people_stay_here(self) -> Config:
        if self.view is not None and not self.view.on_this_machine and not self.live_pictures:
            raise ValueError(
                f"view at {self.view.host} would show people to other machines; write `live_pictures: true` if their pictures may leave"
                " this device, or leave `view.host` out and look from this machine (through an SSH tunnel, for instance)"
            )
        return self

    @model_validator(mode="after")
    def _a_port_each(self) -> Config:
        if self.view is not None and self.metrics is not None and self.view.port == self.metrics.port != 0:
            raise ValueError(f"view and metrics are both at port {self.view.port}; give one of them another `port`")
        return self


def check_inside(camera: CameraConfig, size: Size) -> None:
    """ValueError names a line or zone with a point outside a picture of `size`."""
    places = [("line", name, line.points) for name, line in camera.lines.items()]
    places += [("zone", name, zone.points) for name, zone in camera.zones.items()]
    for kind, name, points in places:
        for x, y in points:
            if not (0 <= x <= size.width and 0 <= y <= size.height):
                raise ValueError(
                    f"{kind} {name!r} has a point ({x:g}, {y:g}) outside the picture of {size};"
                    " give pixels of the camera's picture, or `reference: [width, height]` of the one it was drawn on"
                )


def _slug(host: str) -> str:
    """A host name as a device's name."""
    text = "".join(c if c.isascii() and c.isalnum() else "-" for c in host.lower()).strip("-")[:64].strip("-")
    return text or "edge"


__all__ = ["CameraConfig", "Config", "HeatmapConfig", "check_inside"]
