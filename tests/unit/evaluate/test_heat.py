"""Heat against annotated presence: the grid, the blur, the correlation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data import Size
from edge.evaluate.heat import blurred, correlation, presence
from edge.evaluate.truth import load_truth


def test_presence_lies_under_the_feet() -> None:
    grid = presence(np.array([[10.0, 0, 20, 17]]), np.array([0.5]), Size(36, 24), 8)
    assert grid.shape == (3, 5)
    assert grid[2, 1] == grid.sum() == 0.5


def test_feet_outside_the_picture_are_at_its_border() -> None:
    grid = presence(np.array([[-30.0, 0, -10, 500]]), np.array([1.0]), Size(40, 24), 8)
    assert grid[2, 0] == 1


def test_blur_is_the_gaussian() -> None:
    grid = np.zeros((31, 31))
    grid[15, 15] = 1
    y, x = np.mgrid[-15:16, -15:16]
    np.testing.assert_allclose(blurred(grid, sigma=2.0), np.exp(-(x**2 + y**2) / 8) / (8 * np.pi), atol=1e-5)


@given(row=st.integers(0, 5), column=st.integers(0, 8), sigma=st.sampled_from([0.5, 1.0, 2.0, 4.0]))
def test_blur_loses_no_presence_at_any_border(row: int, column: int, sigma: float) -> None:
    grid = np.zeros((6, 9))
    grid[row, column] = 3
    assert blurred(grid, sigma=sigma).sum() == pytest.approx(3)


def test_correlation_knows_shape_and_not_scale() -> None:
    grid = np.random.default_rng(1).random((20, 30))
    assert correlation(grid, 7 * grid, sigma=1) == pytest.approx(1)
    assert correlation(grid, -grid, sigma=1) == pytest.approx(-1)


def test_a_step_aside_is_less_and_a_wider_blur_forgives_more() -> None:
    grid = np.random.default_rng(1).random((20, 30)) ** 8
    near, far = correlation(grid, np.roll(grid, 1, axis=1), sigma=1), correlation(grid, np.roll(grid, 1, axis=1), sigma=2)
    assert 0 < near < far < 1


def test_no_heat_at_all_correlates_with_nothing() -> None:
    assert correlation(np.zeros((4, 4)), np.eye(4), sigma=1) == 0


def test_a_known_trackers_feet_correlate_as_was_measured(shared: Path) -> None:
    """The figures of the shared README for these very rows are 0.92 and 0.96, of another blur at the border."""
    truth = load_truth(shared / "video" / "pets-s2l1.truth.yaml").annotation
    rows = np.load(shared / "detections" / "pets-s2l1.ultralytics-bytetrack.npz")["rows"].astype(np.float64)
    size = Size(480, 360)
    stood, tracked = (presence(boxes, np.full(len(boxes), 0.1), size, 8) for boxes in (truth.xyxy, rows[:, 2:]))
    assert [correlation(stood, tracked, sigma=sigma) for sigma in (1, 2)] == pytest.approx([0.92, 0.96], abs=0.01)
