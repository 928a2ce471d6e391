"""What a container's health check answers to a heartbeat, and that a device that is stuck is ended, and no other process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from edge.beat import Beat, born
from edge.cli import main

HERE = Beat(os.getpid(), born(os.getpid()) or 0, time.monotonic() + 36_000, "1 of 1 cameras live, 7 frames counted on")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGE_HEARTBEAT", str(tmp_path / "beat"))
    return tmp_path / "beat"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    with going_on() as process:
        yield process


@contextmanager
def going_on(first: str = "pass") -> Iterator[subprocess.Popen[bytes]]:
    """A process that would go on, once it has done `first`."""
    code = f"import signal, time; {first}; print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def beats(file: Path, beat: Beat) -> None:
    file.write_text(json.dumps(asdict(beat)))


def test_a_device_that_counts_is_healthy(file: Path, capsys: pytest.CaptureFixture[str]):
    beats(file, HERE)
    assert main(["healthcheck"]) == 0
    assert capsys.readouterr().out == "1 of 1 cameras live, 7 frames counted on\n"


@pytest.mark.parametrize(
    ("beat", "says"),
    [
        (replace(HERE, stuck="no frame of camera door was counted on for 31 s"), "no frame of camera door"),
        (replace(HERE, until_s=time.monotonic() - 100), "says nothing any more"),
        (replace(HERE, born=HERE.born + 1), "has ended"),
        (replace(HERE, pid=4_000_000), "has ended"),
    ],
)
def test_one_that_is_stuck_silent_or_gone_is_not(file: Path, beat: Beat, says: str, capsys: pytest.CaptureFixture[str]):
    beats(file, beat)
    assert main(["healthcheck"]) == 1
    assert says in capsys.readouterr().out


def test_where_nothing_beats_it_says_so(file: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["healthcheck", "--end"]) == 1
    assert f"there is no heartbeat in {file}" in capsys.readouterr().out


def test_without_a_file_it_asks_for_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.delenv("EDGE_HEARTBEAT", raising=False)
    assert main(["healthcheck"]) == 2
    assert "EDGE_HEARTBEAT" in capsys.readouterr().err


def test_a_device_that_is_stuck_is_ended_where_that_is_wanted(file: Path, other: subprocess.Popen[bytes]):
    beats(file, Beat(other.pid, born(other.pid) or 0, time.monotonic() + 60, "", "no frame was counted on"))
    assert main(["healthcheck"]) == 1
    assert other.poll() is None
    assert main(["healthcheck", "--end"]) == 1
    assert other.wait(5) == -signal.SIGABRT


def test_one_that_does_not_answer_its_first_signal_is_killed(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edge.cli.healthcheck._ENDING_S", 0.2)
    with going_on("signal.signal(signal.SIGABRT, signal.SIG_IGN)") as deaf:
        beats(file, Beat(deaf.pid, born(deaf.pid) or 0, time.monotonic() - 1, ""))
        assert main(["healthcheck", "--end"]) == 1
        assert deaf.wait(5) == -signal.SIGKILL


def test_a_process_that_was_given_the_number_later_lives_on(file: Path, other: subprocess.Popen[bytes]):
    beats(file, Beat(other.pid, (born(other.pid) or 0) - 1, time.monotonic() - 1, "", "stuck"))
    assert main(["healthcheck", "--end"]) == 1
    assert other.poll() is None


def test_asking_loads_neither_the_device_nor_its_configuration(file: Path):
    """It is asked every half minute for years, on a machine that has other things to do."""
    code = "import sys; from edge.cli import main; main(['healthcheck']); print([name for name in sys.modules if name in ('edge.app', 'edge.config')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
