"""A configuration with every key, its default and what it means, written from the options themselves so that it cannot go stale."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edge.config.model import CameraConfig, Config, HeatmapConfig
from edge.requests import RequestOptions
from edge.sinks.options import RecordOptions
from edge.sinks.options_metrics import MetricsOptions
from edge.sinks.options_mqtt import MqttOptions
from edge.sinks.options_view import ViewOptions

_SHOWN: dict[str, Any] = {
    "device": "shop-7",
    "source": "rtsp://192.168.1.20/stream1",
    "reference": [1280, 720],
}
"""What an example shows where a default would say nothing."""

_PLACES = """\
    lines:
      # `in` leads to the right hand of someone who walks from `from` to `to`.
      entrance: {from: [400, 650], to: [900, 650]}
    zones:
      till: [[900, 300], [1200, 300], [1200, 500], [900, 500]]
"""


def example() -> str:
    """The text that `edge config example` prints; it is a valid configuration."""
    head = "# edge: every key with its default. Only `cameras` with a `source` each is needed; delete what you do not change.\n\n"
    device = _section(
        Config(cameras={"door": CameraConfig(source="x")}),
        "",
        skip=("cameras", "mqtt", "record", "detect", "engine", "requests", "metrics", "view"),
    )
    detect = _nested("detect", Config.model_fields["detect"].default, "")
    engine = _nested("engine", Config.model_fields["engine"].default, "")
    mqtt = _nested("mqtt", MqttOptions(), "")
    requests = _nested("requests", RequestOptions(), "")
    metrics = _nested("metrics", MetricsOptions(), "")
    view = _nested("view", ViewOptions(), "")
    record = _nested("record", RecordOptions(), "")
    camera = CameraConfig(source="x", heatmap=HeatmapConfig())
    inner = _section(camera, "    ", skip=("lines", "zones", "track", "heat", "sight", "overlay", "heatmap"))
    nested = "".join(_nested(name, getattr(camera, name), "    ") for name in ("track", "heat", "sight", "overlay", "heatmap"))
    return f"{head}{device}{detect}{engine}{mqtt}{requests}{metrics}{view}{record}\ncameras:\n  door:\n{inner}{_PLACES}{nested}"


def _section(value: Any, indent: str, skip: tuple[str, ...] = ()) -> str:
    lines = []
    for name, said, default in _fields(value):
        if name not in skip:
            lines += [f"{indent}# {line}" for line in textwrap.wrap(said, 110)]
            shown = _SHOWN.get(name, default)
            lines.append(f"{indent}{name}: {_yaml(shown)}")
    return "".join(line + "\n" for line in lines)


def _nested(name: str, value: Any, indent: str) -> str:
    return f"{indent}{name}:\n{_section(value, indent + '  ')}"


def _fields(value: Any) -> Iterator[tuple[str, str, Any]]:
    """Name, explanation and value of each field of a section."""
    if isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield name, _said(info), getattr(value, name)
    else:
        said = _docstrings(type(value))
        for field in dataclasses.fields(value):
            yield field.name, said.get(field.name, ""), getattr(value, field.name)


def _said(info: FieldInfo) -> str:
    return " ".join((info.description or "").split())


def _docstrings(of: type[Any]) -> dict[str, str]:
    """The string behind each field of a dataclass."""
    body = ast.parse(textwrap.dedent(inspect.getsource(of))).body[0]
    assert isinstance(body, ast.ClassDef)
    said = {}
    for field, doc in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(doc, ast.Expr):
            said[field.target.id] = " ".join(ast.literal_eval(doc.value).split())
    return said


def _yaml(value: Any) -> str:
    plain = [str(v) if not isinstance(v, int | float) else v for v in value] if isinstance(value, tuple) else value
    plain = str(plain) if not isinstance(plain, int | float | str | bool | list | None) else plain
    return yaml.safe_dump(plain, default_flow_style=True).removesuffix("\n").removesuffix("\n...")
