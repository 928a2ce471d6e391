"""What becomes of an engine that fits and that TensorRT does not load: set aside and built again, once. TensorRT and its builder are fakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.engine import EngineOptions, cached_engine, read_engine, resolve_engine
from edge.errors import DeviceError, EngineRefused, ModelError
from tests.unit.engine.caching import OLD, PLAN, Loader, build, engines, onnx

__all__ = ["build", "onnx"]


def refused(tmp_path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").glob("*.refused"))


def test_an_engine_that_fits_and_does_not_load_is_built_again(onnx, build, tmp_path):
    cached_engine(onnx, OLD, build=build)
    found = cached_engine(onnx, OLD, build=build, load=Loader(PLAN + b"\x01"))
    assert (found.engine.plan(), found.trouble) == (PLAN + b"\x02", "")
    assert engines(tmp_path) == [found.engine.path.name]
    assert refused(tmp_path) == []  # so that it may be renewed again, a year from now


def test_an_engine_that_does_not_load_is_built_again_once(onnx, build, tmp_path):
    cached_engine(onnx, OLD, build=build)
    with pytest.raises(EngineRefused, match=r"is no engine$"):
        cached_engine(onnx, OLD, build=build, load=Loader(None))
    for _ in range(2):
        with pytest.raises(EngineRefused, match=r"is no engine; it was built again already, in vain: .* delete .*\.refused"):
            cached_engine(onnx, OLD, build=build, load=Loader(None))
    assert build.made == 2
    assert len(engines(tmp_path)) == len(refused(tmp_path)) == 1
    assert cached_engine(onnx, OLD, build=build).engine.plan() == PLAN + b"\x02"  # what kept it from loading has passed
    assert refused(tmp_path) == []


def test_an_engine_that_cannot_be_built_again_stays(onnx, build, tmp_path):
    good = cached_engine(onnx, OLD, build=build)
    build.fails = "there is too little memory"
    with pytest.raises(ModelError, match="there is too little memory"):
        cached_engine(onnx, OLD, build=build, load=Loader(None))
    assert refused(tmp_path) == []
    assert cached_engine(onnx, OLD, build=build) == good


def test_the_last_good_engine_is_one_that_loads(onnx, build):
    first = cached_engine(onnx, OLD, build=build)
    onnx.write_bytes(b"a newer network")
    second = cached_engine(onnx, OLD, build=build)
    os.utime(first.engine.path, (1, 1))
    onnx.write_bytes(b"a still newer network")
    build.fails = "the builder was killed"
    assert cached_engine(onnx, OLD, build=build).engine == second.engine
    assert cached_engine(onnx, OLD, build=build, load=Loader(PLAN + b"\x02")).engine == first.engine


def test_what_another_process_built_meanwhile_is_not_set_aside(onnx, build, tmp_path):
    path = cached_engine(onnx, OLD, build=build).engine.path

    def load(engine) -> None:
        if engine.plan() == PLAN + b"\x01":
            build(onnx, path, EngineOptions(), on_progress=print)  # by another, before the lock is ours
            raise EngineRefused("it is no engine")

    assert cached_engine(onnx, OLD, build=build, load=load).engine.plan() == PLAN + b"\x02"
    assert build.made == 2


def test_a_fault_that_is_not_the_engines_costs_no_engine(onnx, build, tmp_path):
    good = cached_engine(onnx, OLD, build=build)

    def load(_) -> None:
        raise DeviceError("the GPU is out of memory")

    with pytest.raises(DeviceError, match="the GPU is out of memory"):
        cached_engine(onnx, OLD, build=build, load=load)
    assert build.made == 1
    assert cached_engine(onnx, OLD, build=build) == good


def test_an_engine_beside_it_that_does_not_load_is_left_where_it_is(onnx, build, caplog, tmp_path):
    build(onnx, Path("net.engine"), EngineOptions(), on_progress=print)
    found = resolve_engine("net", OLD, build=build, load=Loader(PLAN + b"\x01"))
    assert found.engine.path.parent == tmp_path / "cache"
    assert read_engine(Path("net.engine")).plan() == PLAN + b"\x01"
    assert "net.engine is not used: net.engine is no engine" in caplog.text
