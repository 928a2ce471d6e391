"""What Home Assistant itself makes of an announcement: run by its own interpreter, which has nothing of ours. No expectation lives here.

Reads ``{"announcement": {...}, "said": {topic: payload}}`` and writes, for each component, what a state, a last reset and an availability become.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from typing import Any

from homeassistant.components.mqtt import image, sensor
from homeassistant.components.mqtt.discovery import _merge_common_device_options
from homeassistant.components.mqtt.schemas import DEVICE_DISCOVERY_SCHEMA
from homeassistant.core import HomeAssistant
from homeassistant.helpers.template import Template
from homeassistant.util.dt import parse_datetime

SCHEMAS = {"sensor": sensor.DISCOVERY_SCHEMA, "image": image.DISCOVERY_SCHEMA}


async def read(asked: dict[str, Any]) -> dict[str, Any]:
    hass = HomeAssistant(tempfile.mkdtemp())
    announcement, said = asked["announcement"], asked["said"]
    DEVICE_DISCOVERY_SCHEMA(json.loads(json.dumps(announcement)))

    def rendered(template: str | Template, topic: str) -> str:
        text = template if isinstance(template, str) else template.template
        return str(Template(text, hass).async_render_with_possible_json_value(said[topic]))

    found: dict[str, Any] = {}
    for key, component in announcement["components"].items():
        platform = component.pop("platform")
        if not component:
            found[key] = {"platform": platform, "removed": True}
            continue
        _merge_common_device_options(component, announcement)
        config = SCHEMAS[platform](component)
        known = {"platform": platform, "available": [rendered(one["value_template"], one["topic"]) for one in config["availability"]]}
        if platform == "sensor" and config["state_topic"] in said:
            known["state"] = rendered(config["value_template"], config["state_topic"])
            if "last_reset_value_template" in config:
                moment = parse_datetime(rendered(config["last_reset_value_template"], config["state_topic"]))
                known["last_reset"] = None if moment is None else moment.isoformat()
        found[key] = known
    await hass.async_stop(force=True)
    return found


if __name__ == "__main__":
    json.dump(asyncio.run(read(json.load(sys.stdin))), sys.stdout)
