"""heat.cu against the CPU's buffer and its blur. How heat becomes colour is test_paint's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.backends.cpu.heat import blurred
from edge.backends.cuda.heat import taps
from edge.backends.cuda.kernels import blocks
from edge.data import Size
from tests.cuda_host.host import HostKernels

SIGMAS_PX = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
SHAPES = [(1, 1), (1, 50), (7, 1), (31, 37), (32, 32), (45, 80), (90, 160)]
Load = Callable[[str], HostKernels]


def presence(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """(rows, columns) microseconds: a few warm places, much that is cold."""
    rng = np.random.default_rng(seed)
    return (rng.random(shape) ** 8 * 1e9 * (rng.random(shape) > 0.5)).astype(np.uint64)


def by_kernels(kernels: HostKernels, us: np.ndarray, sigma: float, scale: float = 1e-6) -> np.ndarray:
    rows, columns = us.shape
    weights = taps(sigma, Size(columns, rows))
    turned, out = np.full((columns, rows), np.nan, np.float32), np.full((rows, columns), np.nan, np.float32)
    radius, block = len(weights) // 2, (32, 8)
    kernels.launch("blur_grid", blocks((columns, rows), (32, 32)), block, turned, us, scale, rows, columns, weights, radius)
    kernels.launch("blur_turned", blocks((rows, columns), (32, 32)), block, out, turned, columns, rows, weights, radius)
    return out


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("sigma", SIGMAS_PX)
def test_the_blur_is_the_cpus(host_kernels: Load, shape: tuple[int, int], sigma: float) -> None:
    """Sigmas of 0.5 to 30, of cells even where the grid's are a few pixels: wider than any picture's, and than some of these grids."""
    us = presence(shape)
    wanted = blurred((us * 1e-6).astype(np.float32), sigma)
    got = by_kernels(host_kernels("heat.cu"), us, sigma)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7 * float(wanted.max()))


def test_no_blur_is_the_buffer_in_seconds(host_kernels: Load) -> None:
    us = presence((33, 65))
    np.testing.assert_allclose(by_kernels(host_kernels("heat.cu"), us, 0.0), us * 1e-6, rtol=3e-7)


def test_the_blur_of_a_4k_picture_with_the_finest_cells_is_the_cpus() -> None:
    us = presence((270, 480), 3)
    wanted = blurred((us * 1e-6).astype(np.float32), 15.0)
    np.testing.assert_allclose(by_kernels(HostKernels("heat.cu"), us, 15.0), wanted, rtol=1e-5)


@settings(max_examples=25)
@given(st.integers(1, 70), st.integers(1, 70), st.floats(0.05, 40), st.integers(0, 4899))
def test_the_blur_loses_and_invents_nothing(rows: int, columns: int, sigma: float, at: int) -> None:
    us = np.zeros((rows, columns), np.uint64)
    us.ravel()[at % us.size] = 7_000_000
    smooth = by_kernels(HostKernels("heat.cu", "shuffled"), us, sigma)
    assert smooth.sum(dtype=np.float64) == pytest.approx(7, rel=1e-4)
    assert (smooth >= 0).all()
    wanted = blurred((us * 1e-6).astype(np.float32), sigma)
    np.testing.assert_allclose(smooth, wanted, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("points", [0, 1, 300, 4096])
def test_presence_of_many_in_one_cell_adds_up_to_the_microsecond(host_kernels: Load, points: int) -> None:
    rng = np.random.default_rng(1)
    cells = rng.integers(0, 40, points).astype(np.int32)
    us = rng.integers(0, 2**40, points).astype(np.uint64)
    grid = np.full(40, 2**62, np.uint64)
    wanted = grid.copy()
    np.add.at(wanted, cells, us)
    host_kernels("heat.cu").launch("warm", blocks((max(points, 1),), (128,)), (128,), grid, cells, us, points)
    np.testing.assert_array_equal(grid, wanted)


@pytest.mark.parametrize("factor", [0.0, 2.0**-10, 2.0**-13.7])
def test_cooling_scales_every_cell_to_the_nearest_microsecond(host_kernels: Load, factor: float) -> None:
    grid = np.random.default_rng(2).integers(0, 2**50, 1000).astype(np.uint64)
    wanted = np.rint(grid.astype(np.float64) * factor).astype(np.uint64)
    host_kernels("heat.cu").launch("cool", blocks((1000,), (128,)), (128,), grid, factor, 1000)
    np.testing.assert_array_equal(grid, wanted)
