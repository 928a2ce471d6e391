"""What a user says about recorded video. Nothing is written here, and no vendor is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """How one camera's pictures are kept as video: segments in ``folder/camera/``, the oldest deleted when room runs out."""

    folder: Path | None = None
    """Where the cameras' folders are, made when missing; null for `video` in the state folder."""

    segment_s: float = 600.0
    """Length of one file, in seconds of the camera's time."""

    max_bytes: int = 10_000_000_000
    """Bytes that one camera's segments may take together; the one being written may pass it by a second of video."""

    free_floor_bytes: int = 1_000_000_000
    """Free space to leave on the disk for everything else; below it the oldest segments of all cameras go, then recording stops."""

    max_fps: float | None = None
    """At most so many pictures a second are kept; silent: all."""

    max_height: int | None = None
    """Higher pictures are scaled down to so many pixels of height; silent: as they come."""

    encoder: Literal["auto", "nvenc", "x264"] = "auto"
    """Who encodes: nvenc (a Jetson's own encoder; an Orin Nano has none), x264 (the processor), or auto for nvenc where it works."""

    crf: int = 26
    """x264's constant rate factor, nvenc's constant quantiser: lower is better and larger, 18 looks lossless, 35 is poor."""

    preset: str = "ultrafast"
    """x264's preset: slower ones save disk and cost processor."""

    def __post_init__(self) -> None:
        if self.folder is not None:
            object.__setattr__(self, "folder", Path(self.folder))
        if not 2 <= self.segment_s <= 86_400:
            raise ValueError(f"segment_s must be 2 seconds to a day (86400), here it is {self.segment_s}")
        if self.max_bytes < 1_000_000:
            raise ValueError(f"max_bytes must be at least 1000000, a few seconds of video; here it is {self.max_bytes}")
        if self.free_floor_bytes < 0:
            raise ValueError(f"free_floor_bytes must be 0 or more, here it is {self.free_floor_bytes}")
        if self.max_fps is not None and not 0.1 <= self.max_fps <= 240:
            raise ValueError(f"max_fps must be 0.1 to 240, here it is {self.max_fps}; leave it out to keep every picture")
        if self.max_height is not None and self.max_height < 64:
            raise ValueError(f"max_height must be at least 64 px, here it is {self.max_height}; leave it out to keep the size")
        if self.encoder not in ("auto", "nvenc", "x264"):
            raise ValueError(f"encoder must be auto, nvenc or x264, here it is {self.encoder!r}")
        if not 0 <= self.crf <= 51:
            raise ValueError(f"crf must be 0 to 51, here it is {self.crf}; 26 is usual")
        if self.preset not in PRESETS:
            raise ValueError(f"preset {self.preset!r} is none of x264's that keep up with a camera; write one of {', '.join(PRESETS)}")
