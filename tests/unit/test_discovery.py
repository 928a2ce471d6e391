"""What Home Assistant is told: its written rules, as facts, held against what is said. Whether it takes it is asked in tests/flow/test_home_assistant."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from edge.discovery import CameraFound, DeviceFound, announcement, discovery_topic, retraction

SENSOR_KEYS = {
    "platform", "name", "unique_id", "state_topic", "value_template", "state_class", "last_reset_value_template", "device_class", "options",
    "unit_of_measurement", "expire_after", "entity_category", "availability", "availability_mode",
}  # fmt: skip
IMAGE_KEYS = {"platform", "name", "unique_id", "image_topic", "content_type"}
"""Of the keys that sensor.mqtt and image.mqtt know, those that are used here."""

UNITS = {"temperature": {"°C", "°F", "K"}, "duration": {"d", "h", "min", "s", "ms"}, "data_size": {"B", "kB", "MB", "GB", "MiB", "GiB"}}
"""Units that belong to a device class (integrations/sensor, Device class)."""


def device(**cameras: CameraFound) -> DeviceFound:
    door = CameraFound(lines=["entrance", "exit"], zones=["till"], classes=["person", "traffic light"], picture="image/jpeg")
    return DeviceFound("shop-7", "site/edge/shop-7", "1.2", 10.0, cameras or {"door": door})


def said(found: DeviceFound, before: bytes = b"") -> dict[str, Any]:
    return json.loads(announcement(found, prefix="homeassistant", before=before).payload)


def sensors(found: DeviceFound) -> dict[str, dict[str, Any]]:
    return {key: component for key, component in said(found)["components"].items() if component["platform"] == "sensor"}


def test_the_topic_is_one_that_home_assistant_listens_to_and_the_message_is_retained() -> None:
    message = announcement(device(), prefix="homeassistant")
    assert message.topic == "/homeassistant/device/site_edge_shop-7/config"
    assert message.retain
    assert re.fullmatch(r"device/[a-zA-Z0-9_-]+/config", discovery_topic("homeassistant", device()).removeprefix("homeassistant/"))


def test_device_origin_and_components_are_there_and_no_component_uses_a_key_of_another_platform() -> None:
    payload = said(device())
    assert payload["device"]["identifiers"]
    assert payload["origin"]["name"]
    assert payload["components"]
    for component in payload["components"].values():
        assert set(component) <= (SENSOR_KEYS if component["platform"] == "sensor" else IMAGE_KEYS)


def test_every_component_has_a_unique_id_and_keys_without_spaces() -> None:
    many = device(a=CameraFound(lines=["b_in", "b"], zones=["b"]), a_b=CameraFound(lines=["in"], classes=["person", "cell phone"]))
    components = said(many)["components"]
    ids = [component["unique_id"] for component in components.values()]
    assert len(set(ids)) == len(ids)
    assert not any(" " in key for key in components)


def test_units_and_options_follow_their_classes() -> None:
    for sensor in sensors(device()).values():
        if sensor.get("device_class") in UNITS:
            assert sensor["unit_of_measurement"] in UNITS[sensor["device_class"]]
        if "options" in sensor:
            assert sensor["device_class"] == "enum"
            assert "state_class" not in sensor
            assert "unit_of_measurement" not in sensor
        assert ("last_reset_value_template" in sensor) == (sensor.get("state_class") == "total")


def test_a_line_has_both_ways_and_each_class_where_there_are_several() -> None:
    keys = set(sensors(device()))
    assert {"door.line.exit.in", "door.line.exit.out", "door.line.exit.in.person", "door.line.exit.out.traffic_light"} <= keys
    alone = sensors(device(door=CameraFound(lines=["exit"], classes=["person"])))
    assert [key for key in alone if ".line." in key] == ["door.line.exit.in", "door.line.exit.out"]


def test_totals_are_cycles_by_epoch_and_occupancy_is_a_measurement_that_needs_sight() -> None:
    found = sensors(device())
    assert {found[f"door.line.entrance.{verb}"]["state_class"] for verb in ("in", "out")} == {"total"}
    occupancy = found["door.zone.till.occupancy"]
    assert occupancy["state_class"] == "measurement"
    assert occupancy["availability_mode"] == "all"
    assert [one["topic"] for one in occupancy["availability"]] == ["site/edge/shop-7/status", "site/edge/shop-7/door/state"]


def test_long_term_sums_stay_right_through_every_epoch_also_one_that_a_falling_total_does_not_show() -> None:
    states = [(5, "a"), (8, "a"), (3, "b"), (4, "b"), (4, "c"), (9, "d")]  # totals, and the beginning of their epochs
    assert long_term_sum(states, "total") == 3 + 4 + 4 + 9  # what was there at first is where counting begins
    assert long_term_sum(states, "total_increasing") == 3 + 4 + 0 + 5  # two resets unseen


def long_term_sum(states: list[tuple[int, str]], state_class: str) -> int:
    """Home Assistant's rule (developers' page core/entity/sensor, Long-term statistics): a cycle ends with another last_reset, or, of a
    total_increasing, with a value below nine tenths of the last; a new cycle counts from 0.
    """
    (last, reset), *later = states
    added = 0
    for value, since in later:
        new = since != reset if state_class == "total" else value < 0.9 * last
        added += value if new else value - last
        last, reset = value, since
    return added


def test_each_camera_with_a_heatmap_has_an_image() -> None:
    components = said(device())["components"]
    assert components["door.heatmap"]["image_topic"] == "site/edge/shop-7/door/heatmap"
    assert components["door.heatmap"]["content_type"] == "image/jpeg"
    assert "door.heatmap" not in said(device(door=CameraFound()))["components"]


def test_what_is_gone_is_named_with_its_platform_alone_until_it_comes_back() -> None:
    first = announcement(device(), prefix="homeassistant").payload
    less = announcement(device(door=CameraFound(lines=["exit"])), prefix="homeassistant", before=first).payload
    gone = json.loads(less)["components"]
    assert gone["door.line.entrance.in"] == {"platform": "sensor"}
    assert gone["door.heatmap"] == {"platform": "image"}
    later = said(device(door=CameraFound(lines=["exit"], zones=["till"])), less)["components"]
    assert later["door.line.entrance.in"] == {"platform": "sensor"}  # who was away in between hears of it
    assert "state_topic" in said(device(), less)["components"]["door.line.entrance.in"]


@pytest.mark.parametrize("before", [b"", b"{", b"[]", b'{"components": 3}', b'{"components": {"a": {}}}'])
def test_an_earlier_announcement_that_is_none_is_passed_over(before: bytes) -> None:
    assert said(device(), before) == said(device())


def test_a_retraction_is_an_empty_retained_message() -> None:
    message = retraction("/homeassistant/device/x/config")
    assert message.payload == b""
    assert message.retain
