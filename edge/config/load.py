"""A YAML text becomes a Config, or one error that says line, key path, what was there and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge.config.model import CameraConfig, Config
from edge.errors import ConfigError
from edge.sinks.options_mqtt import MqttOptions
from edge.sources.address import from_home, redact

KeyPath = tuple[str | int, ...]

_EXAMPLES = {
    "cameras": "cameras: {door: {source: rtsp://10.0.0.7/main}}",
    "lines": "lines: {door: [[0, 300], [640, 300]]}",
    "zones": "zones: {till: [[0, 0], [200, 0], [200, 150]]}",
    "ignore": "ignore: [[[0, 0], [200, 0], [200, 150]]]",
    "classes": "classes: [person]",
    "reference": "reference: [1280, 720]",
    "imgsz": "imgsz: [640, 640]",
    "mqtt": "mqtt: {url: mqtt://localhost}",
    "view": "view: {port: 8090}",
    "metrics": "metrics: {port: 9464}",
    "record": "record: {}",
    "heat": "heat: {blur: 16}",
    "track": "track: {lost_s: 2}",
}
"""What stands under a key, for who wrote something of another shape there."""


def load(path: Path) -> Config:
    """The configuration in a file; ConfigError for whatever is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration file {path}; `edge config example > {path}` writes one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); it must be a text file in UTF-8") from error
    return parse(text, str(path), base=path.parent)


def parse(text: str, name: str = "configuration", *, base: Path | None = None) -> Config:
    """The configuration in a YAML text; `name` is what errors call it, `base` the folder that relative paths in it start from."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
        lines = _lines(node)
    except yaml.YAMLError as error:
        raise ConfigError(_yaml_sentence(name, error)) from error
    except (ValueError, RecursionError) as error:  # a date that cannot be; a mapping that contains itself
        raise ConfigError(f"{name} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, Mapping):
        raise ConfigError(f"{name} is no mapping of keys to values; it needs at least `cameras:` with one camera and its `source:`")
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_sentence(name, error.errors(), lines)) from error
    return _from_base(config, base) if base is not None else config


def _from_base(config: Config, base: Path) -> Config:
    """Paths in a file are relative to it, so that a service may be started from anywhere."""

    def source(camera: CameraConfig) -> CameraConfig:
        is_path = "://" not in camera.source
        return camera.model_copy(update={"source": str(base / from_home(camera.source))}) if is_path else camera

    cameras = {name: source(camera) for name, camera in config.cameras.items()}
    model = config.model if config.model == "scene" else str(base / from_home(config.model))
    record = config.record
    if record is not None and record.folder is not None:
        record = replace(record, folder=base / from_home(record.folder))
    mqtt = None if config.mqtt is None else _mqtt_from_base(config.mqtt, base)
    return config.model_copy(
        update={"mqtt": mqtt, "state": base / from_home(config.state), "model": model, "record": record, "cameras": cameras}
    )


def _mqtt_from_base(mqtt: MqttOptions, base: Path) -> MqttOptions:
    def place(path: Path | None) -> Path | None:
        return None if path is None else base / from_home(path)

    tls = mqtt.tls and replace(mqtt.tls, ca=place(mqtt.tls.ca), certificate=place(mqtt.tls.certificate), key=place(mqtt.tls.key))
    return replace(mqtt, username_file=place(mqtt.username_file), password_file=place(mqtt.password_file), tls=tls)


def _lines(node: yaml.Node | None) -> dict[KeyPath, int]:
    """The line, from 1, of each key path; a key given twice in one mapping is an error, for YAML would silently take the last."""
    lines: dict[KeyPath, int] = {}

    def walk(node: yaml.Node | None, path: KeyPath) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                below = (*path, str(key.value))
                if below in lines:
                    raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands twice in one mapping", problem_mark=key.start_mark)
                lines[below] = key.start_mark.line + 1
                walk(value, below)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                inner = (*path, number)
                lines[inner] = value.start_mark.line + 1
                walk(value, inner)

    walk(node, ())
    return lines


def _yaml_sentence(name: str, error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        said = ", ".join(part for part in (error.context, error.problem) if part)
        return f"{name}, line {error.problem_mark.line + 1}: {said}"
    return f"{name} is not YAML: {' '.join(str(error).split())}"


def _sentence(name: str, errors: list[ErrorDetails], lines: Mapping[KeyPath, int]) -> str:
    """The first error as one sentence, a key that is misspelt before one that is missing for it; how many more there are."""
    first = min(errors, key=lambda error: error["type"] == "missing")
    path = tuple(step for step in _path(first) if step != "polygon")  # an area is written as its points alone
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    where = name if line is None else f"{name}, line {line}"
    shown = ".".join(map(str, path))
    more = f" ({len(errors) - 1} more after this one)" if len(errors) > 1 else ""
    return f"{where}: {shown}: {_what(first, path)}{more}" if shown else f"{where}: {_what(first, path)}{more}"


def _path(error: ErrorDetails) -> KeyPath:
    """The keys, as the user wrote them, of what is wrong; a section's own check names the key or quotes what stands there."""
    path: KeyPath = tuple(step for step in error["loc"] if step != "[key]")
    if path[2:3] == ("lines",):
        path = (*path[:4], *({"start": "from", "end": "to"}.get(str(step), step) for step in path[4:]))
    if error["type"] == "value_error" and isinstance(error["input"], Mapping):
        text = str(error["msg"]).removeprefix("Value error, ")
        for key, value in error["input"].items():
            if text.startswith(f"{key} ") or repr(key) in text or (isinstance(value, str) and repr(value) in text):
                return (*path, str(key))
    return path


def _what(error: ErrorDetails, path: KeyPath) -> str:
    match error["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            known = _keys_at(path[:-1])
            near = difflib.get_close_matches(str(path[-1]), known, n=1)
            return f"there is no such key; did you mean {near[0]}?" if near else f"there is no such key; here can stand {', '.join(known)}"
        case "missing":
            return "is missing"
        case "value_error":
            return str(error["msg"]).removeprefix("Value error, ")
        case "dict_type" | "dataclass_type" | "model_type":
            return f"here keys with their values are wanted{_example(path)}, not {_shown(error['input'], path)}"
        case "tuple_type" | "list_type":
            return f"a list is wanted{_example(path)}, not {_shown(error['input'], path)}"
        case "too_short":
            return "at least one is needed, here is none"
        case "literal_error" if f"'{error['input']}'" in error["msg"]:
            return f"{error['msg'][0].lower()}{error['msg'][1:]}, here it is the number {error['input']}: write it in quotes"
        case _:
            text = str(error["msg"])
            return f"{text[0].lower()}{text[1:]}, here it is {_shown(error['input'], path)}"[:300]


def _example(path: KeyPath) -> str:
    """How it is written, of the key at the end of the path, or of the one above where that is a name the user chose."""
    keys = [step for step in path if isinstance(step, str)]
    if keys[-2:-1] and keys[-2] in ("cameras", "lines", "zones"):
        keys.pop()
    return f", as in `{_EXAMPLES[keys[-1]]}`" if keys and keys[-1] in _EXAMPLES else ""


def _shown(value: Any, path: KeyPath) -> str:
    """What was there, without the secrets in it."""
    if "password" in path:
        return "something else"
    if isinstance(value, Mapping):
        return f"a mapping of {', '.join(map(str, value))}"
    return repr(redact(value) if isinstance(value, str) else value)


def _keys_at(path: KeyPath) -> list[str]:
    """The keys that can stand at a path of the configuration."""
    schema = Config.model_json_schema()
    here: Any = schema
    for step in path:
        here = _resolve(here, schema)
        here = here.get("properties", {}).get(step) or here.get("additionalProperties") or here.get("items") or {}
    return sorted(_resolve(here, schema).get("properties", {}))


def _resolve(part: Any, schema: Any) -> Any:
    for option in part.get("anyOf", ()):
        if option.get("type") != "null":
            part = option
            break
    while "$ref" in part:
        part = schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
    return part


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a configuration, for editors."""
    schema = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "edge configuration", **schema}
