"""Values of the stand-in `tensorrt`: enums, shapes, the logger that others derive from. What works with them is tensorrt.py's."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class Severity(IntEnum):
    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    VERBOSE = 4


class ILogger:
    Severity = Severity
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = Severity

    def __init__(self) -> None:
        self._made = True

    def log(self, severity: Severity, msg: str) -> None:
        raise NotImplementedError("Tried to call pure virtual function ILogger::log")


class DataType(IntEnum):
    FLOAT = 0
    HALF = 1
    INT8 = 2
    INT32 = 3


class TensorIOMode(IntEnum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


class TensorFormat(IntEnum):
    LINEAR = 0
    CHW2 = 1
    HWC8 = 2


class Dims:
    """Sizes; like the real one no tuple, but it can be walked."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = list(sizes)

    def __len__(self) -> int:
        return len(self._sizes)

    def __getitem__(self, axis: int) -> int:
        return self._sizes[axis]
