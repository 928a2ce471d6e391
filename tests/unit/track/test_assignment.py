"""Pairing: as cheap as the best, never above the limit."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.track import assignment


def pair(cost: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns paired where every pair of the matrix is possible."""
    rows, columns = (index.ravel() for index in np.indices(cost.shape))
    pairs = assignment.pair(rows, columns, cost.ravel(), limit)
    return rows[pairs], columns[pairs]


def _best_total(cost: np.ndarray, limit: float) -> float:
    """By trying everything: the least sum where a pair costs its cost and leaving both alone costs `limit`."""
    n = max(cost.shape)
    square = np.full((n, n), limit)
    square[: cost.shape[0], : cost.shape[1]] = np.minimum(cost, limit)
    return min(sum(square[i, j] for i, j in enumerate(p)) for p in permutations(range(n)))


@given(
    st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(lambda s: arrays(np.float64, s, elements=st.floats(0, 1))), st.floats(0.1, 1)
)
def test_no_pairing_is_cheaper(cost: np.ndarray, limit: float):
    rows, columns = pair(cost, limit)
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
    assert (cost[rows, columns] < limit).all()
    total = cost[rows, columns].sum() + limit * (max(cost.shape) - len(rows))
    assert total <= _best_total(cost, limit) + 1e-9


def test_nothing_below_the_limit_pairs_nothing():
    rows, columns = pair(np.ones((3, 4)), 0.8)
    assert len(rows) == len(columns) == 0


def test_pairs_that_are_not_possible_are_not_made():
    rows, columns, cost = np.array([0, 0, 2]), np.array([3, 5, 3]), np.array([0.1, 0.3, 0.2])
    assert sorted(assignment.pair(rows, columns, cost, 0.8)) == [1, 2]
    assert len(assignment.pair(rows[:0], columns[:0], cost[:0], 0.8)) == 0


def test_pairs_that_tie_are_made_once():
    rows, columns = pair(np.full((3, 2), 0.4), 0.8)
    assert len(rows) == len(set(rows)) == len(set(columns)) == 2


def test_pairs_that_only_have_each_other_need_no_solver(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(assignment, "_solve", None)
    cost = np.ones((3, 3))
    cost[0, 2] = cost[2, 0] = 0.1
    rows, columns = pair(cost, 0.8)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {(0, 2), (2, 0)}


def test_a_pair_worth_more_than_all_its_rivals_together_needs_no_solver(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(assignment, "_solve", None)
    rows, columns = pair(np.array([[0.1, 0.6, 0.9], [0.6, 0.2, 0.7], [0.7, 0.6, 0.5]]), 0.8)
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 2)]


def test_what_costs_as_much_as_being_alone_is_left_alone():
    rows, columns = pair(np.array([[0.5, 0.0], [1.0, 0.5]]), 1.0)
    assert (np.array([[0.5, 0.0], [1.0, 0.5]])[rows, columns] < 1).all()
