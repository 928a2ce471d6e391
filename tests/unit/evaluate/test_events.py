"""Scores of counted events. Which events there are is not tested here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evaluate.events import Passing, count_error, event_f1
from edge.evaluate.mot import assign

S = 1_000_000_000


def ins(*times_s: float, line: str = "door") -> list[Passing]:
    return [Passing(line, "in", t * S) for t in times_s]


def test_within_a_second_is_the_same_event() -> None:
    assert event_f1(ins(10), ins(11)) == 1
    assert event_f1(ins(10), ins(11.1)) == 0


def test_another_line_or_direction_is_another_event() -> None:
    assert event_f1(ins(10), ins(10, line="gate")) == 0
    assert event_f1(ins(10), [Passing("door", "out", 10 * S)]) == 0


def test_one_true_event_is_found_once() -> None:
    assert event_f1(ins(10, 10.1), ins(10)) == pytest.approx(2 / 3)


def test_matching_is_not_greedy_for_the_nearest() -> None:
    assert event_f1(ins(10, 10.9), ins(9.1, 10.1)) == 1


def test_what_was_never_shown_is_missed() -> None:
    assert event_f1(ins(10), ins(10, float("inf"))) == pytest.approx(2 / 3)


def test_nothing_counted_of_nothing_is_perfect() -> None:
    assert event_f1([], []) == 1


@given(a=st.lists(st.integers(0, 60), max_size=8), b=st.lists(st.integers(0, 60), max_size=8))
def test_no_other_matching_is_larger(a: list[int], b: list[int]) -> None:
    near = np.abs(np.subtract.outer(a, b)) <= 10 if a and b else np.zeros((len(a), len(b)))
    most = len(assign(near.astype(np.float64)))
    ours, theirs = ([Passing("door", "in", t * S // 10) for t in times] for times in (a, b))
    score = event_f1(ours, theirs)
    assert score == pytest.approx(2 * most / (len(a) + len(b)) if a or b else 1)


def test_count_error_adds_up_over_lines_and_directions() -> None:
    truth = {("door", "in"): 6, ("door", "out"): 4}
    assert count_error({("door", "in"): 7, ("door", "out"): 3}, truth) == pytest.approx(0.2)
    assert count_error(truth, truth) == 0


def test_count_error_without_a_true_crossing_is_in_crossings() -> None:
    assert count_error({("door", "in"): 2}, {("door", "in"): 0}) == 2
