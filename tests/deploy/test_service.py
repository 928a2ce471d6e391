"""edge.service under a real systemd: whatever ends or stops it, it comes back with its totals; a camera that is away is no reason to end it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.count.tally import Tally
from edge.store import StoreReader
from tests.deploy.system_root import CHECKOUT, ENVIRONMENTS, System, system_root, wait

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # a root is made first, where none is kept

WATCHDOG_S = 4
CONFIG = """\
state: /var/lib/edge
model: scene
commit_s: 0.2
max_pause_s: 2
cameras:
  plaza:
    source: synthetic://plaza?size=320x180&fps=15&people=20
    lines: {middle: {from: [160, 20], to: [160, 170]}}
    heatmap: null
  away: {source: "rtsp://127.0.0.1:9/nobody"}
"""
QUICK = f"""\
[Service]
ExecStart=
ExecStart=/opt/edge/current/bin/python {CHECKOUT}/tests/deploy/hanging_device.py
WatchdogSec={WATCHDOG_S}
RestartSec=0.2
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def system(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A booted system with the service installed and at work: its unit as it ships, but for shorter times and the stand-in accelerator."""
    with System(system_root(), tmp_path_factory.mktemp("system"), state=state) as system:
        system.at("/srv/edge.yaml").write_text(CONFIG)
        system.at("/etc/systemd/system/edge.service.d").mkdir(parents=True)
        system.at("/etc/systemd/system/edge.service.d/quick.conf").write_text(QUICK)
        system.run(f"{CHECKOUT}/deploy/install.sh native --environment {ENVIRONMENTS[0]} --config /srv/edge.yaml")
        counts_on(state)
        yield system


def totals(state: Path) -> Tally:
    """What the store holds of the camera, which has had one epoch."""
    with StoreReader(state / "edge.db") as reader:
        by_epoch, _ = reader.sums("plaza")
    assert set(by_epoch) <= {1}, "a restart began new totals"
    return by_epoch.get(1, Tally())


def crossings(state: Path) -> int:
    return sum(n for key, n in totals(state).items() if key.kind == "line")


def counts_on(state: Path) -> None:
    """Wait until more is counted."""
    before = crossings(state)
    assert wait(lambda: crossings(state) > before, 40), "nothing more was counted"


def holds(state: Path, before: Tally) -> bool:
    """Whether nothing is missing that was counted."""
    after = totals(state)
    return set(before) <= set(after) and all(after[key] >= n for key, n in before.items())


def comes_back(system: System, state: Path, pid: str, before: Tally) -> None:
    """Another process is at work on the same totals: none is smaller, and they grow."""
    assert wait(lambda: system.property("MainPID") not in (pid, "0") and system.property("ActiveState") == "active", 30)
    assert holds(state, before)
    counts_on(state)
    assert wait(lambda: "1 of 2 cameras live" in system.property("StatusText"), 20)


def test_the_unit_is_right_and_its_sandbox_is_scored(system: System) -> None:
    said = system.run("systemd-analyze verify /etc/systemd/system/edge.service")
    assert said.strip() == ""
    said = system.run("systemd-analyze security --no-pager edge.service")
    score = re.search(r"Overall exposure level for edge.service: ([\d.]+)", said)
    assert score is not None
    print(score[0])
    assert float(score[1]) < 2.5


def test_the_service_can_write_to_its_own_folders_only_and_holds_no_capability(system: System) -> None:
    pid = system.property("MainPID")
    status = system.run(f"cat /proc/{pid}/status")
    assert re.search(r"CapEff:\s+0{16}", status)
    assert re.search(r"CapBnd:\s+0{16}", status)
    assert re.search(r"NoNewPrivs:\s+1", status)
    assert re.search(r"Seccomp:\s+2", status)
    edge = system.run("id -u edge").strip()
    assert re.search(rf"Uid:\s+{edge}\s+{edge}", status)
    inside = f"nsenter --target {pid} --mount setpriv --reuid edge --regid edge --clear-groups --"
    for folder, may in (
        ("/var/lib/edge", True),
        ("/var/cache/edge", True),
        ("/run/edge", True),
        ("/tmp", False),
        ("/etc/edge", False),
        ("/opt", False),
    ):
        said = system.run(f"{inside} touch {folder}/tried && echo done", check=False)
        assert ("done" in said) == may, f"{folder}: {said}"
    assert "Permission denied" in system.run(f"{inside} ls /root", check=False)


def test_killed_it_comes_back_with_its_totals(system: System, state: Path) -> None:
    pid, before = system.property("MainPID"), totals(state)
    system.run(f"kill -KILL {pid}")
    comes_back(system, state, pid, before)


def test_stopped_in_its_tracks_it_is_ended_by_the_watchdog_and_comes_back(system: System, state: Path) -> None:
    pid, before = system.property("MainPID"), totals(state)
    system.run(f"kill -STOP {pid}")
    comes_back(system, state, pid, before)
    assert "Watchdog timeout" in system.run("journalctl --unit edge --no-pager")


def test_an_accelerator_that_hangs_is_ended_by_the_watchdog_and_the_journal_says_where(system: System, state: Path) -> None:
    """The process is alive, its cameras read, its clock ticks; only nothing is counted any more."""
    pid, before = system.property("MainPID"), totals(state)
    since = system.run("date '+%F %T.%N'").strip()
    (state / "hang").touch()
    comes_back(system, state, pid, before)
    said = system.run(f"journalctl --unit edge --no-pager --since '{since}'")
    assert "Watchdog timeout" in said
    assert "no frame of camera plaza was counted on for" in said
    assert re.search(r'hanging_device.py", line \d+ in detect', said)


def test_a_camera_that_died_alone_is_no_reason_to_end_it(system: System) -> None:
    pid, restarts = system.property("MainPID"), system.property("NRestarts")
    assert "away: the cable is out; trying again" in system.run("journalctl --unit edge --no-pager")
    assert not wait(lambda: system.property("MainPID") != pid, 2.5 * WATCHDOG_S)
    assert system.property("NRestarts") == restarts
    assert "1 of 2 cameras live" in system.property("StatusText")


def test_asked_to_stop_it_ends_in_order(system: System, state: Path) -> None:
    before = totals(state)
    system.run("systemctl stop edge")
    assert system.property("Result") == "success"
    assert system.property("ExecMainStatus") == "0"
    assert holds(state, before)


def test_a_configuration_that_cannot_be_meant_is_not_tried_for_ever(system: System) -> None:
    """The last of the module: it leaves the service down."""
    system.at("/etc/edge/edge.yaml").write_text("cameras: {}\n")
    system.run("rm /etc/systemd/system/edge.service.d/quick.conf; systemctl daemon-reload; systemctl restart edge", check=False)
    assert wait(lambda: system.property("ActiveState") == "failed", 15)
    assert system.property("ExecMainStatus") == "2"
    assert "cameras" in system.run("journalctl --unit edge --no-pager --lines 5")
