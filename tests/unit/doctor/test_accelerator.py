"""Driver, GPU, toolkit, pycuda and TensorRT: what fits together, and what a configuration that needs a GPU lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.backends.cuda.nvcc import SOURCES, kept_as
from edge.config import Config
from edge.doctor import Needs
from edge.doctor.accelerator import cuda, libraries
from edge.doctor.findings import Finding
from tests.unit.doctor.recorded import laptop, orin_nano, server, thor

ENGINE = Needs(Config.model_validate({"model": "yolo11n.engine", "cameras": {"door": {"source": "synthetic://plaza"}}}))


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


@pytest.mark.parametrize(
    ("make", "says", "toolkit"),
    [
        (orin_nano, "Orin, compute capability 8.7, 7.4 GiB shared with the processor; driver 540.4.0, CUDA 12.6", "12.6"),
        (thor, "NVIDIA Thor, compute capability 11.0, 122.8 GiB shared with the processor; driver 540.4.0, CUDA 13.0", "13.0"),
        (server, "NVIDIA H100 80GB HBM3, compute capability 9.0, 79.1 GiB; driver 580.95.05, CUDA 13.0", "12.8"),
    ],
)
def test_a_gpu_is_told_with_its_driver_and_its_toolkit(tmp_path: Path, make, says: str, toolkit: str) -> None:  # type: ignore[no-untyped-def]
    found = by_name(cuda(make(tmp_path), ENGINE))
    assert found["GPU"] == Finding("GPU", "right", says)
    assert found["CUDA toolkit"] == Finding("CUDA toolkit", "right", toolkit)


def test_no_gpu_is_wrong_only_where_one_is_needed(tmp_path: Path) -> None:
    machine = laptop(tmp_path)
    (free,) = cuda(machine, Needs())
    assert (free.state, "runs on the CPU" in free.says) == ("note", True)
    (needed,) = cuda(machine, ENGINE)
    assert needed.state == "wrong"
    assert "backend: cpu" in needed.remedy


def test_a_driver_that_fails_is_quoted(tmp_path: Path) -> None:
    machine = server(tmp_path)
    machine.answers["gpu"] = {"error": "cuInit says 803: driver and libcuda are of different versions"}
    (found,) = cuda(machine, ENGINE)
    assert "cuInit says 803" in found.says


def test_a_toolkit_newer_than_the_driver_does_not_fit(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.commands["nvcc --version"] = "Cuda compilation tools, release 13.0, V13.0.48\n"
    found = by_name(cuda(machine, ENGINE))["CUDA toolkit"]
    assert found.state == "wrong"
    assert "does not load on a driver of CUDA 12.6" in found.says


def test_a_toolkit_that_is_missing_is_not_missed_where_all_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = orin_nano(tmp_path)
    del machine.commands["/usr/local/cuda/bin/nvcc --version"]
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache" / "models"))
    kernels = tmp_path / "cache" / "kernels"
    kernels.mkdir(parents=True)
    first, *rest = SOURCES
    for source in rest:
        (kernels / kept_as(source, "sm_87", "12.6.68")).write_bytes(b"code")
    assert by_name(cuda(machine, ENGINE))["CUDA toolkit"].state == "wrong"
    (kernels / kept_as(first, "sm_87", "12.2.140")).write_bytes(b"code")
    found = by_name(cuda(machine, ENGINE))["CUDA toolkit"]
    assert (found.state, "compiled before" in found.says) == ("right", True)


def test_a_toolkit_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = orin_nano(tmp_path)
    del machine.commands["/usr/local/cuda/bin/nvcc --version"]
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache" / "models"))
    assert by_name(cuda(machine, ENGINE))["CUDA toolkit"].state == "wrong"
    assert by_name(cuda(machine, Needs()))["CUDA toolkit"].state == "note"


def test_both_tensorrts_are_known(tmp_path: Path) -> None:
    machine = server(tmp_path)
    assert by_name(libraries(machine, ENGINE))["TensorRT"].says == "10.13.3.9 (tensorrt)"
    del machine.answers["import tensorrt"]
    machine.answers["import tensorrt_rtx"] = {"version": "1.7.1.116"}
    assert by_name(libraries(machine, ENGINE))["TensorRT"] == Finding("TensorRT", "right", "1.7.1.116 (tensorrt_rtx)")


def test_a_tensorrt_before_10_3_is_too_old(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.answers["import tensorrt"] = {"version": "8.5.2.2"}
    found = by_name(libraries(machine, ENGINE))["TensorRT"]
    assert (found.state, "8.5.2.2 is too old" in found.says) == ("wrong", True)


def test_jetpacks_tensorrt_behind_an_environments_wall_is_found(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    del machine.answers["import tensorrt"]
    machine.lay("/venv/pyvenv.cfg", "include-system-site-packages = false\n")
    found = by_name(libraries(machine, ENGINE))["TensorRT"]
    assert found.says == "the system has 10.3.0.30, and this Python does not see it"
    assert "--system-site-packages" in found.remedy
    machine.lay("/venv/pyvenv.cfg", "include-system-site-packages = true\n")
    assert "own Python version" in by_name(libraries(machine, ENGINE))["TensorRT"].remedy


def test_libraries_that_cannot_be_imported_are_quoted(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.answers["import tensorrt"] = {"error": "libnvinfer.so.10: cannot open shared object file"}
    machine.answers["import pycuda.driver"] = {"error": "libcurand.so.10: cannot open shared object file"}
    found = by_name(libraries(machine, ENGINE))
    assert "libnvinfer.so.10" in found["TensorRT"].says
    assert "libcurand.so.10" in found["pycuda"].says


def test_a_pycuda_that_only_lacks_the_driver_is_no_trouble_of_its_own(tmp_path: Path) -> None:
    machine = laptop(tmp_path)
    machine.answers["import pycuda.driver"] = {"error": "libcuda.so.1: cannot open shared object file"}
    machine.answers["distributions"] = {"pycuda": "2026.1"}
    found = by_name(libraries(machine, ENGINE))["pycuda"]
    assert (found.state, found.says) == ("note", "2026.1; it loads only where a driver is")


def test_nobody_without_a_gpu_is_told_of_its_libraries_unless_they_are_needed(tmp_path: Path) -> None:
    assert libraries(laptop(tmp_path), Needs()) == []
    assert {finding.state for finding in libraries(laptop(tmp_path), ENGINE)} == {"wrong"}
