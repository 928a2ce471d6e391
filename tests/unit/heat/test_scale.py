"""Which presence gets the last colour. Colours themselves are tested beside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.heat import Scale, top_of

S = 1_000_000_000


def grid(*seconds: float) -> np.ndarray:
    return np.array([seconds], np.float32)


def test_an_empty_grid_has_a_finite_scale_above_nothing() -> None:
    assert top_of(np.zeros((9, 16), np.float32)) > 0
    assert top_of(np.zeros((0, 0), np.float32)) > 0


def test_the_top_is_a_high_percentile_of_the_warm_cells_only() -> None:
    few = np.zeros((100, 100), np.float32)
    few[0, :10] = 5
    assert top_of(few) == pytest.approx(5)
    few[0, 0] = 1000
    assert 5 < top_of(few) < 1000


@given(st.lists(st.floats(0, 1e7, width=32), min_size=1, max_size=30))
def test_the_top_lies_within_the_grid(seconds: list[float]) -> None:
    assert 0 < top_of(grid(*seconds)) <= max(*seconds, 0.05, 0) * (1 + 1e-6)


def test_the_scale_moves_slowly_and_arrives() -> None:
    scale = Scale(settle_s=5)
    assert scale.follow(grid(1.0), 0) == pytest.approx(1)
    assert scale.follow(grid(11.0), 5 * S) == pytest.approx(1 + 10 * (1 - np.exp(-1)))
    assert scale.follow(grid(11.0), 500 * S) == pytest.approx(11)
    assert scale.follow(grid(1.0), 500 * S) == pytest.approx(11)


def test_the_scale_moves_alike_at_any_rate() -> None:
    slow, quick = Scale(), Scale()
    for scale, step in ((slow, S), (quick, S // 10)):
        scale.follow(grid(1.0), 0)
        for t_ns in range(step, 10 * S + 1, step):
            top = scale.follow(grid(9.0), t_ns)
        assert top == pytest.approx(1 + 8 * (1 - np.exp(-2)))


def test_a_fixed_scale_holds_still() -> None:
    scale = Scale(fixed_s=3.0)
    assert [scale.follow(grid(v), t) for v, t in ((0, 0), (100, S))] == [3.0, 3.0]
