"""What a user says about making a model file. Nothing is made here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How weights become an ONNX: of one fixed size, for one picture a call, without suppression inside."""

    imgsz: tuple[int, int] = (640, 640)
    """(width, height) of the network's picture; each a multiple of 32."""

    def __post_init__(self) -> None:
        for side in self.imgsz:
            if not 32 <= side <= 4096 or side % 32:
                raise ValueError(f"imgsz has a side of {side}, it must be a multiple of 32 from 32 to 4096, as in 640 or 640x384")
