"""The report of a run on a device: outcomes, figures, and nothing of whose machine it was. What the README makes of it is tested beside its script."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.device.report import facts, write
from tests.unit.doctor.recorded import laptop, orin_nano, server

TESTS = """
import pytest

def test_passes(record_property):
    record_property("network_ms", 1.25)

def test_fails():
    assert 1 == 2, "figures differ"

@pytest.fixture
def broken():
    raise OSError("no such file FOLDER/x")

def test_cannot_begin(broken):
    pass

@pytest.mark.skip(reason="no camera here")
def test_is_skipped():
    pass
"""


def test_a_run_is_reported_with_each_outcome_and_figure(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS.replace("FOLDER", str(ROOT)))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.device.report", "--report-to", str(tmp_path / "reports"), "-q"]
    command += ["-c", str(tmp_path / "pytest.ini"), str(tmp_path / "test_it.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 1, done.stdout + done.stderr
    (path,) = (tmp_path / "reports").glob("*.json")
    assert f"report: {path}" in done.stdout
    report = json.loads(path.read_text())
    tests = {name.partition("::")[2]: test for name, test in report["tests"].items()}
    assert {name: test["outcome"] for name, test in tests.items()} == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_cannot_begin": "error",
        "test_is_skipped": "skipped",
    }
    assert tests["test_passes"]["figures"] == {"network_ms": 1.25}
    assert "figures differ" in tests["test_fails"]["why"]
    assert tests["test_is_skipped"]["why"] == "no camera here"
    assert report["counts"] == {"passed": 1, "failed": 1, "error": 1, "skipped": 1}
    assert str(ROOT.parent) not in path.read_text()


def test_a_report_says_what_ran_where(tmp_path: Path) -> None:
    about = facts(orin_nano(tmp_path / "orin"))
    assert about["jetson"] == "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super"
    assert (about["driver"], about["cuda_of_driver"], about["cuda_toolkit"]) == ("540.4.0", "12.6", "12.6")
    assert about["tensorrt"] == ["tensorrt", "10.3.0"]
    assert any(finding["name"] == "power mode" for finding in about["doctor"])
    about = facts(server(tmp_path / "server"))
    assert (about["jetson"], about["gpu"]["name"]) == (None, "NVIDIA H100 80GB HBM3")
    about = facts(laptop(tmp_path / "laptop"))
    assert (about["gpu"], about["tensorrt"], about["doctor"]) == (None, None, [])


def test_a_report_is_named_by_its_day_and_machine(tmp_path: Path) -> None:
    tests = {"tests/device/test_a.py::test_a": {"outcome": "passed", "seconds": 1.0}}
    for make, name in ((server, "nvidia-h100-80gb-hbm3"), (laptop, "host")):
        path = write(tmp_path / "reports", facts(make(tmp_path / name)), tests)
        assert path.name == f"{json.loads(path.read_text())['date']}-{name}.json"
