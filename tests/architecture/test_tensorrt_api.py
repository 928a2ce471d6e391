"""Nothing is called that one of the TensorRTs we run on lacks: our text against what NVIDIA's own bindings offer. Nothing is executed here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tensorrt_calls import FACTS, Uses, faults
from tests.conftest import ROOT

FILES = [
    "edge/tensorrt_api.py",
    "edge/backends/cuda/network.py",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "edge" / "engine").glob("*.py") if "trt" in path.read_text()),
]


@pytest.mark.parametrize("name", FILES)
def test_every_target_has_what_is_called_and_takes_it_as_it_is_called(name: str) -> None:
    uses = list(Uses((ROOT / name).read_text()))
    assert not [fault for use in uses for fault in faults(use)]


@pytest.mark.parametrize("name", FILES)
def test_nothing_of_tensorrt_is_taken_from_what_this_test_cannot_follow(name: str) -> None:
    assert Uses((ROOT / name).read_text()).strangers() == []


def test_the_network_is_really_looked_at() -> None:
    used = {use.member for name in FILES[:2] for use in Uses((ROOT / name).read_text())}
    assert {"Runtime.deserialize_cuda_engine", "ICudaEngine.get_tensor_profile_shape", "IExecutionContext.execute_async_v3"} <= used
    assert {"trt.ILogger", "trt.Runtime", "DataType.HALF", "TensorIOMode.INPUT", "TensorFormat.LINEAR"} <= used


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("config.set_flag(trt.BuilderFlag.FP16)", "tensorrt 11.4.0.106 has no BuilderFlag.FP16"),
        ("builder.platform_has_fast_fp16", "tensorrt_rtx 1.7.1.116 has no Builder.platform_has_fast_fp16"),
        ("config.num_compute_capabilities = 1", "tensorrt 10.3.0 has no IBuilderConfig.num_compute_capabilities"),
        ("runtime.deserialize_cuda_engine()", "tensorrt 10.3.0 calls it Runtime.deserialize_cuda_engine(serialized_engine) ->"),
        (
            "runtime.deserialize_cuda_engine(b'').create_execution_context().execute_async_v3(1, 2)",
            "calls it IExecutionContext.execute_async_v3",
        ),
        ("builder.create_network(flag=1)", "calls it Builder.create_network(flags=)"),
        ("trt.Runtime(None).deserialise(b'')", "has no Runtime.deserialise"),
    ],
)
def test_this_test_would_notice_a_call_that_a_target_lacks(line: str, fault: str) -> None:
    text = f"def f(trt, builder, config, runtime):\n    trt.DataType\n    {line}\n"
    found = [said for use in Uses(text) for said in faults(use)]
    assert any(fault in said for said in found), found


def test_what_is_asked_for_first_may_be_missing() -> None:
    text = "def f(trt, config):\n    if hasattr(trt.BuilderFlag, 'FP16'):\n        config.set_flag(trt.BuilderFlag.FP16)\n"
    assert not [said for use in Uses(text) for said in faults(use)]


@pytest.fixture(scope="module")
def bindings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of each version a folder from which its bindings can be imported; they are NVIDIA's own, over empty libraries."""
    folder = tmp_path_factory.mktemp("bindings")
    for version in FACTS["versions"]:
        module, number = version.split()
        script = ["bash", str(ROOT / "scripts" / "tensorrt_api_env.sh"), module, number, str(folder)]
        made = subprocess.run(script, env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True, check=False)
        if made.returncode and "No matching distribution" in made.stderr:
            pytest.skip(f"{version} has no bindings for this Python, or none can be had: {made.stderr.strip().splitlines()[-1]}")
        assert made.returncode == 0, made.stderr
    return {version: folder / version.split()[1] for version in FACTS["versions"]}


def python(folder: Path, *arguments: str) -> str:
    """What a Python that has the bindings of `folder` prints."""
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.system
@pytest.mark.timeout(600)
def test_the_table_is_what_nvidias_own_bindings_say(bindings: dict[str, Path], tmp_path: Path) -> None:
    script = str(ROOT / "scripts" / "tensorrt_facts.py")
    dumps = []
    for version, folder in bindings.items():
        dumps.append(tmp_path / f"{version}.json")
        dumps[-1].write_text(python(folder, script, "dump", version.split()[0]))
    assert json.loads(python(tmp_path, script, "merge", *map(str, dumps))) == FACTS


LOGGER = """
import importlib, sys
trt = importlib.import_module(sys.argv[1])
from edge.tensorrt_api import logger_of
log = logger_of(trt)
for severity in (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR, trt.ILogger.WARNING, trt.ILogger.INFO, trt.ILogger.VERBOSE):
    log.log(severity, f"{severity.name} was said")
print(*log.errors, sep=", ")
try:
    trt.Runtime(log)
except TypeError as error:
    print(error)
print({trt.DataType.FLOAT: "found"}[trt.DataType.FLOAT], tuple(trt.Dims([1, 2])))
"""


@pytest.mark.system
@pytest.mark.timeout(600)
def test_a_logger_of_ours_and_a_factory_that_makes_nothing_are_with_the_real_bindings_as_we_take_them(bindings: dict[str, Path]) -> None:
    for version, folder in bindings.items():
        said = python(folder, "-c", LOGGER, version.split()[0]).splitlines()
        assert said == [
            "INTERNAL_ERROR was said, ERROR was said",
            "pybind11::init(): factory function returned nullptr",
            "found (1, 2)",
        ], version
