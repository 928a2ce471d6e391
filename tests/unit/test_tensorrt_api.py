"""Which TensorRT is imported, and what is said where none can be. What its logger does with words is in tests/cuda_host."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge.errors import DeviceError
from edge.tensorrt_api import MODULES, tensorrt, tensorrt_here


@pytest.fixture(autouse=True)
def none_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, None)


def test_a_machine_without_it_is_told_where_it_comes_from() -> None:
    assert tensorrt_here() == ""
    with pytest.raises(DeviceError, match=r"tensorrt or tensorrt_rtx is not installed here; a Jetson has it from JetPack .*`backend: cpu`"):
        tensorrt()
    with pytest.raises(DeviceError, match=r"^tensorrt_rtx is not installed"):
        tensorrt("tensorrt_rtx")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise ImportError('libnvinfer.so.10: cannot open')", r"tensorrt_rtx cannot be loaded \(libnvinfer.*must belong together"),
        ("raise OSError('no driver')", r"tensorrt_rtx cannot be loaded \(no driver\)"),
        ("import tensorrt_libs_that_are_missing", r"tensorrt_rtx cannot be loaded \(No module named .*install it again"),
    ],
)
def test_one_that_cannot_be_loaded_says_why(program: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tensorrt_rtx.py").write_text(program)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorrt_rtx")
    assert tensorrt_here() == "tensorrt_rtx"
    with pytest.raises(DeviceError, match=said):
        tensorrt()
