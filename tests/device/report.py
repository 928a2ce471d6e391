"""A pytest plugin that writes a dated report of a run: the machine, each test's outcome, figures. No test and no fixture lives here.

``python -m pytest -p tests.device.report --report-to FOLDER ...``; tests add figures by the fixture `figures` (or `record_property`).
`scripts/make_run_table.py` makes the README's table of such reports.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from edge import __version__
from edge.doctor import Machine, Needs, examine
from edge.doctor.accelerator import driver, toolkit
from edge.doctor.jetson import is_jetson

ROOT = Path(__file__).parents[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--report-to", type=Path, metavar="FOLDER", help="write a dated report of this run into FOLDER")


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("--report-to")
    if folder is not None and not hasattr(config, "workerinput"):  # xdist's workers tell the process that started them
        config.pluginmanager.register(Reporter(folder), "edge-reporter")


class Reporter:
    """Gathers outcomes, and writes them when the session ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tests: dict[str, dict[str, Any]] = {}
        self.written: Path | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        entry = self.tests.setdefault(report.nodeid, {"outcome": "passed", "seconds": 0.0})
        entry["seconds"] = round(entry["seconds"] + report.duration, 3)
        if report.outcome != "passed":
            entry["outcome"] = report.outcome if report.when == "call" or report.skipped else "error"
            entry["why"] = reason(report)
        if report.when == "teardown" and report.user_properties:
            entry["figures"] = dict(report.user_properties)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.tests:
            return
        self.written = write(self.folder, facts(Machine()), self.tests)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.written is not None:
            terminalreporter.write_line(f"report: {self.written}")


def reason(report: pytest.TestReport) -> str:
    """Why a test did not pass, in one line and without this machine's folders."""
    if isinstance(report.longrepr, tuple):
        text = report.longrepr[2]
    else:
        crash = getattr(report.longrepr, "reprcrash", None)
        text = crash.message if crash is not None else str(report.longrepr)
    first = (text.strip().splitlines() or [""])[0].removeprefix("Skipped: ")
    return first.replace(str(ROOT.parent), "..").replace(str(Path.home()), "~")


def facts(machine: Machine) -> dict[str, Any]:
    """What a report says of the machine; whatever the doctor sees is there as well."""
    gpu = machine.vendors("gpu")
    libraries = machine.vendors("import", "tensorrt", "tensorrt_rtx", "pycuda.driver", "onnxruntime", "cv2", "numpy")
    versions = {
        name.partition(".")[0]: said["version"] for name, said in libraries.items() if isinstance(said, Mapping) and "version" in said
    }
    system = re.search(r'^PRETTY_NAME="?([^"\n]*)', machine.text("/etc/os-release"), re.M)
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "version": __version__,
        "commit": _commit(),
        "os": system[1] if system else platform.system(),
        "kernel": platform.release() if is_jetson(machine) else "",
        "processor": machine.processor,
        "python": platform.python_version(),
        "compiler": machine.run("g++", "-dumpfullversion").out.strip(),
        "jetson": machine.text("/proc/device-tree/model") if is_jetson(machine) else None,
        "gpu": (gpu.get("devices") or [None])[0],
        "driver": driver(machine) or None,
        "cuda_of_driver": gpu.get("cuda"),
        "cuda_toolkit": toolkit(machine) or None,
        "tensorrt": next(([name, versions[name]] for name in ("tensorrt", "tensorrt_rtx") if name in versions), None),
        "versions": versions,
        "doctor": [asdict(finding) for finding in examine(machine, Needs())] if gpu.get("devices") else [],
    }


def write(folder: Path, about: Mapping[str, Any], tests: Mapping[str, Mapping[str, Any]]) -> Path:
    """``FOLDER/DATE-MACHINE.json``, a test a line; a second run on one day and machine takes the first one's place."""
    machine = about["jetson"] or (about["gpu"] or {}).get("name") or "host"
    slug = re.sub(r"[^a-z0-9]+", "-", str(machine).lower()).strip("-")
    counts: dict[str, int] = {}
    for test in tests.values():
        counts[test["outcome"]] = counts.get(test["outcome"], 0) + 1
    head = json.dumps({**about, "counts": counts}, indent=2, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(test, ensure_ascii=False)}" for name, test in sorted(tests.items()))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{about['date']}-{slug}.json"
    path.write_text(f'{head},\n  "tests": {{\n{lines}\n  }}\n}}\n', encoding="utf-8")
    return path


def _commit() -> str:
    """The commit that ran; with a + where files were changed since."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except OSError:
        return ""
