"""The painter on this GPU: the CPU's pictures, frame by frame; no memory lost; what a picture takes. What every painter promises is tests/contracts'."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.backends.cpu.painter import CpuPainter
from edge.backends.cuda.calls import driver
from edge.backends.cuda.painter import CudaPainter
from edge.data import Frame, HostPixels, Size, Stamp, Warmth
from edge.heat import HeatOptions, grid_size
from edge.shapes import Overlay
from tests.cuda_host.test_paint import opencv_5

S = 1_000_000_000
NOTHING = Overlay(Size(640, 360), ())
Figures = Callable[[str, float], None]


def frames(size: Size, count: int = 8) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (size.height, size.width, 3), dtype=np.uint8) for _ in range(count)]


def presence(number: int, options: HeatOptions) -> Warmth:
    cells = grid_size(NOTHING.reference, options.cell)
    rng = np.random.default_rng(number // 7)
    return Warmth(rng.integers(0, cells.width * cells.height, 20), np.full(20, 33_333), np.zeros(20))


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (HeatOptions(), Size(640, 360)),
        (HeatOptions(half_life_s=0.5, colormap="inferno"), Size(1920, 1080)),
        pytest.param(HeatOptions(top_s=0.4, blur=0.5, cell=2), Size(333, 217), marks=opencv_5),
        (HeatOptions(blur=30.0, alpha=1.0), Size(1280, 720)),
    ],
    ids=["usual", "fading", "fixed scale", "wide blur"],
)
def test_two_seconds_are_painted_as_on_the_cpu(gpu: Any, options: HeatOptions, size: Size, figures: Figures) -> None:
    pictures, worst = frames(size), 0
    with CpuPainter(options, NOTHING.reference) as cpu, CudaPainter(gpu, options, NOTHING.reference) as cuda:
        for number in range(60):
            one = Frame(Stamp("painted", number, number * S // 30, size), HostPixels(pictures[number % len(pictures)]))
            for painter in (cpu, cuda):
                painter.warm(one.stamp, presence(number, options))
            worst = max(worst, int(np.abs(cuda.paint(one, NOTHING).astype(int) - cpu.paint(one, NOTHING)).max()))
    figures("worst_levels", worst)
    assert worst <= 2


def test_ten_thousand_pictures_leave_memory_as_it_was(gpu: Any, figures: Figures) -> None:
    options, size = HeatOptions(half_life_s=5.0), Size(320, 180)
    pictures = frames(size)
    left: list[tuple[int, int]] = []
    with CudaPainter(gpu, options, NOTHING.reference) as painter:
        for number in range(10_000):
            one = Frame(Stamp("many", number, number * S // 30, size), HostPixels(pictures[number % len(pictures)]))
            painter.warm(one.stamp, presence(number, options))
            painter.paint(one, NOTHING)
            if number in (500, 9_999):
                left.append((gpu.device.run(lambda: driver().mem_get_info()[0]), resident_bytes()))
    (free, resident), (free_after, resident_after) = left
    figures("gpu_mb_lost", (free - free_after) / 1e6)
    figures("resident_mb_grown", (resident_after - resident) / 1e6)
    assert free - free_after < 1 << 21
    assert resident_after - resident < 16 << 20


@pytest.mark.parametrize("size", [Size(640, 480), Size(1280, 720), Size(1920, 1080)], ids=str)
def test_painting_is_timed(gpu: Any, size: Size, figures: Figures) -> None:
    """By the clock on the wall, from a frame in host memory to a picture in host memory, redraws among them. Nothing is asserted of the time."""
    options, pictures = HeatOptions(), frames(size)
    for name, painter in (("cpu", CpuPainter(options, NOTHING.reference)), ("gpu", CudaPainter(gpu, options, NOTHING.reference))):
        times_ms = []
        with painter as opened:
            for number in range(300):
                one = Frame(Stamp(name, number, number * S // 30, size), HostPixels(pictures[number % len(pictures)]))
                opened.warm(one.stamp, presence(number, options))
                began_s = time.perf_counter()
                opened.paint(one, NOTHING)
                times_ms.append((time.perf_counter() - began_s) * 1000)
        figures(f"{name}_p50_ms", statistics.median(times_ms[50:]))
        figures(f"{name}_p99_ms", statistics.quantiles(times_ms[50:], n=100)[98])


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
