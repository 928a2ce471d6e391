"""The kernels on this GPU: what they compute is what the CPU does, and what they take beside the GPU's own copying. The painter has tests of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.backends.cpu.heat import blurred
from edge.bench.kernels import measured
from edge.bench.options import KernelBench
from edge.data import Size
from edge.heat import COLORMAPS, HeatOptions
from tests.conftest import ROOT
from tests.cuda_host import test_head, test_heat, test_letterbox, test_paint
from tests.device.launched import DeviceKernels

Figures = Callable[[str, float], None]
LEVEL = 1 / 255
MEMORY_BOUND = ("letterbox_f32", "letterbox_f16", "head_raw_f32", "head_raw_f16", "blur", "paint", "paint_cold")


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("network", [Size(640, 640), Size(640, 384), Size(32, 64)], ids=str)
def test_pictures_of_any_sizes_become_what_the_cpu_makes_of_them(gpu: Any, network: Size, dtype: type, figures: Figures) -> None:
    sizes = (Size(1920, 1080), Size(640, 480), Size(3840, 2160), Size(333, 217), Size(1, 97), Size(101, 1), Size(1, 1))
    pictures = [test_letterbox.noise(size, number) for number, size in enumerate(sizes)]
    kernels = DeviceKernels(gpu, "letterbox.cu")
    tensor = test_letterbox.by_kernel(kernels, pictures, network, dtype, kernels.address_of).astype(np.float32)
    off = max(float(np.abs(row - test_letterbox.by_cpu(bgr, network)).max()) for row, bgr in zip(tensor, pictures, strict=True))
    figures("worst_levels", off * 255)
    assert off <= LEVEL * 1.001 + (0 if dtype is np.float32 else test_letterbox.HALF)


@pytest.mark.parametrize("class_ids", [None, frozenset({0, 31, 79})], ids=["all", "some"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("seen", [0, 300, 2000])
def test_a_head_gives_the_rows_that_the_cpu_reads(gpu: Any, seen: int, dtype: type, class_ids: frozenset[int] | None) -> None:
    output = test_head.raw(4, 80, 8400, seen).astype(dtype)
    kernels = DeviceKernels(gpu, "head.cu")
    test_head.same(test_head.by_kernel(kernels, output, "raw", 80, 0.1, class_ids), output, "raw", 0.1, class_ids)
    output = test_head.end_to_end(4, 80, 300, min(seen, 300)).astype(dtype)
    test_head.same(test_head.by_kernel(kernels, output, "end-to-end", 80, 0.1, class_ids), output, "end-to-end", 0.1, class_ids)


@pytest.mark.parametrize("shape", [*test_heat.SHAPES, (540, 960)], ids=str)
def test_the_blur_is_the_cpus(gpu: Any, shape: tuple[int, int], figures: Figures) -> None:
    us, worst = test_heat.presence(shape), 0.0
    for sigma in test_heat.SIGMAS_PX:
        wanted = blurred((us * 1e-6).astype(np.float32), sigma)
        got = test_heat.by_kernels(DeviceKernels(gpu, "heat.cu"), us, sigma)
        worst = max(worst, float((np.abs(got - wanted) / np.maximum(wanted, 1e-3 * wanted.max() + 1e-12)).max()))
    figures("worst_relative_e6", worst * 1e6)
    assert worst <= 1e-4


def test_presence_adds_up_to_the_microsecond_however_many_come_at_once(gpu: Any) -> None:
    rng = np.random.default_rng(0)
    cells, us = rng.integers(0, 50, 100_000).astype(np.int32), rng.integers(0, 2**40, 100_000).astype(np.uint64)
    grid, wanted = np.zeros(50, np.uint64), np.zeros(50, np.uint64)
    np.add.at(wanted, cells, us)
    DeviceKernels(gpu, "heat.cu").launch("warm", (-(-100_000 // 128),), (128,), grid, cells, us, 100_000)
    np.testing.assert_array_equal(grid, wanted)


@test_paint.opencv_5
@pytest.mark.parametrize("size", [*test_paint.SIZES, Size(1920, 1080), Size(3840, 2160)], ids=str)
def test_a_picture_under_heat_is_the_cpus(gpu: Any, size: Size, figures: Figures) -> None:
    apart = test_paint.levels_apart(DeviceKernels(gpu, "paint.cu"), HeatOptions(), size)
    figures("worst_levels", float(apart.max()))
    assert apart.max() <= 2


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_every_colour_map_is_the_cpus(gpu: Any, colormap: str) -> None:
    assert test_paint.levels_apart(DeviceKernels(gpu, "paint.cu"), HeatOptions(colormap=colormap, alpha=1.0), Size(320, 180)).max() <= 2


def test_sixteen_pixels_at_once_are_painted_like_one_by_one(gpu: Any) -> None:
    for times in (1, 2, 4):
        picture = test_paint.noise(Size(640, 362))
        tint = np.random.default_rng(times).integers(0, 2**32, (-(-362 // times), 640 // times), dtype=np.uint32)
        tint[::3] = 0xFF000000
        kernels = DeviceKernels(gpu, "paint.cu")
        one, other = (test_paint.painted(kernels, picture, tint, times, name) for name in ("paint_wide", "paint_any"))
        np.testing.assert_array_equal(one, other)


def test_what_the_kernels_take(gpu: Any, figures: Figures) -> None:
    """`edge bench kernels`. A GPU of more than 1 TB/s does all of a 1080p frame in 60 us, and what is bound by memory at 60 % of its copying."""
    report = measured(gpu, KernelBench())
    figures("copy_gb_s", report["copy_gb_s"])
    for name, one in report["one"].items():
        if isinstance(one, dict):
            figures(f"1080p_{name}_us", one["us"])
    figures("1080p_sum_us", report["one"]["sum_us"])
    for name in MEMORY_BOUND:
        figures(f"4k_x16_{name}_of_copy", report["many"][name]["of_copy"])
    for size, batches in report["frames"].items():
        for batch, frame in batches.items():
            for name, us in frame.items():
                figures(f"{size}_batch_{batch}_{name}", us)
    if report["copy_gb_s"] > 1000:
        assert report["one"]["sum_us"] <= 60
        slow = {name: report["many"][name]["of_copy"] for name in MEMORY_BOUND if report["many"][name]["of_copy"] < 0.6}
        assert not slow, f"less than 60 % of the copy's rate: {slow}"


@pytest.mark.parametrize("tool", ["memcheck", "racecheck", "initcheck"])
def test_the_sanitizer_finds_nothing(tool: str, tmp_path: Path) -> None:
    """compute-sanitizer over the kernels' and the painter's tests of small pictures."""
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("compute-sanitizer is not on PATH (it comes with the CUDA toolkit)")
    small = "(sixteen or adds_up or blur_is) and not 540 or painted_as and usual"
    command = [sanitizer, "--tool", tool, "--error-exitcode", "9", "--target-processes", "application-only", sys.executable, "-m", "pytest"]
    tests = ["tests/device/test_device_kernels.py", "tests/device/test_device_painter.py", "-m", "device", "-k", small, "-q"]
    done = subprocess.run(command + tests, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False, timeout=800)
    assert done.returncode == 0, done.stdout[-3000:]
