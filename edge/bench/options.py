"""What a measurement is told. Nothing is measured here, and no vendor is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.data import Size

_SIZE = Size(1280, 720)
_HD, _UHD = Size(1920, 1080), Size(3840, 2160)


@dataclass(frozen=True, slots=True)
class Theirs:
    """Whose work stands beside ours."""

    python: Path
    """An interpreter whose environment has Ultralytics."""
    compat: Path | None = None
    """A Python file that is run there before Ultralytics is imported, for an environment that is not whole."""


@dataclass(frozen=True, slots=True)
class FrameBench:
    """CPU time of one frame without its network."""

    size: Size = _SIZE
    """Of the picture, in pixels."""
    people: int = 20
    """Who walk through it."""
    frames: int = 600
    """So many are measured, in all blocks together."""
    warmup: int = 150
    """Frames before them that are not: tracks confirm, heat gathers."""
    blocks: int = 6
    """Ours and theirs take turns in so many pieces, so that a busy minute of the machine falls on both."""

    def __post_init__(self) -> None:
        _check_size(self.size)
        _check_count("people", self.people, 0, 500)
        _check_count("frames", self.frames, 2, 1_000_000)
        _check_count("warmup", self.warmup, 0, 1_000_000)
        _check_count("blocks", self.blocks, 1, self.frames)


@dataclass(frozen=True, slots=True)
class TrackBench:
    """CPU time of tracking alone."""

    people: tuple[int, ...] = (5, 20, 50, 200)
    frames: int = 300
    warmup: int = 60
    blocks: int = 6

    def __post_init__(self) -> None:
        if not self.people:
            raise ValueError("people is empty, it must be one or more numbers, as in 5 20 50")
        for people in self.people:
            _check_count("people", people, 0, 500)
        _check_count("frames", self.frames, 2, 1_000_000)
        _check_count("warmup", self.warmup, 0, 1_000_000)
        _check_count("blocks", self.blocks, 1, self.frames)


@dataclass(frozen=True, slots=True)
class PipelineBench:
    """Frames a second of everything around a detector."""

    detector_ms: float = 4.5
    """How long the stand-in detector sleeps: a network on an accelerator, off the CPU."""
    size: Size = _SIZE
    people: int = 20
    seconds: float = 4.0
    """Of one round, after `warmup_s`."""
    warmup_s: float = 1.5
    rounds: int = 2
    """The detector alone and the whole pipeline take turns so often."""

    def __post_init__(self) -> None:
        _check_size(self.size)
        _check_count("people", self.people, 0, 500)
        _check_count("rounds", self.rounds, 1, 1000)
        if not 0 < self.detector_ms <= 10_000:
            raise ValueError(f"detector_ms is {self.detector_ms:g}, it must be greater than 0 and at most 10000")
        for name, value in (("seconds", self.seconds), ("warmup_s", self.warmup_s)):
            if not 0 < value <= 3600:
                raise ValueError(f"{name} is {value:g}, it must be greater than 0 and at most 3600")


@dataclass(frozen=True, slots=True)
class RunBench:
    """A whole run over a file: frames a second, import time, memory."""

    source: Path
    model: Path
    threads: int = 0
    """Of the network; 0 for one a core, the same for both."""
    frames: int = 200
    """At most so many of the file; 0 for all."""
    rounds: int = 2
    """Ours and theirs run over them in turns so often, each in a new process."""

    def __post_init__(self) -> None:
        for name in ("source", "model"):
            if not getattr(self, name).is_file():
                raise ValueError(f"{name} is {getattr(self, name)}, and there is no such file")
        _check_count("threads", self.threads, 0, 1024)
        _check_count("frames", self.frames, 0, 10**9)
        _check_count("rounds", self.rounds, 1, 1000)


@dataclass(frozen=True, slots=True)
class KernelBench:
    """What the GPU's kernels take."""

    size: Size = _HD
    """Of one picture."""
    many_size: Size = _UHD
    many: int = 16
    """So many pictures of `many_size` are more than any cache holds."""
    sizes: tuple[Size, ...] = (Size(640, 480), _SIZE, _HD)
    batches: tuple[int, ...] = (1, 4)
    """Whole frames of these sizes, of so many cameras at once."""
    launches: int = 50
    """In one round, one behind the other."""
    repeats: int = 15
    """Rounds; the median counts."""
    copied_mb: int = 512
    """What a copy, by which the rest is measured, moves."""
    summed: tuple[str, ...] = ("letterbox_f32", "head_raw_f32", "blur", "tint", "paint")
    """What a frame with a redraw needs, the dearer kind of each."""

    def __post_init__(self) -> None:
        for size in (self.size, self.many_size, *self.sizes):
            _check_size(size)
        for name, least, most in (("many", 1, 64), ("launches", 1, 500), ("repeats", 1, 1000), ("copied_mb", 1, 8192)):
            _check_count(name, getattr(self, name), least, most)
        for batch in self.batches:
            _check_count("batches", batch, 1, 64)


@dataclass(frozen=True, slots=True)
class DrainBench:
    """An outbox of so many messages to a broker, beside a bare client."""

    messages: int = 50_000
    """What waits."""
    in_flight: int = 20
    """Unacknowledged at once, of both."""
    protocol: Literal["5", "3.1.1"] = "5"
    rounds: int = 2
    """The bare client and the product take turns so often."""

    def __post_init__(self) -> None:
        _check_count("messages", self.messages, 100, 10_000_000)
        _check_count("in_flight", self.in_flight, 1, 1000)
        _check_count("rounds", self.rounds, 1, 1000)


def _check_size(size: Size) -> None:
    if not (64 <= size.width <= 4096 and 64 <= size.height <= 4096 and size.width % 2 == size.height % 2 == 0):
        raise ValueError(f"size is {size}, each side must be an even number of pixels from 64 to 4096, as in 1280x720")


def _check_count(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}, it must be {least} to {most}")
