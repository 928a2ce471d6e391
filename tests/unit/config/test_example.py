"""The example, the schema and the defaults are three views of one thing. Mistakes are in `test_load`."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from edge.config import CameraConfig, Config, HeatmapConfig, parse
from edge.config.example import example
from edge.config.load import json_schema
from edge.sinks.options import RecordOptions
from edge.sinks.options_metrics import MetricsOptions
from edge.sinks.options_mqtt import MqttOptions
from edge.sinks.options_view import ViewOptions

ROOT = Path(__file__).parents[3]
SHOWN = {"device", "source", "reference", "lines", "zones", "cameras"}  # an example shows something better than the default


def fields_of(section: Any) -> dict[str, Any]:
    if isinstance(section, BaseModel):
        return {name: getattr(section, name) for name in type(section).model_fields}
    return {field.name: getattr(section, field.name) for field in dataclasses.fields(section)}


def defaults() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Key path and default of everything that can be written."""
    config = Config(
        cameras={"door": CameraConfig(source="x", heatmap=HeatmapConfig())},
        mqtt=MqttOptions(),
        metrics=MetricsOptions(),
        view=ViewOptions(),
        record=RecordOptions(),
    )

    def walk(section: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        for name, value in fields_of(section).items():
            if isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
                yield from walk(value, (*path, name))
            elif name == "cameras":
                yield from walk(value["door"], (*path, "cameras", "door"))
            else:
                yield (*path, name), value

    yield from walk(config, ())


def plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


def test_the_example_is_valid() -> None:
    config = parse(example(), "example")
    assert list(config.cameras["door"].lines) == ["entrance"]
    assert list(config.cameras["door"].zones) == ["till"]


def test_the_example_says_every_key_with_its_default() -> None:
    written = yaml.safe_load(example())
    for path, default in defaults():
        here = written
        for step in path:
            assert step in here, f"{'.'.join(path)} is not in the example"
            here = here[step]
        if path[-1] not in SHOWN:
            assert here == plain(default), ".".join(path)


def test_the_example_explains_its_keys() -> None:
    text = example().splitlines()
    for key in ("commit_s:", "timezone:", "cell:", "every_s:", "in_flight:", "crf:"):
        row = next(number for number, line in enumerate(text) if line.strip().startswith(key))
        assert text[row - 1].strip().startswith("# "), key


def test_the_schema_is_one_and_accepts_the_example() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(example()))
    json.dumps(schema)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cameras": {}},
        {"cameras": {"a": {}}},
        {"cameras": {"a": {"source": "x", "sauce": 1}}},
        {"cameras": {"a": {"source": "x"}}, "commit_s": -1},
    ],
)
def test_the_schema_refuses_what_the_program_refuses(wrong: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json_schema()).validate(wrong)


def test_only_a_source_is_needed() -> None:
    config = parse("cameras: {door: {source: v4l2:///dev/video0}}")
    assert (config.mqtt, config.record, config.timezone) == (None, None, "UTC")
    assert config.cameras["door"].classes == ("person",)


def test_a_configuration_loads_no_vendor() -> None:
    code = (
        "import sys, edge, edge.config, edge.config.example\n"
        "from edge.config import parse\n"
        "parse('cameras: {a: {source: rtsp://h/s, zones: {z: [[0, 0], [9, 0], [9, 9]]}}}')\n"
        "print([v for v in ('cv2', 'av', 'gi', 'tensorrt', 'pycuda', 'onnxruntime', 'paho') if v in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert said.stdout.strip() == "[]"
