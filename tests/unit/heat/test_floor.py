"""Heat on the floor plan: nothing is lost on it, it lies where it was, and what is beside it or beyond the horizon is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.data import Size
from edge.heat.floor import FloorOptions, on_floor

SQUARE = ((0.0, 0.0), (80.0, 0.0), (80.0, 80.0), (0.0, 80.0))
STRAIGHT = FloorOptions(px=SQUARE, metres=((10.0, 20.0), (14.0, 20.0), (14.0, 24.0), (10.0, 24.0)), cell_m=0.5)
TRAPEZE = FloorOptions(
    px=((30.0, 20.0), (50.0, 20.0), (80.0, 80.0), (0.0, 80.0)), metres=((0.0, 0.0), (4.0, 0.0), (4.0, 10.0), (0.0, 10.0))
)


@given(arrays(np.float32, (8, 8), elements=st.floats(0, 1e4, width=32)))
def test_nothing_is_lost_where_the_plan_shows_the_whole_picture(seconds: np.ndarray) -> None:
    assert on_floor(seconds, 10, STRAIGHT).sum(dtype=np.float64) == pytest.approx(seconds.sum(dtype=np.float64), rel=1e-5, abs=1e-6)


def test_a_straight_view_moves_each_cell_to_its_own() -> None:
    seconds = np.arange(64, dtype=np.float32).reshape(8, 8)
    assert np.allclose(on_floor(seconds, 10, STRAIGHT), seconds)


def test_far_off_one_cell_of_the_picture_covers_several_of_the_floor() -> None:
    seconds = np.zeros((8, 8), np.float32)
    seconds[2, 4], seconds[7, 4] = 6, 6
    plan = on_floor(seconds, 10, TRAPEZE)
    far, near = plan[: len(plan) // 2], plan[len(plan) // 2 :]
    assert np.count_nonzero(far) > np.count_nonzero(near) > 0
    assert plan.sum() == pytest.approx(12, rel=0.05)


def test_what_is_beyond_the_horizon_or_beside_the_plan_is_left_out() -> None:
    seconds = np.ones((8, 8), np.float32)
    seconds[2:] = 0  # the sides of the trapeze meet at y = -20 / ..., the rows above it see no floor of the plan
    assert on_floor(seconds, 10, TRAPEZE).sum() == 0
    assert np.isfinite(TRAPEZE.cells(np.array([[40.0, -1e6], [40.0, 50.0]]))).all(axis=1).tolist() == [False, True]


def test_an_empty_grid_is_an_empty_plan() -> None:
    assert on_floor(np.zeros((8, 8), np.float32), 10, TRAPEZE).shape == (40, 16)
    assert TRAPEZE.size == Size(16, 40)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"px": SQUARE[:3], "metres": SQUARE[:3]}, "at least four pairs"),
        ({"px": ((0, 0), (1, 1), (2, 2), (5, 0)), "metres": SQUARE}, "three of them lie on one line"),
        ({"px": SQUARE, "metres": SQUARE, "cell_m": 0}, "cell_m is 0"),
        ({"px": SQUARE, "metres": SQUARE, "cell_m": 0.02}, "take a larger one"),
    ],
)
def test_a_floor_that_cannot_be_meant_is_refused(bad: dict, words: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=words):
        FloorOptions(**bad)
