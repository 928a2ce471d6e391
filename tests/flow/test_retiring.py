"""What goes out of a device's configuration goes out of the broker, and what stays, stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.demo.broker import Broker
from tests.flow.asked_device import running_device, text_of


def test_a_camera_or_heatmap_that_is_taken_away_leaves_nothing_retained(
    tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]
) -> None:
    first = json.loads(text_of(tmp_path, mosquitto.port))
    second, third = json.loads(json.dumps(first)), json.loads(json.dumps(first))
    second["cameras"]["gate"]["heatmap"] = None
    third["cameras"] = {"door": {**first["cameras"]["gate"], "heatmap": None}}

    def retained_after(config: dict[str, Any], *wanted: str) -> set[str]:
        with running_device(json.dumps(config)) as device:
            listener = subscriber(mosquitto.port, "edge/#")
            assert listener.wait(lambda heard: set(wanted) <= {one.topic for one in heard if one.payload}, 20)
            assert device.publisher is not None
            device.device.stop()
        fresh = subscriber(mosquitto.port, "edge/#")
        assert fresh.wait(lambda heard: "edge/flow/status" in {one.topic for one in heard})
        return {one.topic.removeprefix("edge/flow/") for one in fresh.heard if one.retain}

    assert "gate/heatmap/meta" in retained_after(first, "edge/flow/gate/heatmap/meta", "edge/flow/gate/counts")
    assert retained_after(second, "edge/flow/gate/counts") == {"status", "gate/state", "gate/counts"}
    assert retained_after(third, "edge/flow/door/counts") == {"status", "door/state", "door/counts"}
