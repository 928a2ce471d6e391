"""paint.cu against the CPU's tint, on the same blurred grid: bytes that differ are few, and by two levels at most. Blur is test_heat's."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.backends.cpu.heat import Tint, blurred, layer_of
from edge.backends.cuda.kernels import blocks
from edge.backends.cuda.painter import is_wide, places_of, words_of
from edge.data import Size
from edge.heat import COLORMAPS, HeatOptions, grid_size
from tests.cuda_host.host import HostKernels

REFERENCE = Size(640, 360)
SIZES = [
    Size(640, 360),
    Size(960, 540),
    Size(1280, 720),
    Size(333, 217),
    Size(320, 240),
    Size(64, 36),
    Size(17, 9),
    Size(1, 31),
    Size(37, 1),
]
Load = Callable[[str], HostKernels]
opencv_5 = pytest.mark.skipif(
    cv2.__version__ < "5", reason="OpenCV 4 places the CPU's tint in steps of 1/32 cell, so odd ratios are elsewhere by as much"
)


def noise(size: Size, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size.height, size.width, 3), dtype=np.uint8)


def heat(options: HeatOptions, places: int = 30, seed: int = 5, reference: Size = REFERENCE) -> np.ndarray:
    """A blurred grid (rows, columns) with some warm places."""
    rng = np.random.default_rng(seed)
    columns, rows = grid_size(reference, options.cell)
    grid = np.zeros((rows, columns), np.float32)
    for _ in range(places):
        grid[rng.integers(rows), rng.integers(columns)] += rng.exponential(3)
    return blurred(grid, options.blur / options.cell)


def tint_of(
    kernels: HostKernels, seconds: np.ndarray, options: HeatOptions, top: float, picture: Size, reference: Size = REFERENCE
) -> tuple[np.ndarray, int]:
    times, words, places = places_of(options.cell, picture, reference)
    tint = np.zeros((words.height, words.width), np.uint32)
    arguments = (seconds, *seconds.shape, *places, top, options.alpha, words_of(options.colormap))
    kernels.launch("tint_of", blocks(words, (32, 8)), (32, 8), tint, *words, *arguments)
    return tint, times


def painted(kernels: HostKernels, picture: np.ndarray, tint: np.ndarray, times: int, kernel: str | None = None) -> np.ndarray:
    height, width = picture.shape[:2]
    kernel = kernel or ("paint_wide" if is_wide(width, times) else "paint_any")
    to, threads = np.empty_like(picture), width * height // (16 if kernel == "paint_wide" else 1)
    picture.flags.writeable = False
    kernels.launch(kernel, blocks((threads,), (128,)), (128,), to, picture, width, height, tint, tint.shape[1], tint.shape[0], times)
    return to


def levels_apart(kernels: HostKernels, options: HeatOptions, size: Size, reference: Size = REFERENCE, seed: int = 5) -> np.ndarray:
    """How far each byte is from the CPU's."""
    seconds, picture = heat(options, seed=seed, reference=reference), noise(size, seed)
    top = float(seconds.max()) * 0.8
    tint, times = tint_of(kernels, seconds, options, top, size, reference)
    wanted = Tint().draw(layer_of(seconds, options.cell, options, top), size, reference).over(picture)
    return np.abs(painted(kernels, picture, tint, times).astype(int) - wanted)


@opencv_5
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("cell", [2, 8, 13])
def test_a_picture_under_heat_is_the_cpus(host_kernels: Load, size: Size, cell: int) -> None:
    apart = levels_apart(host_kernels("paint.cu"), HeatOptions(cell=cell, blur=16.0), size)
    assert apart.max() <= 2
    assert (apart > 0).mean() < 0.001


@pytest.mark.parametrize("blur", [0.5, 3.0, 30.0])
def test_any_blur_is_painted_as_the_cpu_paints_it(host_kernels: Load, blur: float) -> None:
    assert levels_apart(host_kernels("paint.cu"), HeatOptions(cell=4, blur=blur), Size(640, 360)).max() <= 2


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_every_colour_map_is_the_cpus(colormap: str) -> None:
    assert levels_apart(HostKernels("paint.cu"), HeatOptions(colormap=colormap, alpha=1.0), Size(320, 180)).max() <= 2


def test_a_4k_picture_is_the_cpus() -> None:
    apart = levels_apart(HostKernels("paint.cu"), HeatOptions(), Size(3840, 2160), reference=Size(1920, 1080))
    assert apart.max() <= 2


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_where_all_is_cold_no_bit_changes(host_kernels: Load, size: Size) -> None:
    kernels, options, picture = host_kernels("paint.cu"), HeatOptions(), noise(size)
    tint, times = tint_of(kernels, np.zeros((45, 80), np.float32), options, 1.0, size)
    np.testing.assert_array_equal(painted(kernels, picture, tint, times), picture)


def test_cold_places_stay_beside_warm_ones(host_kernels: Load) -> None:
    kernels, options, picture = host_kernels("paint.cu"), HeatOptions(), noise(Size(640, 360))
    seconds = np.zeros((45, 80), np.float32)
    seconds[20, 40] = 1
    tint, times = tint_of(kernels, seconds, options, 1.0, Size(640, 360))
    changed = (painted(kernels, picture, tint, times) != picture).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert changed[164, 324]
    assert (rows.min() >= 152, rows.max() < 176, columns.min() >= 312, columns.max() < 336) == (True,) * 4


@pytest.mark.parametrize("times", [1, 2, 4])
def test_sixteen_pixels_at_once_are_painted_like_one_by_one(host_kernels: Load, times: int) -> None:
    rng = np.random.default_rng(times)
    picture = noise(Size(96, 37))
    tint = rng.integers(0, 2**32, (-(-37 // times), 96 // times), dtype=np.uint32)
    tint[rng.random(tint.shape) < 0.3] = 0xFF000000
    kernels = host_kernels("paint.cu")
    np.testing.assert_array_equal(painted(kernels, picture, tint, times, "paint_wide"), painted(kernels, picture, tint, times, "paint_any"))


@opencv_5
@settings(max_examples=40)
@given(st.integers(1, 200), st.integers(1, 120), st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_a_picture_of_any_size_under_any_heat_is_the_cpus(width: int, height: int, cell: int, seed: int) -> None:
    apart = levels_apart(HostKernels("paint.cu", "shuffled"), HeatOptions(cell=cell, alpha=0.8), Size(width, height), Size(320, 180), seed)
    assert apart.max() <= 2


def test_more_than_the_top_and_less_than_nothing_are_the_ends(host_kernels: Load) -> None:
    seconds = np.full((45, 80), -1, np.float32)
    seconds[:, 40:] = 1e30
    tint, _ = tint_of(host_kernels("paint.cu"), seconds, HeatOptions(alpha=1.0), 1.0, Size(640, 360))
    last = int(words_of("jet")[255])
    assert (tint[:, :79] == 0xFF000000).all()
    assert (tint[:, 81:] == last).all()
