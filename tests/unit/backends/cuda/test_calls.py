"""What is said where pycuda or its driver is missing. What is said when calls fail is tests/cuda_host's."""

from __future__ import annotations

import importlib.abc
import sys

import pytest

from edge.backends.cuda import calls
from edge.backends.cuda.calls import driver
from edge.errors import DeviceError


class Refusing(importlib.abc.MetaPathFinder):
    """Nobody finds pycuda any more; the reason is given."""

    def __init__(self, error: ImportError) -> None:
        self._error = error

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == "pycuda":
            raise self._error


@pytest.mark.parametrize(
    ("error", "library", "said"),
    [
        (ModuleNotFoundError("No module named 'pycuda'"), True, r"pycuda is not installed here; install it .*`backend: cpu`"),
        (ImportError("libcuda.so.1: cannot open shared object file"), False, "no CUDA driver here .*; install NVIDIA's driver, or choose"),
        (ImportError("undefined symbol: cuArrayCreate_v2"), False, "no CUDA driver here"),  # pycuda as scripts/pycuda.sh builds it
        (
            ImportError("undefined symbol: cuCtxCreate_v4"),
            True,
            r"pycuda cannot be loaded \(undefined symbol: cuCtxCreate_v4\); build it again",
        ),
    ],
)
def test_what_is_missing_is_one_sentence(error: ImportError, library: bool, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "driver_is_here", lambda: library)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pycuda"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Refusing(error), *sys.meta_path])
    with pytest.raises(DeviceError, match=said):
        driver()
