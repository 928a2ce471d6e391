"""Memory, heat and clock, from files and the kernel's word."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.doctor import Machine, Needs
from edge.doctor.board import clock, heat, memory
from edge.doctor.machine import KernelClock
from tests.unit.doctor.recorded import laptop, orin_nano


def test_memory_and_compressed_swap_are_told(tmp_path: Path) -> None:
    (found,) = memory(orin_nano(tmp_path), Needs())
    assert found.state == "right"
    assert found.says == "5.0 GiB of 7.4 GiB free, 3.7 GiB swap (all of it compressed memory)"


def test_too_little_memory_to_build_an_engine_is_noted(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.lay("/proc/meminfo", "MemTotal: 3900000 kB\nMemAvailable: 900000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
    (found,) = memory(machine, Needs())
    assert found.state == "note"
    assert "too little to build an engine" in found.says


def test_the_hottest_sensor_is_named_and_a_fan_is_no_throttle(tmp_path: Path) -> None:
    (found,) = heat(orin_nano(tmp_path), Needs())
    assert (found.state, found.says) == ("right", "hottest is gpu with 51 °C, nothing is slowed down")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("/sys/class/thermal/cooling_device1/cur_state", "1", "slowed down for heat now (gpu-throttle-alert)"),
        ("/sys/class/hwmon/hwmon2/oc1_event_cnt", "17", "slowed down 17 times for too much current"),
        ("/sys/class/thermal/thermal_zone1/temp", "96000", "96 °C: it will slow down soon"),
    ],
)
def test_what_slows_a_machine_down_is_noted(tmp_path: Path, file: str, text: str, said: str) -> None:
    machine = orin_nano(tmp_path)
    machine.lay(file, text)
    (found,) = heat(machine, Needs())
    assert found.state == "note"
    assert said in found.says
    assert found.remedy


def test_a_sensor_that_is_switched_off_is_passed_over(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.path("/sys/class/thermal/thermal_zone2/temp").mkdir(parents=True)  # reading it is an error, as from a sensor without power
    assert heat(machine, Needs())[0].state == "right"


def test_a_machine_without_sensors_is_no_trouble(tmp_path: Path) -> None:
    assert heat(laptop(tmp_path), Needs())[0].state == "right"


@pytest.mark.parametrize(
    ("said", "state", "part"),
    [
        (KernelClock(True, 0.012), "right", "at most 12 ms off"),
        (KernelClock(True, 4.0), "note", "4.0 s off"),
        (KernelClock(False, 16.0), "note", "nobody keeps it right"),
        (None, "note", "does not say"),
    ],
)
def test_the_clock_is_right_only_where_somebody_keeps_it(tmp_path: Path, said: KernelClock | None, state: str, part: str) -> None:
    machine = orin_nano(tmp_path)
    machine.clock = said
    (found,) = clock(machine, Needs())
    assert (found.state, part in found.says) == (state, True)


def test_this_kernel_answers_about_its_clock() -> None:
    said = Machine().kernel_clock()
    assert said is None or said.most_off_s >= 0
