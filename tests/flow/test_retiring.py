"""What goes out of a device's configuration goes out of the broker, and what stays, stays."""

from __future__ import annotations

import json
import time
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

    def retained_after(config: dict[str, Any], *wanted: str, stays: set[str]) -> set[str]:
        """What the broker keeps when the device has stopped: waited for until all of `stays` came, and then for what else may come."""
        with running_device(json.dumps(config)) as device:
            listener = subscriber(mosquitto.port, "edge/#")
            assert listener.wait(lambda heard: set(wanted) <= {one.topic for one in heard if one.payload}, 20)
            assert device.publisher is not None
            device.device.stop()
        fresh = subscriber(mosquitto.port, "edge/#")

        def topics(heard: Any) -> set[str]:
            return {one.topic.removeprefix("edge/flow/") for one in heard if one.retain}

        assert fresh.wait(lambda heard: stays <= topics(heard)), topics(fresh.heard)
        time.sleep(0.5)
        return topics(fresh.heard)

    whole = {"status", "gate/state", "gate/counts", "gate/heatmap", "gate/heatmap/meta"}
    assert whole <= retained_after(first, "edge/flow/gate/heatmap/meta", "edge/flow/gate/counts", stays=whole)
    without_heatmap = {"status", "gate/state", "gate/counts"}
    assert retained_after(second, "edge/flow/gate/counts", stays=without_heatmap) == without_heatmap
    renamed = {"status", "door/state", "door/counts"}
    assert retained_after(third, "edge/flow/door/counts", stays=renamed) == renamed
