"""A day of four cameras as fast as it goes: memory does not grow with what has been counted, and nothing of it is lost on the way to a subscriber."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from edge.demo.broker import Broker
from tests.conftest import Subscriber
from tests.flow.standin_device import CAMERAS, alone
from tests.flow.test_kill import REPORTS

MIB = 1 << 20
FIRST = 0.01
"""After this part of the day memory is what it is to be."""


def lived(broker: Broker, subscriber: Callable[..., Subscriber], frames: int, samples: int) -> dict[str, Any]:
    """A day of `frames`, whose every event was heard once, and whose last counts are what the store holds."""
    listener = subscriber(broker.port, "edge/standin/+/events", qos=1)
    report = alone("day", port=broker.port, frames=frames, samples=samples)
    assert (report["frames"], report["states"]) == (frames, ["live"])
    totals = {(camera, crossed): n for camera, of_camera in report["totals"].items() for crossed, n in of_camera.items() if n}
    crossings = sum(totals.values())
    assert crossings > 0
    events: dict[int, tuple[str, str]] = {}

    def all_heard(heard: list[Any]) -> bool:
        for each in heard[len(events) :]:
            message = json.loads(each.payload)
            events[message["seq"]] = (message["camera"], f"{message['name']} {message['event']}" if message["kind"] == "line" else "")
        return sum(bool(crossed) for _, crossed in events.values()) >= crossings

    assert listener.wait(all_heard, 60), "events were lost"
    assert Counter(crossing for crossing in events.values() if crossing[1]) == totals
    for camera in CAMERAS:
        last = subscriber(broker.port, f"edge/standin/{camera}/counts")
        assert last.wait(bool, 10)
        lines = json.loads(last.heard[0].payload)["lines"]
        said = {(camera, f"{name} {way}"): line[f"total_{way}"] for name, line in lines.items() for way in ("in", "out")}
        assert {crossed: n for crossed, n in said.items() if n} == {crossed: n for crossed, n in totals.items() if crossed[0] == camera}
    return {key: report[key] for key in ("frames", "seconds", "samples")} | {"crossings": crossings, "events": len(events)}


def growth(samples: list[dict[str, int]], first: dict[str, int], what: str) -> int:
    return samples[-1][what] - first[what]


@pytest.mark.system
def test_the_first_hours_of_a_day_leave_nothing_behind(mosquitto: Broker, subscriber: Callable[..., Subscriber]) -> None:
    report = lived(mosquitto, subscriber, 40_000, 10)
    samples = report["samples"]
    half = samples[len(samples) // 2]  # everything has been made by then, pictures too
    assert growth(samples, half, "memory_bytes") < 5 * MIB
    assert growth(samples, half, "heap_bytes") < 2 * MIB
    assert (growth(samples, half, "threads"), growth(samples, half, "handles")) == (0, 0)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_day_of_two_million_frames_ends_with_the_memory_of_its_first_minutes(
    mosquitto: Broker, subscriber: Callable[..., Subscriber]
) -> None:
    report = lived(mosquitto, subscriber, 2_000_000, 100)
    samples = report["samples"]
    first = next(sample for sample in samples if sample["frames"] >= FIRST * report["frames"])
    grown = {what: growth(samples, first, what) for what in ("memory_bytes", "heap_bytes", "python_blocks", "threads", "handles")}
    most = max(sample["memory_bytes"] for sample in samples) - first["memory_bytes"]
    report = {**report, "grown": grown, "most_grown_bytes": most, "frames_s": round(report["frames"] / report["seconds"], 1)}
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "day.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({key: value for key, value in report.items() if key != "samples"}))
    assert abs(grown["memory_bytes"]) < 5 * MIB
    assert abs(grown["heap_bytes"]) < 5 * MIB
    assert (grown["threads"], grown["handles"]) == (0, 0)
