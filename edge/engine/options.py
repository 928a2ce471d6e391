"""What a user says about making model files. Nothing is made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How weights become an ONNX: of one fixed size, without suppression inside."""

    imgsz: tuple[int, int] = (640, 640)
    """(width, height) of the network's picture; each a multiple of 32."""
    free_batch: bool = False
    """Any number of pictures a call, instead of one."""

    def __post_init__(self) -> None:
        for side in self.imgsz:
            if not 32 <= side <= 4096 or side % 32:
                raise ValueError(f"imgsz has a side of {side}, it must be a multiple of 32 from 32 to 4096, as in 640 or 640x384")


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an ONNX becomes a TensorRT engine."""

    precision: Precision | None = None
    """fp32, fp16 or int8; null for what the ONNX is quantised to, else fp16. int8 needs an ONNX that `edge build --precision int8` made."""
    batch: tuple[int, int] | None = None
    """[least, most] pictures a call, for an ONNX whose batch is free; null for 1 to 4."""
    workspace_mib: int = 1024
    """Most memory that one layer may use while it is tried and while it runs."""

    def __post_init__(self) -> None:
        if self.precision not in (None, "fp32", "fp16", "int8"):
            raise ValueError(f"precision is {self.precision!r}, it must be fp32, fp16 or int8")
        if self.batch is not None and not 1 <= self.batch[0] <= self.batch[1] <= 64:
            raise ValueError(f"batch is {list(self.batch)}, it must be [least, most] with 1 <= least <= most <= 64")
        if not 16 <= self.workspace_mib <= 65_536:
            raise ValueError(f"workspace_mib is {self.workspace_mib}, it must be 16 to 65536")


@dataclass(frozen=True, slots=True)
class GateOptions:
    """How far an INT8 network may be from the one it was made of, on frames that it was not calibrated on."""

    conf: float = 0.25
    """Boxes of at least this score must be found again by the other, with half of it or more."""
    iou: float = 0.5
    """Two boxes of one class that overlap so much are the same."""
    least_boxes: int = 50
    """Fewer boxes than this in all frames together prove nothing."""
    least_found: float = 0.95
    """Share of all boxes that both have."""
    most_score_shift: float = 0.05
    """Mean absolute difference between the scores of boxes that both have."""
    most_count_difference: float = 0.1
    """Difference between the numbers of boxes a frame, summed over frames, as a share of all boxes."""

    def __post_init__(self) -> None:
        for name in ("conf", "iou", "least_found", "most_score_shift", "most_count_difference"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name):g}, it must be greater than 0 and at most 1")
        if self.least_boxes < 1:
            raise ValueError(f"least_boxes is {self.least_boxes}, it must be at least 1")
