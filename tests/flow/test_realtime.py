"""Four live cameras beside a real broker: how old a frame is when its counts are published, minute by minute, and that it stays so."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from paho.mqtt.client import Client, MQTTMessage

from edge.demo.broker import Broker
from tests.conftest import Subscriber
from tests.flow.standin_device import CAMERAS, alone
from tests.flow.test_kill import REPORTS

FPS = 30.0
DETECTOR_MS = 4.5


class Stopwatch(Subscriber):
    """Hears events, and how long after the frame that they were counted on each came: camera to dashboard."""

    def __init__(self, port: int) -> None:
        super().__init__(port, "edge/standin/+/events", qos=1)
        self.delays: list[tuple[float, float]] = []

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        now_s = time.time()
        counted = json.loads(message.payload)["t_counted"].replace("Z", "+00:00")
        self.delays.append((now_s, now_s - datetime.fromisoformat(counted).timestamp()))
        super()._on_message(client, userdata, message)


def spread_ms(seconds: Iterable[float]) -> dict[str, float]:
    p50, p95, p99 = (round(float(value) * 1e3, 1) for value in np.percentile(list(seconds), (50, 95, 99)))
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}


def run(broker: Broker, *, seconds: float, health_every_s: float) -> tuple[dict[str, Any], Stopwatch]:
    with Stopwatch(broker.port) as stopwatch:
        report = alone("minutes", port=broker.port, seconds=seconds, detector_ms=DETECTOR_MS, health_every_s=health_every_s)
        crossings = sum(n for of_camera in report["totals"].values() for n in of_camera.values())
        heard = [json.loads(payload) for payload in stopwatch.payloads("/events")]
    assert sum(event["kind"] == "line" for event in heard) == crossings > 0
    states = {camera["state"] for health in report["healths"] for camera in health["cameras"].values()}
    assert states == {"live"}
    return report, stopwatch


def part_by_part(report: dict[str, Any], stopwatch: Stopwatch, parts: int, part_s: float) -> list[dict[str, Any]]:
    """Of each part of the run, three measurements of health and the events that were heard in it: how fast, how old, how much memory."""
    began_s = stopwatch.delays[0][0]
    told: list[dict[str, Any]] = []
    for part in range(parts):
        healths = report["healths"][part * 3 : part * 3 + 3]
        cameras = [camera for health in healths for camera in health["cameras"].values()]
        delays = [delay for at_s, delay in stopwatch.delays if part * part_s <= at_s - began_s < (part + 1) * part_s]
        p99s = [camera["published_age"]["p99_ms"] for camera in cameras]
        told.append(
            {
                "part": part + 1,
                "fps_processed": round(sum(camera["fps_processed"] for camera in cameras) / len(healths), 2),
                "frame_age_p99_ms": round(statistics.median(camera["frame_age"]["p99_ms"] for camera in cameras), 1),
                "published_age_p50_ms": round(statistics.median(camera["published_age"]["p50_ms"] for camera in cameras), 1),
                "published_age_p99_ms": round(statistics.median(p99s), 1),
                "published_age_p99_worst_ms": max(p99s),
                "heard_events": len(delays),
                "heard_after": spread_ms(delays),
                "memory_bytes": healths[-1]["memory_bytes"],
            }
        )
        print(json.dumps(told[-1]))
    return told


@pytest.mark.system
def test_four_cameras_share_the_accelerator_alike_and_what_they_count_is_heard(mosquitto: Broker) -> None:
    report, stopwatch = run(mosquitto, seconds=14, health_every_s=2)
    last = report["healths"][-1]["cameras"]
    assert set(last) == set(CAMERAS)
    assert all(0.2 < camera["share"] < 0.3 for camera in last.values())
    assert min(delay for _, delay in stopwatch.delays) > 0
    for part in part_by_part(report, stopwatch, 2, 6):
        assert 0 < part["frame_age_p99_ms"] < part["published_age_p99_ms"] <= part["published_age_p99_worst_ms"]
        assert part["heard_events"] > 0


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_for_ten_minutes_the_age_of_a_frame_at_publication_is_flat(mosquitto: Broker) -> None:
    # In 20 s a camera gives 600 frames: as many as an interval's times are kept of, so no frame's age is left out.
    report, stopwatch = run(mosquitto, seconds=10 * 60 + 15, health_every_s=20)
    minutes = part_by_part(report, stopwatch, 10, 60)
    early, late = (statistics.median(each["published_age_p99_ms"] for each in minutes[of]) for of in (slice(1, 4), slice(-3, None)))
    end = report["healths"][-1]
    figures = {
        "cameras": len(CAMERAS),
        "fps": FPS,
        "size": "640x360",
        "detector_ms": DETECTOR_MS,
        "minutes": minutes,
        "published_age_p99_ms": {"minutes 2 to 4": early, "last three minutes": late},
        "shares": {name: camera["share"] for name, camera in end["cameras"].items()},
        "late": {name: camera["drops"]["late"] for name, camera in end["cameras"].items()},
        "frames_in": sum(camera["frames_in"] for camera in end["cameras"].values()),
    }
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "realtime.json").write_text(json.dumps(figures, indent=2) + "\n")
    assert late < 1.1 * early
    assert all(each["fps_processed"] > 0.95 * FPS * len(CAMERAS) for each in minutes)
