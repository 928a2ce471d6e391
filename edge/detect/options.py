"""What a user can say about detection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectOptions:
    """Thresholds of a YOLO head. Low scores are kept on purpose: they hold tracks together when people hide one another."""

    conf: float = 0.1
    """Least score of a box."""
    iou: float = 0.7
    """Boxes of one class that overlap more are one object (non-maximum suppression)."""
    max_det: int = 300
    """Most boxes a frame."""
    imgsz: int | tuple[int, int] | None = None
    """Network size: [width, height], or the longer side of what the cameras' pictures need; null for the model's own, of a free one 640."""
    threads: int = 0
    """Threads of the CPU's network; 0 for one a core."""
    cuda_graph: bool = False
    """Record the GPU's network once and replay it, one launch instead of hundreds; needs cuda-python, and does without where it is not there."""

    def __post_init__(self) -> None:
        for name, value in (("conf", self.conf), ("iou", self.iou)):
            if not 0 < value <= 1:
                raise ValueError(f"{name} is {value:g}, it must be greater than 0 and at most 1")
        if not 1 <= self.max_det <= 10_000:
            raise ValueError(f"max_det is {self.max_det}, it must be 1 to 10000")
        if self.imgsz is not None:
            for side in self.imgsz if isinstance(self.imgsz, tuple) else (self.imgsz,):
                if not 32 <= side <= 4096 or side % 32:
                    raise ValueError(f"imgsz has a side of {side}, it must be a multiple of 32 from 32 to 4096")
        if self.threads < 0:
            raise ValueError(f"threads is {self.threads}, it must be 0 (one a core) or more")
