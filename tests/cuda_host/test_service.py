"""A whole device on the GPU: which back-end is chosen there, and that it counts what one on the CPU counts. The GPU and TensorRT are stand-ins."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge.app import RunOptions, running
from edge.app.model import model_on
from edge.backends.cpu.detector import OnnxDetector
from edge.backends.cuda.detector import TensorRtDetector
from edge.config import Config
from edge.config.model import CameraConfig
from edge.count import LineOptions
from edge.data import Size
from edge.detect import DetectOptions
from edge.engine import EngineFacts, EngineFile, Found, read_engine, resolve_engine, this_machine, write_engine
from edge.errors import ModelError
from edge.evaluate import load_truth
from edge.heat import HeatOptions, grid_size
from edge.sinks.options import RecordOptions
from edge.store import Store
from tests.cuda_host.driver import StandIn
from tests.cuda_host.engines import host_tensorrt, plan_of

__all__ = ["host_tensorrt"]
pytestmark = pytest.mark.system
TRT = ModuleType


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, host_cuda: StandIn, tmp_path: Path) -> None:
    """Compiled kernels are those that all tests share; engines are the test's own."""
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "models"))
    monkeypatch.setattr("edge.app.model._kernels", lambda: host_cuda.kernels)


def engine_at(path: Path, onnx: bytes = b"", *, gpu: str | None = None, **how: Any) -> Path:
    """An engine file as `edge build` writes it, for this machine or for another `gpu`."""
    machine, plan = this_machine(), plan_of(onnx, **how)
    facts = EngineFacts(
        tensorrt=machine.tensorrt,
        tensorrt_version=machine.tensorrt_version,
        gpu=gpu or machine.gpu,
        compute_capability=machine.compute_capability,
        names=plan.class_names,
    )
    write_engine(path, facts, plan.plan)
    return path


@pytest.mark.parametrize("backend", ["auto", "cuda"])
def test_an_engine_that_fits_runs_on_the_gpu(host_tensorrt: TRT, tmp_path: Path, backend: Any) -> None:
    with model_on(str(engine_at(tmp_path / "a.engine")), DetectOptions(), backend=backend) as made:
        assert made.gpu is not None
        assert not made.trouble
        assert isinstance(made.detector, TensorRtDetector)
        with made.detector as detector:
            assert detector.names == ("person", "dog")


@pytest.mark.parametrize("backend", ["auto", "cuda"])
def test_an_engine_of_another_machine_is_refused_by_its_name(host_tensorrt: TRT, host_cuda: StandIn, tmp_path: Path, backend: Any) -> None:
    path = engine_at(tmp_path / "a.engine", gpu="Orin")
    with pytest.raises(ModelError, match=r"a\.engine cannot run here: it was made for tensorrt 10\.3\.0 on Orin \(8\.7\)"):
        model_on(str(path), DetectOptions(), backend=backend).__enter__()
    assert not host_cuda.held


def test_a_model_becomes_an_engine_where_there_is_a_gpu(host_tensorrt: TRT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = engine_at(tmp_path / "a.engine")
    monkeypatch.setattr("edge.engine.resolve_engine", lambda *_, **__: Found(read_engine(path), "it is the last good one"))
    with model_on("a.onnx", DetectOptions(), backend="auto") as made:
        assert isinstance(made.detector, TensorRtDetector)
        assert made.trouble == "it is the last good one"


def test_a_model_that_cannot_become_one_runs_on_the_cpu_or_is_refused(
    host_tensorrt: TRT, host_cuda: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> Found:
        raise ModelError("there is no room for an engine")

    monkeypatch.setattr("edge.engine.resolve_engine", refuse)
    with model_on("a.onnx", DetectOptions(), backend="auto") as made:
        assert isinstance(made.detector, OnnxDetector)
        assert made.gpu is None
        assert made.trouble == "a.onnx runs on the CPU: there is no room for an engine"
        assert not host_cuda.held  # a GPU that does nothing holds nothing
    assert made.trouble in caplog.messages
    with pytest.raises(ModelError, match=r"^there is no room for an engine$"):
        model_on("a.onnx", DetectOptions(), backend="cuda").__enter__()
    assert not host_cuda.held


@pytest.mark.parametrize("fault", ["engine", "kernels"])
def test_an_engine_that_cannot_be_loaded_leaves_auto_on_the_cpu(
    host_tensorrt: TRT, host_cuda: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    path = engine_at(tmp_path / "a.engine")

    def resolve(*_: Any, load: Any, **__: Any) -> Found:
        load(read_engine(path))
        return Found(read_engine(path))

    monkeypatch.setattr("edge.engine.resolve_engine", resolve)
    if fault == "engine":
        host_tensorrt.failing["deserialize_cuda_engine"] = 1
    else:
        host_cuda.fail("cuModuleLoadDataEx", 1)
    with model_on("a.onnx", DetectOptions(), backend="auto") as made:
        assert isinstance(made.detector, OnnxDetector)
        assert made.trouble.startswith("a.onnx runs on the CPU: ")
        assert {"engine": "build it again", "kernels": "failed"}[fault] in made.trouble
    assert not host_cuda.held


@pytest.mark.parametrize("backend", ["auto", "cuda"])
def test_a_cached_engine_that_does_not_load_is_built_again_and_runs(
    host_tensorrt: TRT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: Any
) -> None:
    (tmp_path / "net.onnx").write_bytes(b"a network")
    built: list[str] = []

    def build(onnx: Path, out: Path, *_: Any, **__: Any) -> Any:
        built.append(out.name)
        return read_engine(engine_at(out))

    monkeypatch.setattr("edge.engine.resolve_engine", lambda *asked, **how: resolve_engine(*asked, **how, build=build))
    for fault in (False, True):
        if fault:
            host_tensorrt.failing["deserialize_cuda_engine"] = 1 + host_tensorrt.called["deserialize_cuda_engine"]
        with model_on(str(tmp_path / "net.onnx"), DetectOptions(), backend=backend) as made:
            assert made.trouble == ""
            with made.detector as detector:
                assert detector.names == ("person", "dog")
    assert len(built) == 2
    reads, plan = [], EngineFile.plan
    monkeypatch.setattr(EngineFile, "plan", lambda self: reads.append(self.path) or plan(self))
    with model_on(str(tmp_path / "net.onnx"), DetectOptions(), backend=backend):
        assert len(reads) == 2, "once for its digest, once to be loaded"


def test_kernels_that_cannot_be_compiled_are_known_before_anything_is_built(
    host_tensorrt: TRT, host_cuda: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.app.model._kernels", lambda: tmp_path / "kernels")
    monkeypatch.setattr("edge.backends.cuda.nvcc.find_nvcc", lambda: None)
    with model_on("a.onnx", DetectOptions(), backend="auto") as made:
        assert isinstance(made.detector, OnnxDetector)
        assert made.trouble.startswith("a.onnx runs on the CPU: nvcc is needed once to compile head.cu")
    assert not host_cuda.held


@pytest.mark.timeout(600)
def test_a_device_on_the_gpu_counts_and_records_what_one_on_the_cpu_does(
    host_tensorrt: TRT, host_cuda: StandIn, shared: Path, tmp_path: Path
) -> None:
    truth = load_truth(shared / "video" / "tud-stadtmitte.truth.yaml")
    onnx = shared / "models" / "yolo11n.onnx"
    with OnnxDetector(onnx, DetectOptions()) as cpu:
        names = cpu.names
    engine = engine_at(tmp_path / "yolo11n.engine", onnx.read_bytes(), class_names=names)
    cells = grid_size(Size(640, 480), HeatOptions().cell)
    counted, heat, videos = {}, {}, {}
    for backend, model in (("cpu", onnx), ("cuda", engine)):
        config = Config(
            device="test",
            state=tmp_path / backend,
            model=str(model),
            backend=backend,  # type: ignore[arg-type]
            detect=DetectOptions(threads=1, imgsz=(640, 640)),  # the engine's; a CPU would look at less of the grey
            record=RecordOptions(),
            cameras={
                "street": CameraConfig(
                    source=str(truth.video), lines={name: LineOptions(line.start, line.end) for name, line in truth.lines.items()}
                )
            },
        )
        with running(config, RunOptions(must_open=True)) as device:
            device.run()
            videos[backend] = [path.stat().st_size for path in device.recorders["street"].recorded]
        with Store(config.state / "edge.db") as store:
            counted[backend] = dict(store.totals("street"))
            heat[backend], _ = store.heat("street", cells.width * cells.height)
    assert counted["cuda"]
    assert counted["cuda"] == counted["cpu"]
    assert abs(int(heat["cuda"].sum()) - int(heat["cpu"].sum())) < 0.01 * heat["cpu"].sum()
    assert len(videos["cuda"]) == len(videos["cpu"])
    assert all(0.8 < mine / theirs < 1.25 for mine, theirs in zip(videos["cuda"], videos["cpu"], strict=True))
    assert host_cuda.calls["cuLaunchKernel"] > 500
    assert not host_cuda.held
