"""What the README says of where this has run: the table is that of the reports, and no figure of a Jetson passes for a measured one."""

from __future__ import annotations

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
PAGES = ["README.md", "models/README.md", "docker/README.md", "CHANGELOG.md"]
FIGURE = re.compile(r"\d\s*(ms|fps|µs|us|microseconds|GB/s|frames a second)\b")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = spec_from_file_location("make_run_table", ROOT / "scripts" / "make_run_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(folder: Path, name: str, tests: dict[str, str], **about: Any) -> None:
    whole = {
        "date": name[:10],
        "commit": "abc",
        "os": "Debian 12",
        "processor": "x86_64",
        "python": "3.11.2",
        "compiler": "12.2.0",
        "jetson": None,
        "gpu": None,
        "cuda_of_driver": None,
        "tensorrt": None,
        **about,
        "tests": {nodeid: {"outcome": outcome} for nodeid, outcome in tests.items()},
    }
    (folder / name).write_text(json.dumps(whole))


def test_the_readmes_table_is_the_one_of_the_reports(maker: ModuleType) -> None:
    assert maker.with_table(README, maker.table()) == README, "run scripts/make_run_table.py"


def test_without_reports_nothing_has_run(maker: ModuleType, tmp_path: Path) -> None:
    rows = maker.table(tmp_path).splitlines()[2:]
    assert len(rows) == 6
    assert all("| not yet |" in row for row in rows)


def test_reports_become_rows_and_a_newer_one_takes_the_olders_place(maker: ModuleType, tmp_path: Path) -> None:
    contract = "tests/contracts/test_painters.py::test_a"
    host = {f"{contract}[cpu]": "passed", f"{contract}[gpu-64x36]": "skipped", "tests/cuda_host/test_heat.py::test_b": "skipped"}
    report(tmp_path, "2026-01-01-host.json", host)
    gpu = {"name": "NVIDIA H100", "compute_capability": "9.0"}
    ran = {f"{contract}[gpu-64x36]": "passed", "tests/device/test_device_detector.py::test_d": "failed"}
    for day in ("2026-01-02", "2026-01-03"):
        report(tmp_path, f"{day}-h100.json", ran, gpu=gpu, cuda_of_driver="13.0", tensorrt=["tensorrt", "10.13.3"])
    cpu, kernels, on_gpu, built, tensorrt, jetson = maker.table(tmp_path).splitlines()[2:]
    assert cpu.startswith("| CPU | Debian 12, x86_64, Python 3.11.2 | 2026-01-01, abc | 1 passed |")
    assert "not yet" in kernels, "what was skipped has not run"
    assert "2026-01-03, abc | 1 passed, 1 failed |" in on_gpu
    assert tensorrt.startswith("| TensorRT | tensorrt 10.13.3, NVIDIA H100 | 2026-01-03, abc | 1 failed |")
    assert "not yet" in built
    assert "not yet" in jetson


def test_a_jetson_is_no_gpu_of_another_kind(maker: ModuleType, tmp_path: Path) -> None:
    about: dict[str, Any] = {"gpu": {"name": "Orin", "compute_capability": "8.7"}, "cuda_of_driver": "12.6"}
    report(tmp_path, "2026-01-01-orin.json", {"tests/device/test_a.py::test_a": "passed"}, jetson="NVIDIA Jetson Orin Nano", **about)
    rows = maker.table(tmp_path).splitlines()[2:]
    assert "not yet" in rows[2]
    assert rows[5].startswith("| Jetson | NVIDIA Jetson Orin Nano, CUDA 12.6 | 2026-01-01, abc | 1 passed |")


def test_a_readme_without_the_marks_is_refused(maker: ModuleType) -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        maker.with_table("# edge\n", "")


@pytest.mark.parametrize("page", [page for page in PAGES if (ROOT / page).exists()])
def test_no_figure_of_a_jetson_stands_without_estimate_or_published_by(page: str) -> None:
    for line in (ROOT / page).read_text().splitlines():
        if re.search(r"Jetson|Orin|Thor\b", line):
            cells = [cell for cell in line.split("|") if FIGURE.search(cell)]
            assert all("estimate" in cell or "published by" in cell for cell in cells), line
