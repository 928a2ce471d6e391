"""Puts the stand-in `tensorrt` where the product finds one, and makes engines for it. What it does with them is tensorrt_standin's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge.backends.cuda import network
from edge.backends.plan import Plan
from tests.cuda_host.driver import StandIn

FOLDER = Path(__file__).parent / "tensorrt_standin"
NAMES = ("person", "dog")


def plan_of(onnx: bytes = b"", *, name: str = "test.engine", class_names: tuple[str, ...] = NAMES, **how: Any) -> Plan:
    """An engine for the stand-in: of an ONNX, or one that sees the bright rectangle of a picture. `how` is `plans.pack`'s."""
    import plans

    if not onnx:
        how = {"network": (320, 320), "head": (6, 10), **how}
    return Plan(name, plans.pack(onnx, **how), class_names, "tensorrt")


@pytest.fixture
def host_tensorrt(host_cuda: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The stand-in, fresh; what it noticed, and what of it is left over at the end, fails the test."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("tensorrt", "plans"):
        sys.modules.pop(name, None)
    for remembered in (network.tensorrt, network._log_of):
        remembered.cache_clear()
    import tensorrt

    yield tensorrt
    misuse, alive = list(tensorrt.misuse), list(tensorrt.alive)
    tensorrt.forget()
    for name in ("tensorrt", "plans"):
        sys.modules.pop(name, None)
    for remembered in (network.tensorrt, network._log_of):
        remembered.cache_clear()
    assert not misuse, misuse
    assert not alive, alive
