"""What a device measures of itself, and that it costs next to nothing: bounded memory, no lock, the interval's own times."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from edge.health import BrokerHealth, HealthPayload, health_message
from edge.runtime import Clock, Device, HealthMeter, board, vitals
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
    assert (door.frame_age, door.published_age) == (None, None)  # a file's frames have no age
    assert door.share == 1
    assert door.drops == {"late": 0}
    again = measured.measure().cameras["door"]
    assert (again.fps_in, again.stages, again.frames_in, again.share) == (0.0, {}, 25, None)


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
    assert door.published_age is not None
    assert door.published_age.p50_ms >= door.frame_age.p50_ms
    assert door.frames_processed + door.drops["late"] == door.frames_in


def test_the_share_of_each_camera_is_its_part_of_what_the_accelerator_saw_lately(tmp_path):
    cameras = {name: CameraGauges() for name in ("door", "hall", "roof")}
    measured = meter(tmp_path, cameras=cameras)
    cameras["door"].frames_seen, cameras["hall"].frames_seen = 30, 10
    assert {name: camera.share for name, camera in measured.measure().cameras.items()} == {"door": 0.75, "hall": 0.25, "roof": 0.0}
    cameras["hall"].frames_seen += 5
    assert {name: camera.share for name, camera in measured.measure().cameras.items()} == {"door": 0.0, "hall": 1.0, "roof": 0.0}


def test_a_frame_is_as_old_at_publication_as_the_commit_is_late(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr("edge.runtime.gauges.time.monotonic", lambda: now_s[0])
    gauges = CameraGauges()
    gauges.worked(0.040)
    now_s[0] += 0.4
    gauges.worked(0.050)
    assert gauges.published_ages.spread() is None  # not committed yet: a commit that failed publishes nothing
    now_s[0] += 0.1
    gauges.published()
    assert sorted(gauges.published_ages._seconds) == pytest.approx([0.150, 0.540])
    gauges.published()
    assert len(gauges.published_ages._seconds) == 2


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


def test_a_process_tells_its_threads_and_what_it_holds_open(tmp_path):
    threads, handles = vitals.threads(), vitals.handles()
    assert threads is not None
    assert handles is not None
    with (tmp_path / "file").open("w"):
        assert vitals.handles() == handles + 1
        done = threading.Event()
        thread = threading.Thread(target=done.wait)
        thread.start()
        assert vitals.threads() == threads + 1
        done.set()
        thread.join()
    assert vitals.handles() == handles


def test_a_board_tells_its_zones_the_warmest_of_each_kind_and_what_it_draws(tmp_path):
    temperatures = {0: ("cpu-thermal", "48250\n"), 1: ("gpu-thermal", "51900\n"), 2: ("cv0-thermal", "-256000\n"), 3: ("cv1-thermal", "")}
    temperatures |= {4: ("cpu-thermal", "47000\n"), 5: ("", "45000\n"), 6: ("tj-thermal", "cold\n")}
    zones = {f"sys/class/thermal/thermal_zone{n}/temp": text for n, (_, text) in temperatures.items()}
    kinds = {f"sys/class/thermal/thermal_zone{n}/type": kind for n, (kind, _) in temperatures.items()}
    rails = {
        "in1_label": "VDD_CPU",
        "in1_input": "5000",
        "curr1_input": "100",
        "in2_label": "VDD_IN",
        "in2_input": "4968",
        "curr2_input": "1480",
    }
    root = tree(tmp_path, {**zones, **kinds, **{f"sys/class/hwmon/hwmon1/{name}": text for name, text in rails.items()}})
    assert board.temperatures_c(root) == {"cpu": 48.25, "gpu": 51.9, "thermal_zone5": 45.0}
    assert board.power_w(root) == pytest.approx(7.35, abs=0.01)


def test_a_board_tells_its_power_mode_by_number_and_name(tmp_path):
    root = tree(tmp_path, {"var/lib/nvpmodel/status": "pmode:0002 fmode:fanNULL\n"})
    assert (board.power_mode(root), board.power_modes(root)) == ("2", {})
    tree(tmp_path, {"etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"})
    assert board.power_modes(root) == {"0": "15W", "2": "MAXN_SUPER"}


def test_only_what_costs_speed_slows_a_board_down(tmp_path):
    def cooling(**states: int) -> list[str] | None:
        files = {f"{kind}/type": kind.replace("_", "-") for kind in states} | {f"{kind}/cur_state": str(n) for kind, n in states.items()}
        return board.slowed_by(tree(tmp_path, {f"sys/class/thermal/cooling_device-{name}": text for name, text in files.items()}))

    assert cooling(pwm_fan=3, hot_surface_alert=1) is None
    assert cooling(gpu_throttle_alert=0, cpufreq_cpu0=0, devfreq_gpu=0) == []
    assert cooling(gpu_throttle_alert=1, cpufreq_cpu0=4) == ["cpufreq-cpu0", "gpu-throttle-alert"]


def test_over_currents_of_all_kinds_are_one_number(tmp_path):
    assert board.over_currents(tree(tmp_path, {"sys/class/hwmon/hwmon3/oc1_throt_en": "1"})) is None
    counts = {"oc1_event_cnt": "0", "oc2_event_cnt": "15\n", "oc3_event_cnt": "37"}
    assert board.over_currents(tree(tmp_path, {f"sys/class/hwmon/hwmon3/{name}": text for name, text in counts.items()})) == 52


@pytest.mark.parametrize(
    "file",
    ["sys/class/devfreq/17000000.gpu/device/load", "sys/class/devfreq/17000000.ga10b/device/load", "sys/devices/platform/gpu.0/load"],
)
def test_a_gpu_tells_its_load_in_thousandths_wherever_it_does(tmp_path, file):
    tree(tmp_path, {"sys/class/devfreq/bus-emc/device/load": "999"})
    assert board.gpu_load(tmp_path) is None
    assert board.gpu_load(tree(tmp_path, {file: "437\n"})) == 0.437
    assert board.gpu_load(tree(tmp_path, {file: "nonsense"})) is None


def test_what_a_machine_does_not_tell_is_none(tmp_path):
    told = (board.power_w, board.power_mode, board.slowed_by, board.over_currents, board.gpu_clock, board.gpu_load)
    assert [tell(tmp_path) for tell in (*told, vitals.memory_bytes, vitals.threads, vitals.handles)] == [None] * 9
    assert (board.temperatures_c(tmp_path), board.power_modes(tmp_path)) == ({}, {})
    assert vitals.disk_bytes(tmp_path / "missing") is None
