"""Puts the stand-in `tensorrt` where the product finds one, and makes engines for it. What it does with them is tensorrt_standin's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge.backends.plan import Plan
from edge.tensorrt_api import logger_of
from tests.cuda_host.driver import StandIn
from tests.cuda_host.tensorrt_standin import plans

FOLDER = Path(__file__).parent / "tensorrt_standin"
NAMES = ("person", "dog")


def plan_of(onnx: bytes = b"", *, name: str = "test.engine", class_names: tuple[str, ...] = NAMES, **how: Any) -> Plan:
    """An engine for the stand-in: of an ONNX, or one that sees the bright rectangle of a picture. `how` is `plans.pack`'s."""

    if not onnx:
        how = {"network": (320, 320), "head": (6, 10), **how}
    return Plan(name, plans.pack(onnx, **how), class_names, "tensorrt")


@contextmanager
def tensorrt_standin() -> Iterator[Any]:
    """The stand-in where the product imports TensorRT; `host_tensorrt` is a test's own, and asks it at the end what it noticed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        _forget()
        import tensorrt

        try:
            yield tensorrt
        finally:
            _forget()


def _forget() -> None:
    """Nobody remembers a TensorRT that was imported before."""
    sys.modules.pop("tensorrt", None)
    logger_of.cache_clear()


@pytest.fixture
def host_tensorrt(host_cuda: StandIn) -> Iterator[ModuleType]:
    """The stand-in, fresh; what it noticed, and what of it is left over at the end, fails the test."""
    with tensorrt_standin() as module:
        yield module
        assert not module.misuse, module.misuse
        assert not module.alive, module.alive
