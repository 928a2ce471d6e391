"""How TensorRT's builder is led, over a stand-in that only remembers; the real one is in tests/flow/test_engine_build, the names in tests/architecture."""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from types import ModuleType, SimpleNamespace

import pytest

from edge.engine import EngineOptions, Progress, plan
from edge.engine.plan import build_plan, shapes_of, summary
from edge.errors import DeviceError, ModelError

TOLD = json.dumps(
    {
        "Layers": [
            {"LayerType": "CaskConvolution", "Outputs": [{"Format/Datatype": "Half"}]},
            {"LayerType": "CaskConvolution", "Outputs": [{"Format/Datatype": "Half"}]},
            {"LayerType": "PointWise", "Outputs": [{"Format/Datatype": "Float"}]},
        ]
    }
)


class Severity(IntEnum):
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class Plain:
    def __init__(self, *_: object) -> None:
        pass


@pytest.fixture
def trt(monkeypatch):
    """A `tensorrt` with as much as a build needs; attributes of the returned module make it fail, `seen` tells what it was asked."""
    module = ModuleType("tensorrt")
    module.seen = seen = {}
    module.errors, module.plan, module.engine_loads, module.profile_number = [], b"plan" * 100, True, 0

    class Logger(Plain):
        pass

    Logger.Severity = Severity

    class Profile:
        def set_shape(self, *shapes):
            seen["profile"] = shapes

    class Config:
        progress_monitor = None

        def set_memory_pool_limit(self, pool, limit):
            seen["workspace"] = limit

        def add_optimization_profile(self, profile):
            return module.profile_number

    class Builder:
        def __init__(self, logger):
            self.logger = logger

        def create_network(self, flags):
            seen["flags"] = flags
            return SimpleNamespace(num_layers=3, get_input=lambda number: SimpleNamespace(name="images"))

        def create_builder_config(self):
            return Config()

        def create_optimization_profile(self):
            return Profile()

        def build_serialized_network(self, network, config):
            monitor = config.progress_monitor
            monitor.phase_start("build", None, 2)
            assert monitor.step_complete("build", 0)
            monitor.phase_finish("build")
            self.logger.log(Severity.WARNING, "a remark")
            if module.plan is None:
                self.logger.log(Severity.ERROR, "no tactic\n for /model.0")
            return module.plan

    class Parser:
        def __init__(self, network, logger):
            self.num_errors = len(module.errors)

        def parse(self, onnx):
            return not module.errors

        def get_error(self, number):
            name, operator, text = module.errors[number]
            return SimpleNamespace(node_name=lambda: name, node=lambda: 7, node_operator=lambda: operator, desc=lambda: text)

    class Runtime(Plain):
        def deserialize_cuda_engine(self, plan):
            inspector = SimpleNamespace(get_engine_information=lambda form: TOLD)
            return SimpleNamespace(create_engine_inspector=lambda: inspector) if module.engine_loads else None

    module.__version__ = "10.3.0"
    module.ILogger, module.IProgressMonitor = Logger, Plain
    module.Builder, module.OnnxParser, module.Runtime = Builder, Parser, Runtime
    module.NetworkDefinitionCreationFlag = IntEnum("NetworkDefinitionCreationFlag", {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1})
    module.MemoryPoolType = SimpleNamespace(WORKSPACE=0)
    module.ProfilingVerbosity = SimpleNamespace(DETAILED=2)
    module.LayerInformationFormat = SimpleNamespace(JSON=1)
    monkeypatch.setitem(sys.modules, "tensorrt", module)
    monkeypatch.setattr(plan, "tensorrt", lambda: module)
    monkeypatch.setattr(plan, "gpu_facts", lambda: ("Orin", "8.7"))
    return module


SHAPE = (None, 3, 384, 640)


def test_a_build_is_strongly_typed_bounded_and_says_what_was_chosen(trt):
    heard: list[Progress] = []
    built = build_plan(b"onnx", SHAPE, EngineOptions(batch=(1, 8), workspace_mib=64), on_progress=heard.append)
    assert trt.seen["flags"] == 1 << 1
    assert trt.seen["workspace"] == 64 << 20
    assert trt.seen["profile"] == ("images", (1, 3, 384, 640), (8, 3, 384, 640), (8, 3, 384, 640))
    assert str(built.machine) == "tensorrt 10.3.0 on Orin (8.7)"
    assert built.shapes[2] == (8, 3, 384, 640)
    assert "3 layers in the network" in built.chosen
    assert "3 layers run; 2 CaskConvolution, 1 PointWise; 2 Half, 1 Float" in built.chosen
    assert heard[0].what == "build"


def test_a_fixed_network_has_no_profile(trt):
    build_plan(b"onnx", (1, 3, 384, 640), EngineOptions())
    assert "profile" not in trt.seen


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"errors": [("/model.5/Wobble", "Wobble", "no importer\nfound")]}, r"node '/model\.5/Wobble' \(Wobble\): no importer found"),
        ({"errors": [("", "", "cut")]}, r"node 'number 7' \(\?\): cut"),
        ({"plan": None}, r"could not build an engine: no tactic for /model\.0"),
        ({"engine_loads": False}, "was built and cannot be loaded"),
        ({"profile_number": -1}, "takes no batch of 1 to 4"),
    ],
)
def test_what_goes_wrong_is_one_sentence(trt, change, sentence):
    for name, value in change.items():
        setattr(trt, name, value)
    with pytest.raises(ModelError, match=sentence) as caught:
        build_plan(b"onnx", SHAPE, EngineOptions())
    assert "\n" not in str(caught.value)


def test_a_tensorrt_from_before_strong_types_is_too_old(trt):
    trt.NetworkDefinitionCreationFlag = IntEnum("NetworkDefinitionCreationFlag", {"EXPLICIT_BATCH": 0})
    trt.__version__ = "8.6.1"
    with pytest.raises(DeviceError, match=r"tensorrt 8\.6\.1 knows no strongly typed networks; TensorRT 10"):
        build_plan(b"onnx", SHAPE, EngineOptions())


def test_another_gpu_than_the_one_here_is_for_tensorrt_for_rtx(trt):
    with pytest.raises(ModelError, match="builds only for the GPU it runs on"):
        build_plan(b"onnx", SHAPE, EngineOptions(), compute_capability="8.9")


def test_a_batch_that_the_onnx_does_not_take_is_said():
    with pytest.raises(ModelError, match="takes exactly 2 pictures a call, and 1 to 4 were asked for"):
        shapes_of((2, 3, 384, 640), EngineOptions(batch=(1, 4)))
    assert shapes_of((2, 3, 384, 640), EngineOptions(batch=(2, 2)))[0] == (2, 3, 384, 640)


@pytest.mark.parametrize("told", ["", "[]", '{"Layers": 3}', '{"Layers": ["a name only"]}'])
def test_an_inspector_that_tells_little_stops_nothing(told):
    assert summary(told) in ("the engine tells nothing of its layers", "1 layers run")
