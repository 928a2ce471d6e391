"""What tests on a GPU share: their mark, the GPU, an engine, figures for the report. No test lives here.

Without a GPU each is skipped by its name (tests/conftest.py). With one nothing is: a missing TensorRT or pycuda is an error, for
`make test-device` installs them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pytest

from edge.data import Frame, HostPixels
from edge.engine import EngineFile
from edge.sources import open_source
from tests.conftest import gpus

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.device)


@pytest.fixture(scope="session")
def gpu_facts() -> dict[str, Any]:
    """What the driver says of the first GPU: name, compute_capability, integrated, memory in bytes."""
    first: dict[str, Any] = gpus()["devices"][0]
    return first


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str, float], None]:
    """`figures(name, value)` puts a figure into the report; its unit stands in its name."""
    return lambda name, value: record_property(name, round(value, 4))


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this session's compiled kernels are kept: a folder of its own, so that they are really compiled."""
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="session")
def gpu(gpu_facts: dict[str, Any], kernels: Path) -> Iterator[Any]:
    """The GPU, open as the product opens it."""
    from edge.backends import gpu_of

    with gpu_of("cuda", kernels) as opened:
        yield opened


@pytest.fixture(scope="session")
def onnx() -> Path:
    """A model to build engines of: the one in the box, else a YOLO11n that lies beside the repository."""
    for path in (ROOT / "models" / "plaza.onnx", _shared() / "models" / "yolo11n.onnx"):
        if path.is_file():
            return path
    pytest.fail("there is no model to build an engine of: neither models/plaza.onnx nor a yolo11n.onnx in EDGE_SHARED/models")


@pytest.fixture(scope="session")
def built(onnx: Path, gpu_facts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], EngineFile]:
    """`built(precision)` -> the engine of `onnx` in that precision (fp32 or fp16), made once a session by the product's own builder."""
    from edge.engine import EngineOptions, build_engine

    folder = tmp_path_factory.mktemp("engines")

    @cache
    def build(precision: Literal["fp32", "fp16"]) -> EngineFile:
        return build_engine(onnx, folder / f"{onnx.stem}-{precision}.engine", EngineOptions(precision=precision))

    return build


@pytest.fixture(scope="session")
def pictures(onnx: Path) -> list[Frame]:
    """40 frames in which `onnx` finds people: of a real street where there is one beside the repository, else of the synthetic plaza."""
    street = _shared() / "video" / "pets-s2l1.mp4"
    uri = str(street) if street.is_file() else "synthetic://plaza?size=1280x720&fps=5&seconds=8&people=20"
    with open_source(uri, camera="street") as source:
        return [Frame(frame.stamp, HostPixels(frame.bgr.copy())) for frame in islice(source, 40)]


def _shared() -> Path:
    return Path(os.environ.get("EDGE_SHARED") or ROOT.parent / "shared")
