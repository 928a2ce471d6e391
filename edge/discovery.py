"""What Home Assistant is told of a device, so that it shows it by itself: one message of MQTT discovery. Who sends it, and when, is elsewhere.

The rules are Home Assistant's: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery (device discovery, availability, removal),
/integrations/sensor.mqtt and /integrations/image.mqtt, and the state classes of its developers' page core/entity/sensor.

Totals are of state class `total`, and `last_reset` is when their epoch began. `total_increasing` would be simpler, and wrong: there a reset is
guessed from a value that fell by more than a tenth, so one that happens while Home Assistant is away, or over a small total, is taken for less
counted or for none at all. With `last_reset` every epoch begins a cycle of its own, whatever its numbers are, and the long-term sum only grows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from edge.data import Message
from edge.messages import StatePayload

Component = dict[str, Any]

_STATES: tuple[str, ...] = get_args(StatePayload.model_fields["state"].annotation)
_ONLINE = "{{ 'online' if value_json.state == 'online' else 'offline' }}"
_SEEING = "{{ 'online' if value_json.state == 'live' else 'offline' }}"


@dataclass(frozen=True, slots=True)
class CameraFound:
    """What there is to be shown of a camera. `picture`: the content type of its heatmap; None where it has none."""

    lines: Sequence[str] = ()
    zones: Sequence[str] = ()
    classes: Sequence[str] = ()
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceFound:
    """A device as Home Assistant is to know it. `base` is what its topics begin with; `health_every_s` how often it speaks of its health."""

    name: str
    base: str
    version: str
    health_every_s: float
    cameras: Mapping[str, CameraFound]

    @property
    def id(self) -> str:
        """Unique among all devices of a broker: letters, digits, - and _ only."""
        return _key(self.base)


def discovery_topic(prefix: str, device: DeviceFound) -> str:
    """Where the device is announced."""
    return f"{prefix}/device/{device.id}/config"


def announcement(device: DeviceFound, *, prefix: str, before: bytes = b"") -> Message:
    """The device, whole, as a retained message.

    `before` is the last one that was said (empty: none): what stood there and is gone is named once more, with nothing but its platform, which
    removes it from Home Assistant. It stays named so for good: who was away when it went must hear of it too.
    """
    components = {key: component for name, camera in device.cameras.items() for key, component in _of_camera(device, name, camera)}
    components |= dict(_of_device(device))
    for key, component in components.items():
        component["unique_id"] = f"{device.id}.{key}"
    gone = {key: {"platform": platform} for key, platform in _platforms(before).items() if key not in components}
    payload = {
        "device": {
            "identifiers": [device.id],
            "name": device.name,
            "manufacturer": "edge",
            "model": "edge",
            "sw_version": device.version,
        },
        "origin": {"name": "edge", "sw_version": device.version},
        "availability": [_available(f"{device.base}/status", _ONLINE)],
        "components": components | gone,
    }
    return Message(f"/{discovery_topic(prefix, device)}", json.dumps(payload, ensure_ascii=False).encode(), retain=True)


def retraction(topic: str) -> Message:
    """Nothing in the place of what stands on `topic`: an announcement, a value of a camera that is gone."""
    return Message(topic, b"", retain=True)


def _of_camera(device: DeviceFound, name: str, camera: CameraFound) -> Iterator[tuple[str, Component]]:
    base = f"{device.base}/{name}"
    several = camera.classes if len(camera.classes) > 1 else ()  # of one class alone the sum says it all
    for line in camera.lines:
        for verb in ("in", "out"):
            yield f"{name}.line.{line}.{verb}", _total(base, "lines", line, f"total_{verb}", f"{name} {line} {verb}")
            for kind in several:
                yield (
                    f"{name}.line.{line}.{verb}.{_key(kind)}",
                    _total(base, "lines", line, f"total_{verb}", f"{name} {line} {verb} {kind}", kind),
                )
    for zone in camera.zones:
        for verb in ("entered", "exited"):
            yield f"{name}.zone.{zone}.{verb}", _total(base, "zones", zone, f"total_{verb}", f"{name} {zone} {verb}")
            for kind in several:
                label = f"{name} {zone} {verb} {kind}"
                yield f"{name}.zone.{zone}.{verb}.{_key(kind)}", _total(base, "zones", zone, f"total_{verb}", label, kind)
        # Nobody and "cannot see" are not the same: who is inside is known only while the camera sees.
        sees = {"availability": [_available(f"{device.base}/status", _ONLINE), _available(f"{base}/state", _SEEING)]}
        now = {"state_class": "measurement", "availability_mode": "all", **sees}
        yield f"{name}.zone.{zone}.occupancy", {**_value(base, "zones", zone, "occupancy", f"{name} {zone} occupancy"), **now}
        for kind in several:
            label = f"{name} {zone} occupancy {kind}"
            yield f"{name}.zone.{zone}.occupancy.{_key(kind)}", {**_value(base, "zones", zone, "occupancy", label, kind), **now}
        stay = _value(base, "zones", zone, "dwell.mean_s", f"{name} {zone} mean dwell")
        yield f"{name}.zone.{zone}.dwell", {**stay, "state_class": "measurement", "device_class": "duration", "unit_of_measurement": "s"}
    if camera.picture is not None:
        picture = {"platform": "image", "image_topic": f"{base}/heatmap", "content_type": camera.picture}
        yield f"{name}.heatmap", {**picture, "name": f"{name} heatmap"}
    yield (
        f"{name}.state",
        {
            **_sensor(f"{base}/state", f"{name} state", "{{ value_json.state }}"),
            "device_class": "enum",
            "options": list(_STATES),
            "entity_category": "diagnostic",
        },
    )
    yield (
        f"{name}.quality",
        {
            **_sensor(f"{base}/counts", f"{name} time seen", "{{ (value_json.quality * 100) | round(1) }}"),
            "state_class": "measurement",
            "unit_of_measurement": "%",
            "entity_category": "diagnostic",
        },
    )


def _of_device(device: DeviceFound) -> Iterator[tuple[str, Component]]:
    """Of its own health; what is not said again in time is not known any more."""
    said: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("temperature", "temperature", "temperature_c", {"device_class": "temperature", "unit_of_measurement": "°C"}),
        ("disk", "free disk", "disk_free_bytes", {"device_class": "data_size", "unit_of_measurement": "B"}),
        ("memory", "memory", "memory_bytes", {"device_class": "data_size", "unit_of_measurement": "B"}),
        ("outbox", "waiting messages", "broker.outbox", {}),
    )
    for key, label, field, more in said:
        sensor = _sensor(f"{device.base}/health", label, f"{{{{ value_json.{field} }}}}")
        fixed = {"state_class": "measurement", "entity_category": "diagnostic", "expire_after": max(1, round(3 * device.health_every_s))}
        yield key, {**sensor, **fixed, **more}


def _total(base: str, kind: str, place: str, field: str, label: str, class_name: str | None = None) -> Component:
    # A clock that was not right when the epoch began leaves no `since`; its number then makes a moment of its own.
    reset = _of_place(kind, place, "x.since or (x.epoch | as_datetime)")
    return {**_value(base, kind, place, field, label, class_name), "state_class": "total", "last_reset_value_template": reset}


def _value(base: str, kind: str, place: str, field: str, label: str, class_name: str | None = None) -> Component:
    # A class that was never seen is not in the payload: it was counted 0 times.
    value = f"x.{field}" if class_name is None else f"x.classes.get({json.dumps(class_name, ensure_ascii=False)}, {{}}).get('{field}', 0)"
    return _sensor(f"{base}/counts", label, _of_place(kind, place, value))


def _of_place(kind: str, place: str, value: str) -> str:
    """A template over `counts`; empty, which changes nothing, for one that does not know the place yet: an old message, still retained."""
    return f"{{% set x = value_json.{kind}.get('{place}') %}}{{{{ {value} if x else '' }}}}"


def _sensor(topic: str, label: str, template: str) -> Component:
    return {"platform": "sensor", "name": label, "state_topic": topic, "value_template": template}


def _available(topic: str, template: str) -> dict[str, str]:
    return {"topic": topic, "value_template": template}


def _key(text: str) -> str:
    """`text` as a part of a name that Home Assistant takes apart itself, at spaces for one."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)


def _platforms(payload: bytes) -> dict[str, str]:
    """Each component that an earlier announcement named, and its platform."""
    if not payload:
        return {}
    try:
        return {str(key): str(component["platform"]) for key, component in json.loads(payload)["components"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
