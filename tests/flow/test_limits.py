"""A broker with a small limit of bytes: the heatmap is made to fit, everything else goes on, and health says how the device is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edge.demo.broker import Broker, find_mosquitto
from tests.flow.chaos import Device
from tests.flow.test_chaos import configuration

SCHEMAS = Path(__file__).parents[2] / "deploy" / "mqtt" / "schemas"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_heatmap_is_made_as_small_as_the_broker_wants_it(tmp_path: Path, subscriber: Callable[..., Any], protocol: str) -> None:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with Broker("mosquitto", settings="max_packet_size 20000") as broker:
        ears = subscriber(broker.port, "edge/small/#")
        path = configuration(tmp_path, "small", broker.port, 30, protocol=protocol)
        path.write_text(path.read_text() + "health_every_s: 1\n")
        device = Device(path)
        device.finish(90)
        pictures, metas = ears.payloads("/heatmap"), [json.loads(payload) for payload in ears.payloads("/heatmap/meta")]
        if protocol == "5":  # the broker says its limit; one of 3.1.1 hangs up, and is understood at the third time
            assert pictures
            assert hashlib.sha256(pictures[-1]).hexdigest() == metas[-1]["sha256"]
        assert all(len(picture) < 20_000 for picture in pictures)
        assert len(ears.payloads("/events")) > 20
        health = [json.loads(payload) for payload in ears.payloads("/health")]
    assert health, "no remark on the device's health"
    schema = json.loads((SCHEMAS / "health.json").read_text())
    for one in health:
        jsonschema.validate(one, schema)
    assert health[-1]["cameras"]["gate"]["frames_processed"] > 0
    assert health[-1]["broker"]["connected"]
