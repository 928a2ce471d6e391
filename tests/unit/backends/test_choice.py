"""Which back-end is chosen, on a machine that has no GPU for us; with one, tests/cuda_host tells. No network runs here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from edge.app.model import machinery, model_on
from edge.backends import Plan, detector_of, gpu_of, painter_of
from edge.backends.cpu.detector import OnnxDetector
from edge.backends.cpu.painter import CpuPainter
from edge.config import Config
from edge.config.model import CameraConfig
from edge.data import Size
from edge.detect import DetectOptions
from edge.errors import DeviceError, ModelError, UsageError
from edge.heat import HeatOptions


@pytest.fixture(autouse=True)
def no_pycuda(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("pycuda", "pycuda.driver"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))


def test_auto_takes_the_cpu_and_says_why_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with model_on("a.onnx", DetectOptions(), backend="auto") as made:
        assert made.gpu is None
        assert isinstance(made.detector, OnnxDetector)
    (said,) = caplog.messages
    assert said.startswith("work is done on the CPU: pycuda is not installed here")


def test_auto_beside_a_driver_does_not_pass_over_a_gpu_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.backends.cuda.calls.driver_is_here", lambda: True)
    with model_on("a.onnx", DetectOptions(), backend="auto") as made:
        assert isinstance(made.detector, OnnxDetector)
        assert made.trouble.startswith("a.onnx runs on the CPU: pycuda is not installed here; install it")


def test_cpu_asks_nobody_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with gpu_of("cpu", Path("nowhere")) as gpu:
        assert gpu is None
    assert not caplog.messages


def test_cuda_that_cannot_be_is_one_sentence() -> None:
    with pytest.raises(DeviceError, match=r"^pycuda is not installed here; install it \(scripts/pycuda\.sh\), or choose `backend: cpu`$"):
        model_on("a.onnx", DetectOptions(), backend="cuda").__enter__()


def test_an_engine_needs_a_gpu_whatever_the_backend() -> None:
    with pytest.raises(UsageError, match=r"^a\.engine is a TensorRT engine, which no CPU runs; choose `backend: auto`, or give the \.onnx"):
        model_on("a.engine", DetectOptions(), backend="cpu").__enter__()
    for backend in ("auto", "cuda"):
        with pytest.raises(DeviceError, match="pycuda is not installed here"):
            model_on("a.engine", DetectOptions(), backend=backend).__enter__()  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"^a\.engine is a TensorRT engine, and there is no GPU to run it; give the \.onnx or the \.pt"):
        detector_of(Plan("a.engine", b""), DetectOptions())


def test_a_scene_needs_no_gpu_unless_it_is_asked_for() -> None:
    def scene(**more: Any) -> Config:
        return Config(device="test", model="scene", cameras={"a": CameraConfig(source="synthetic://plaza")}, **more)

    with machinery(scene()) as made:
        assert made.gpu is None
    with pytest.raises(DeviceError, match="pycuda is not installed here"):
        machinery(scene(backend="cuda")).__enter__()


def test_a_painter_without_a_gpu_is_the_cpus() -> None:
    assert isinstance(painter_of(HeatOptions(), Size(64, 36)), CpuPainter)
