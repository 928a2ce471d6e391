"""A device whose engine must be built before it can count: what its `status` says meanwhile, and what it starts with. GPU and builder are fakes."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.app import RunOptions, running
from edge.config import parse
from edge.engine import EngineFacts, Found, Machine, Progress, read_engine, write_engine
from edge.errors import ModelError

HERE = Machine("tensorrt", "10.3.0", "Orin", "8.7")


class Nobody:
    """A detector that sees nobody."""

    names, batch = ("person",), 1

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def detect(self, frames):
        raise AssertionError("nothing is to run in these tests")


class Gpu:
    """One that has its kernels."""

    def compile(self) -> None:
        pass


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    """`gpu(resolve)` makes a GPU that `resolve` finds engines for; the models that were opened are in the returned list."""
    opened: list[str] = []

    def stand_in(resolve):
        @contextmanager
        def gpu_of(backend, kernels):
            yield Gpu()

        def detector_of(model, options, *, gpu=None, class_names=(), model_for=None):
            opened.append("cpu" if gpu is None else model.name)
            return Nobody()

        monkeypatch.setattr("edge.app.model.gpu_of", gpu_of)
        monkeypatch.setattr("edge.app.model.detector_of", detector_of)
        monkeypatch.setattr("edge.engine.this_machine", lambda: HERE)
        monkeypatch.setattr("edge.engine.resolve_engine", resolve)
        return opened

    return stand_in


@pytest.fixture
def configuration(tmp_path, mosquitto):
    Path(tmp_path / "net.onnx").write_bytes(b"a network")

    def of(**more: object):
        whole = {
            "device": "gate",
            "state": str(tmp_path / "state"),
            "model": str(tmp_path / "net.onnx"),
            "mqtt": {"url": mosquitto.url},
            "cameras": {"door": {"source": "synthetic://plaza"}},
            **more,
        }
        return parse(json.dumps(whole), "the test")

    return of


def engine(folder: Path) -> Found:
    write_engine(folder / "net.engine", EngineFacts(names=("person",)), b"plan" * 100)
    return Found(read_engine(folder / "net.engine"))


def test_status_says_warming_with_progress_then_online(gpu, configuration, mosquitto, subscriber, tmp_path):
    ear = subscriber(mosquitto.port)

    def statuses():
        return [json.loads(payload) for payload in ear.payloads("/status")]

    def resolve(model, machine, options, *, on_progress, load):
        assert (model, machine, options.workspace_mib) == (str(tmp_path / "net.onnx"), HERE, 512)
        on_progress(Progress(0.25, 90.0, "Timing"))
        assert ear.wait(lambda _: any(said["state"] == "warming" for said in statuses()))
        found = engine(tmp_path)
        load(found.engine)
        return found

    opened = gpu(resolve)
    with running(configuration(engine={"workspace_mib": 512}), RunOptions()):
        assert ear.wait(lambda _: statuses()[-1]["state"] == "online" and len(statuses()) >= 2)
    warming, online = (
        [said for said in statuses() if said["state"] == "warming"],
        [said for said in statuses() if said["state"] == "online"],
    )
    assert [(said["share"], said["left_s"]) for said in warming] == [(0.25, 90.0)]
    assert online[-1]["trouble"] == ""
    assert set(opened) == {str(tmp_path / "net.engine")}


def test_a_device_that_starts_with_its_last_good_engine_says_so(gpu, configuration, mosquitto, subscriber, tmp_path):
    opened = gpu(lambda *_, **__: Found(engine(tmp_path).engine, "the builder was killed. Meanwhile the last good engine is used"))
    ear = subscriber(mosquitto.port)
    with running(configuration(), RunOptions()):
        assert ear.wait(lambda _: any(b"last good engine" in payload for payload in ear.payloads("/status")))
    assert set(opened) == {str(tmp_path / "net.engine")}


def test_a_device_without_any_engine_counts_on_its_cpu_and_says_so(gpu, configuration, mosquitto, subscriber):
    def resolve(*_: object, **__: object):
        raise ModelError("the builder was killed")

    opened = gpu(resolve)
    ear = subscriber(mosquitto.port)
    with running(configuration(), RunOptions()):
        assert ear.wait(lambda _: any(b"runs on the CPU: the builder was killed" in payload for payload in ear.payloads("/status")))
    assert opened == ["cpu"]


def test_who_asked_for_the_gpu_is_told_why_it_cannot_be(gpu, configuration):
    def resolve(*_: object, **__: object):
        raise ModelError("the builder was killed")

    gpu(resolve)
    with pytest.raises(ModelError, match="the builder was killed"), running(configuration(backend="cuda"), RunOptions()):
        pass
