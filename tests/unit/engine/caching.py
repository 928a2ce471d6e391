"""A network, a cache and a builder for tests of the cache: TensorRT's part is played here, nothing is tested."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.engine import EngineFacts, Machine, read_engine, write_engine
from edge.engine.file import sha256_of
from edge.errors import EngineRefused, ModelError

OLD = Machine("tensorrt", "10.3.0", "Orin", "8.7")
NEW = replace(OLD, tensorrt_version="10.16.1")
PLAN = b"plan" * 100


class Builder:
    """Stands in for TensorRT: an engine that says when it was made, or a failure."""

    def __init__(self, machine: Machine = OLD) -> None:
        self.machine, self.fails, self.made = machine, "", 0

    def __call__(self, onnx, out, options, *, on_progress):
        if self.fails:
            raise ModelError(self.fails)
        self.made += 1
        here = self.machine
        facts = EngineFacts(
            sha256_of(onnx), here.tensorrt, here.tensorrt_version, here.gpu, here.compute_capability, options.precision or "fp16"
        )
        write_engine(out, facts, PLAN + bytes([self.made]))
        return read_engine(out)


@pytest.fixture
def onnx(tmp_path, monkeypatch) -> Path:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))
    path = Path("net.onnx")
    path.write_bytes(b"a network")
    return path


@pytest.fixture
def build() -> Builder:
    return Builder()


def engines(tmp_path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").iterdir() if path.suffix == ".engine")


class Loader:
    """Stands in for TensorRT, which refuses some plans (all of them, if `refuses` is None)."""

    def __init__(self, *refuses: bytes | None) -> None:
        self.refuses, self.tried = refuses, []

    def __call__(self, engine) -> None:
        self.tried.append(engine.plan())
        if None in self.refuses or engine.plan() in self.refuses:
            raise EngineRefused(f"{engine.path.name} is no engine")
