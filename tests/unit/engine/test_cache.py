"""Which engine a device starts with: the one that fits, a new one, the last good one. The builder is a fake here; processes and locks are real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edge.engine import EngineFacts, EngineOptions, cached_engine, resolve_engine, write_engine
from edge.errors import ModelError
from tests.unit.engine.caching import NEW, OLD, PLAN, build, engines, onnx

__all__ = ["build", "onnx"]
ROOT = Path(__file__).parents[3]


def test_an_engine_is_built_on_first_use_and_found_again(onnx, build, tmp_path):
    first = cached_engine(onnx, OLD, build=build)
    assert (first.trouble, first.engine.plan()) == ("", PLAN + b"\x01")
    assert cached_engine(onnx, OLD, build=build) == first
    assert build.made == 1
    assert engines(tmp_path) == [first.engine.path.name]


@pytest.mark.parametrize("what", ["machine", "network", "precision", "batch"])
def test_another_fingerprint_is_another_engine(onnx, build, tmp_path, what):
    cached_engine(onnx, OLD, build=build)
    machine, options = OLD, EngineOptions()
    if what == "machine":
        machine = build.machine = NEW
    elif what == "network":
        onnx.write_bytes(b"another network")
    elif what == "precision":
        options = EngineOptions(precision="fp32")
    else:
        options = EngineOptions(batch=(1, 2))
    cached_engine(onnx, machine, options, build=build)
    assert build.made == 2
    assert len(engines(tmp_path)) == 2


def test_after_an_upgrade_and_back_the_old_engine_is_still_there(onnx, build):
    old = cached_engine(onnx, OLD, build=build)
    build.machine = NEW
    cached_engine(onnx, NEW, build=build)
    build.fails = "nothing must be built"
    assert cached_engine(onnx, OLD, build=build) == old


def test_a_device_is_not_filled_with_old_engines(onnx, build, tmp_path):
    for number in range(7):
        build.machine = replace(OLD, tensorrt_version=f"10.{number}")
        newest = cached_engine(onnx, build.machine, build=build)
        os.utime(newest.engine.path, (number, number))
    assert len(engines(tmp_path)) == 4
    assert newest.engine.path.name in engines(tmp_path)


def test_a_damaged_engine_is_built_again(onnx, build, caplog):
    path = cached_engine(onnx, OLD, build=build).engine.path
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert cached_engine(onnx, OLD, build=build).engine.plan() == PLAN + b"\x02"
    assert "is damaged" in caplog.text


def test_a_clock_that_is_wrong_costs_no_new_engine(onnx, tmp_path, build):
    for number in range(5):
        build.machine = replace(OLD, tensorrt_version=f"10.{number}")
        cached_engine(onnx, build.machine, build=build)
    build.machine = NEW

    def long_ago(*arguments, **how):
        engine = build(*arguments, **how)
        os.utime(engine.path, (9, 9))
        return engine

    found = cached_engine(onnx, NEW, build=long_ago)
    assert found.engine.plan()
    assert len(engines(tmp_path)) == 4


def test_when_a_build_fails_the_last_good_engine_that_fits_is_used_and_it_is_said(onnx, build):
    good = cached_engine(onnx, OLD, build=build)
    onnx.write_bytes(b"a newer network")
    build.fails = "the builder was killed"
    found = cached_engine(onnx, OLD, build=build)
    assert found.engine == good.engine
    assert found.trouble == (
        f"the builder was killed. Meanwhile the last good engine is used, {good.engine.path.name}, which was made of another version of"
        " this model"
    )


def test_the_last_good_engine_of_another_system_or_name_is_none(onnx, build):
    cached_engine(onnx, OLD, build=build)
    Path("net-2.onnx").write_bytes(b"another")
    build.machine = NEW
    cached_engine(Path("net-2.onnx"), NEW, build=build)
    build.fails = "the builder was killed"
    with pytest.raises(ModelError, match="the builder was killed"):
        cached_engine(onnx, NEW, build=build)


def test_a_read_only_cache_serves_what_it_has(onnx, build, monkeypatch):
    good = cached_engine(onnx, OLD, build=build)

    def read_only(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    assert cached_engine(onnx, OLD, build=build) == good
    with pytest.raises(ModelError, match=r"cannot be written \(Read-only file system\); set EDGE_CACHE"):
        cached_engine(onnx, NEW, build=build)
    onnx.write_bytes(b"a newer network")
    assert cached_engine(onnx, OLD, build=build).trouble.endswith("which was made of another version of this model")


def test_a_cache_that_cannot_be_made_is_said(onnx, build, monkeypatch):
    monkeypatch.setenv("EDGE_CACHE", str(onnx / "cache"))
    with pytest.raises(ModelError, match=r"an engine must be built, and the cache .* cannot be written .*EDGE_CACHE"):
        cached_engine(onnx, OLD, build=build)


HOLDER = """
import json, pathlib, sys, time
from edge.engine import EngineFacts, Machine, cached_engine, read_engine, write_engine
onnx, log, nap_s = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), float(sys.argv[3])
def build(onnx, out, options, *, on_progress):
    (out.parent / ".build-halfway").mkdir()
    with log.open("a") as file: file.write("build\\n")
    time.sleep(nap_s)
    (out.parent / ".build-halfway").rmdir()
    write_engine(out, EngineFacts(), b"p" * 100)
    return read_engine(out)
cached_engine(onnx, Machine("tensorrt", "10.3.0", "Orin", "8.7"), build=build)
print(json.dumps("done"))
"""


def holder(onnx, log, nap_s: float) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(onnx), str(log), str(nap_s)], stdout=subprocess.PIPE, text=True, env=environment
    )


def test_of_processes_that_start_together_one_builds_and_all_have_the_engine(onnx, tmp_path):
    log = tmp_path / "log"
    together = [holder(onnx, log, 0.7) for _ in range(3)]
    assert [json.loads(process.communicate(timeout=60)[0]) for process in together] == ["done"] * 3
    assert log.read_text() == "build\n"


def test_a_builder_that_was_killed_leaves_neither_lock_nor_litter(onnx, tmp_path, build, eventually):
    log = tmp_path / "log"
    with holder(onnx, log, 60) as process:
        assert eventually(log.exists, 30)
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "cache" / ".build-halfway").is_dir()
    began_s = time.monotonic()
    assert cached_engine(onnx, OLD, build=build).engine.plan()
    assert time.monotonic() - began_s < 30
    assert not list((tmp_path / "cache").glob(".build-*"))


def test_an_engine_is_itself_if_it_fits(onnx, build):
    path = Path("any.engine")
    write_engine(path, replace(EngineFacts(), tensorrt="tensorrt", tensorrt_version="10.3.0"), PLAN)
    assert resolve_engine("any.engine", OLD, build=build).engine.path == path
    with pytest.raises(ModelError, match=r"any\.engine cannot run here: .*10\.16\.1.*; give the \.onnx"):
        resolve_engine("any.engine", NEW, build=build)


@pytest.mark.parametrize("name", ["net", "net.pt", "net.onnx"])
def test_a_name_means_the_engine_beside_it(onnx, build, name):
    build(onnx, Path("net.engine"), EngineOptions(), on_progress=print)
    assert resolve_engine(name, OLD, build=build).engine.path == Path("net.engine")
    assert build.made == 1


def test_an_engine_needs_no_network_beside_it(build, onnx):
    build(onnx, Path("net.engine"), EngineOptions(), on_progress=print)
    onnx.unlink()
    assert resolve_engine("net", OLD, build=build).engine.path == Path("net.engine")


@pytest.mark.parametrize("why", ["it was made for", "not made of the net.onnx beside it", "it is fp16, and fp32 is wanted", "is cut"])
def test_an_engine_beside_it_that_does_not_fit_is_said_and_another_is_built(onnx, build, why, caplog, tmp_path):
    options = EngineOptions()
    build(onnx, Path("net.engine"), options, on_progress=print)
    machine = OLD
    if "made for" in why:
        machine = build.machine = NEW
    elif "beside" in why:
        onnx.write_bytes(b"another network")
    elif "wanted" in why:
        options = EngineOptions(precision="fp32")
    else:
        Path("net.engine").write_bytes(Path("net.engine").read_bytes()[:-9])
    found = resolve_engine("net", machine, options, build=build)
    assert found.engine.path.parent == tmp_path / "cache"
    assert f"net.engine is not used: {why}" in caplog.text or why in caplog.text


def test_a_model_that_is_not_there_is_said(onnx, build):
    with pytest.raises(ModelError, match=r"no model file other\.onnx"):
        resolve_engine("other.onnx", OLD, build=build)
