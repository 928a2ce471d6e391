"""The CPU's live buffer, its blur and its stills. What every painter promises is in tests/contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.backends.cpu.heat import LiveHeat, Tint, blurred, layer_of
from edge.backends.cpu.painter import paint_still
from edge.data import Size, Warmth
from edge.heat import HeatOptions, colormap_table
from edge.shapes import HeatLayer, HeatStyle, Overlay

S = 1_000_000_000
REFERENCE = Size(640, 360)


def noise(size: Size) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (size.height, size.width, 3), dtype=np.uint8)


def touched(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Which pixels (H, W) differ."""
    return (before != after).any(axis=2)


def layer(seconds: np.ndarray, top: float = 1.0, legend: str = "") -> HeatLayer:
    return HeatLayer(seconds.astype(np.float32), 8, top, HeatStyle(2, 0.6, 0.0), legend)


def test_a_still_has_its_own_heat_and_a_legend_below_it() -> None:
    background = np.full((360, 640, 3), 90, np.uint8)
    grid = np.zeros((45, 80))
    grid[20, 40] = 3
    plain = paint_still(background, Overlay(REFERENCE, (), layer(grid)))
    assert plain.shape == background.shape
    assert touched(background, plain)[164, 324]
    assert not touched(background, plain)[:100].any()
    legend = paint_still(background, Overlay(REFERENCE, (), layer(grid, legend="time people stood here")))
    assert legend.shape[0] > 360
    np.testing.assert_array_equal(legend[:360], plain)
    colours = {tuple(pixel) for pixel in legend[360:].reshape(-1, 3).tolist()}
    assert len(colours & {tuple(pixel) for pixel in colormap_table()[2].tolist()}) > 200
    assert (background == 90).all()


@pytest.mark.parametrize("size", [Size(17, 9), Size(40, 30), Size(641, 361)], ids=str)
def test_an_empty_still_of_any_size_is_the_background(size: Size) -> None:
    background = noise(size)
    still = paint_still(background, Overlay(REFERENCE, (), layer(np.zeros((45, 80)), legend="none")))
    np.testing.assert_array_equal(still[: size.height], background)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 60), st.integers(0, 1599))
def test_blur_loses_and_invents_nothing(rows: int, columns: int, sigma: float, at: int) -> None:
    grid = np.zeros((rows, columns), np.float32)
    grid.ravel()[at % grid.size] = 7
    smooth = blurred(grid, sigma)
    assert smooth.shape == grid.shape
    assert smooth.sum() == pytest.approx(7, rel=1e-3)
    assert (smooth >= 0).all()
    assert grid.sum() == 7


@given(st.lists(st.tuples(st.integers(0, 3599), st.integers(1, 1_000_000)), max_size=40), st.sampled_from([None, 5.0, 3600.0]))
def test_the_live_buffer_is_the_ledger_each_part_halved_every_half_life(parts: list[tuple[int, int]], half_life_s: float | None) -> None:
    heat = LiveHeat(HeatOptions(half_life_s=half_life_s), REFERENCE)
    expected, now_s = np.zeros(45 * 80), 0
    for k, (cell, us) in enumerate(parts):
        now_s = 37 * k
        expected *= 1 if half_life_s is None else 0.5 ** (37 / half_life_s) if k else 1
        heat.warm(now_s * S, Warmth([cell, cell], [us, 0], [0, 1]))
        expected[cell] += us * 1e-6
    seconds = heat.seconds(now_s * S)
    assert (seconds.shape, seconds.dtype) == ((45, 80), np.float32)
    np.testing.assert_allclose(seconds.ravel(), expected, rtol=1e-5, atol=1e-9)


def test_the_live_buffer_still_adds_a_frame_after_a_month_in_one_cell() -> None:
    heat = LiveHeat(HeatOptions(), REFERENCE)
    heat.warm(0, Warmth([5], [30 * 86_400_000_000], [0]))
    for k in range(300):
        heat.warm(k, Warmth([5], [33_333], [0]))
    assert heat.seconds(S).ravel()[5] == pytest.approx(30 * 86_400 + 10, abs=0.5)


def test_a_cached_layer_blends_alike_any_number_of_times() -> None:
    grid = np.zeros((45, 80), np.float32)
    grid[10:20, 10:30] = 1
    tint = Tint().draw(layer_of(grid, 8, HeatOptions(), 1.0), REFERENCE, REFERENCE)
    np.testing.assert_array_equal(tint.over(noise(REFERENCE)), tint.over(noise(REFERENCE)))
