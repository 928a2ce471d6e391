"""What a device measures of itself, and that it costs next to nothing: bounded memory, no lock, the interval's own times."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from edge.health import BrokerHealth, HealthPayload, health_message
from edge.runtime import Clock, Device, HealthMeter, vitals
from edge.runtime.gauges import CameraGauges, Times
from tests.unit.runtime.fakes import Camera, FakeDetector, FakeSource

HEAD = {"device": "shop", "stream": "s", "boot_id": "b", "version": "1"}


def meter(tmp_path: Path, **how: object) -> HealthMeter:
    return HealthMeter(**{"head": HEAD, "clock": Clock(), "cameras": {}, "folder": tmp_path, "every_s": 0.01, **how})


def test_times_are_of_the_interval_and_no_more_are_kept_than_a_bound():
    times = Times()
    assert times.spread() is None
    for n in range(100_000):
        times.note(n * 1e-3)
    spread = times.spread()
    assert spread is not None
    assert 99_400 <= spread.p50_ms <= spread.p95_ms <= spread.p99_ms <= 99_999
    assert times.spread() is None


def test_a_camera_is_measured_from_its_source_to_the_store(tmp_path):
    camera = Camera(lambda start: FakeSource(start, 25, live=False), live=False)
    device = Device(FakeDetector(), [camera.parts], Clock())
    measured = meter(tmp_path, cameras={loop.name: loop.gauges for loop in device.cameras})
    device.run()
    door = measured.measure().cameras["door"]
    assert (door.state, door.frames_in, door.frames_processed, door.reconnects) == ("ended", 25, 25, 0)
    assert door.fps_in == door.fps_processed > 0
    assert set(door.stages) == {"detect", "step", "commit"}
    assert door.frame_age is None  # a file's frames have no age
    assert door.drops == {"late": 0}
    again = measured.measure().cameras["door"]
    assert (again.fps_in, again.stages, again.frames_in) == (0.0, {}, 25)


def test_a_live_camera_has_an_age_and_tells_how_often_it_was_opened_again(tmp_path):
    done = threading.Event()

    def opened(start: int) -> FakeSource:
        if start >= 6:
            done.set()
        return FakeSource(start, start + 3, live=True)

    camera = Camera(opened, live=True)
    device = Device(FakeDetector(), [camera.parts], Clock())
    measured = meter(tmp_path, cameras={loop.name: loop.gauges for loop in device.cameras})
    device.run(lambda: device.stop() if done.is_set() else None)
    door = measured.measure().cameras["door"]
    assert door.reconnects >= 2
    assert door.frame_age is not None
    assert door.frames_processed + door.drops["late"] == door.frames_in


def test_the_meter_measures_at_its_pace_and_tells(tmp_path):
    told: list[HealthPayload] = []
    broker = BrokerHealth(connected=True, connects=2, outbox=7)
    measured = meter(tmp_path, every_s=3600, on_health=told.append, broker=lambda: broker)
    for _ in range(3):
        measured.tick()
    assert (told, measured.latest) == ([], None)
    measured = meter(tmp_path, every_s=1e-9, on_health=told.append, broker=lambda: broker)
    measured.tick()
    assert told == [measured.latest]
    assert told[0].broker == broker
    assert (told[0].memory_bytes or 0) > 1e6
    assert 0 < (told[0].disk_free_bytes or 0) <= (told[0].disk_total_bytes or 0)
    message = health_message(told[0], expiry_s=30)
    assert (message.topic, message.qos, message.retain, message.expiry_s) == ("health", 0, False, 30)
    assert json.loads(message.payload)["device"] == "shop"


def test_a_stage_that_fails_is_not_timed():
    gauges = CameraGauges()
    with pytest.raises(KeyError), gauges.timed("step"):
        raise KeyError
    assert "step" not in gauges.stages


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_board_tells_its_warmest_zone_and_what_it_draws(tmp_path):
    zones = {f"sys/class/thermal/thermal_zone{n}/temp": text for n, text in enumerate(["48250\n", "51900\n", "-256000\n", "", "cold"])}
    rails = {
        "in1_label": "VDD_CPU",
        "in1_input": "5000",
        "curr1_input": "100",
        "in2_label": "VDD_IN",
        "in2_input": "4968",
        "curr2_input": "1480",
    }
    root = tree(tmp_path, {**zones, **{f"sys/class/hwmon/hwmon1/{name}": text for name, text in rails.items()}})
    assert vitals.temperature_c(root) == 51.9
    assert vitals.power_w(root) == pytest.approx(7.35, abs=0.01)


def test_what_a_machine_does_not_tell_is_none(tmp_path):
    assert (vitals.temperature_c(tmp_path), vitals.power_w(tmp_path), vitals.memory_bytes(tmp_path)) == (None, None, None)
    assert vitals.disk_bytes(tmp_path / "missing") is None
