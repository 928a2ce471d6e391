"""What a service manager hears, on a real socket that stands where systemd's would."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from edge.app.notify import ServiceManager
from edge.engine import Progress
from edge.runtime.gauges import CameraGauges
from edge.runtime.watchdog import FIRST_S, Watchdog


class Ears:
    """A bound datagram socket, and what was said to it."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def heard(self) -> list[list[str]]:
        said = []
        while True:
            try:
                said.append(self._socket.recv(4096).decode().splitlines())
            except BlockingIOError:
                return said

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[Ears]:
    ears = Ears(str(tmp_path / "notify"))
    yield ears
    ears.close()


def at_work() -> tuple[Watchdog, CameraGauges]:
    gauges = CameraGauges()
    gauges.state = "live"
    return Watchdog({"door": gauges}), gauges


def test_the_start_and_the_end_are_said_also_when_work_fails(ears, tmp_path):
    manager = ServiceManager(str(tmp_path / "notify"))

    def work() -> None:
        with manager.at_work():
            assert [lines[0] for lines in ears.heard()] == ["READY=1"]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert [lines[0] for lines in ears.heard()] == ["STOPPING=1"]


def test_an_engine_that_is_built_extends_the_start(ears, tmp_path):
    ServiceManager(str(tmp_path / "notify")).warming(Progress(0.345, 120.0, "Building"))
    assert ears.heard() == [["EXTEND_TIMEOUT_USEC=1860000000", "STATUS=Building: 34 %, about 120 s left"]]


def test_pings_come_in_time_while_work_advances_and_end_when_it_does_not(ears, tmp_path, caplog):
    watchdog, gauges = at_work()
    manager = ServiceManager(str(tmp_path / "notify"), watchdog_s=40)
    said: list[tuple[float, list[str]]] = []
    for tick in range(1000):
        now_s = tick * 0.2
        gauges.frames_in += 2
        gauges.frames_processed += 2 * (now_s < 100)
        watchdog.look(now_s)
        manager.tick(now_s, watchdog)
        said += [(now_s, lines) for lines in ears.heard()]
    pings = [at_s for at_s, lines in said if "WATCHDOG=1" in lines]
    assert pings[0] == 0
    assert all(later - sooner < 11 for sooner, later in pairwise(pings))
    assert 110 <= pings[-1] <= 120  # half the interval of patience after the last frame, at most
    stuck = [lines for at_s, lines in said if at_s > 130]
    assert stuck
    assert all(lines[0].startswith("STATUS=Stuck: no frame of camera door was counted on for") for lines in stuck)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_the_status_tells_cameras_and_frames_a_second(ears, tmp_path):
    watchdog, gauges = at_work()
    manager = ServiceManager(str(tmp_path / "notify"))
    for now_s in (0.0, 5.0, 10.0):
        gauges.frames_processed += 60
        watchdog.look(now_s)
        manager.tick(now_s, watchdog)
    assert ears.heard()[-1] == ["STATUS=1 of 1 cameras live, 12.0 frames counted on a second"]


def test_without_a_watchdog_a_stuck_camera_is_not_this_ones_business(ears, tmp_path):
    watchdog, _ = at_work()
    manager = ServiceManager(str(tmp_path / "notify"))
    for now_s in (0.0, FIRST_S + 1000):
        watchdog.look(now_s)
        manager.tick(now_s, watchdog)
    assert all("WATCHDOG=1" not in lines and "Stuck" not in lines[0] for lines in ears.heard())


def test_an_abstract_name_is_heard():
    name = f"@edge-test-{os.getpid()}"
    ears = Ears(f"\0{name[1:]}")
    with ServiceManager(name).at_work():
        pass
    assert len(ears.heard()) == 2
    ears.close()


def test_nobody_listening_costs_one_line_and_nothing_else(tmp_path, caplog):
    manager = ServiceManager(str(tmp_path / "gone"))
    for _ in range(3):
        with manager.at_work():
            pass
    assert len(caplog.records) == 1
    assert "does not hear us" in caplog.text
    with ServiceManager().at_work():
        pass
    assert len(caplog.records) == 1


def test_a_manager_that_does_not_read_is_not_waited_for(ears, tmp_path):
    manager = ServiceManager(str(tmp_path / "notify"))
    for _ in range(2000):
        with manager.at_work():
            pass


@pytest.mark.parametrize(
    ("environment", "pings"),
    [
        ({"WATCHDOG_USEC": "40000000"}, True),
        ({"WATCHDOG_USEC": "40000000", "WATCHDOG_PID": str(os.getpid())}, True),
        ({"WATCHDOG_USEC": "40000000", "WATCHDOG_PID": "1"}, False),
        ({"WATCHDOG_USEC": "0"}, False),
        ({"WATCHDOG_USEC": "soon"}, False),
        ({}, False),
    ],
)
def test_pings_are_owed_by_the_process_that_was_asked(ears, tmp_path, environment, pings):
    watchdog, _ = at_work()
    watchdog.look(0.0)
    ServiceManager.from_environment({"NOTIFY_SOCKET": str(tmp_path / "notify"), **environment}).tick(0.0, watchdog)
    assert any("WATCHDOG=1" in lines for lines in ears.heard()) == pings
