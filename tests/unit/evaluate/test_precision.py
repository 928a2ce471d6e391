"""Precision, recall and average precision of boxes, against cases that can be worked out by hand and against a slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evaluate.precision import PrecisionRecall

NONE = np.empty((0, 4))
A, B, C = np.array([0.0, 0, 10, 20]), np.array([30.0, 0, 40, 20]), np.array([60.0, 0, 70, 20])
BESIDE = np.array([200.0, 0, 210, 20])


def judged(*pictures):
    """Each picture: detections as (box, score), annotated boxes, and the numbers of those to be ignored."""
    found = PrecisionRecall()
    for detections, annotated, ignored in pictures:
        boxes = np.array([box for box, _ in detections]).reshape(-1, 4)
        scores = np.array([score for _, score in detections], np.float64)
        mask = np.isin(np.arange(len(annotated)), ignored)
        found.add(boxes, scores, np.array(annotated).reshape(-1, 4), mask)
    return found


def test_all_found_and_nothing_else_is_one():
    found = judged(([(A, 0.9), (B, 0.3)], [A, B], []))
    assert found.average_precision == pytest.approx(1.0)
    assert found.at(0.25) == (1.0, 1.0)
    assert found.at(0.5) == (1.0, 0.5)


def test_nothing_found_is_zero():
    found = judged(([], [A, B], []))
    assert found.average_precision == 0
    assert found.at(0.25)[1] == 0


def test_half_found_is_half():
    assert judged(([(A, 0.9)], [A, B], [])).average_precision == pytest.approx(51 / 101)


def test_a_wrong_box_below_the_right_ones_costs_nothing_one_above_does():
    assert judged(([(A, 0.9), (BESIDE, 0.5)], [A], [])).average_precision == pytest.approx(1.0)
    assert judged(([(A, 0.5), (BESIDE, 0.9)], [A], [])).average_precision == pytest.approx(0.5)


def test_one_box_is_found_once():
    found = judged(([(A, 0.9), (A + 1, 0.8)], [A], []))
    assert found.at(0.1) == (0.5, 1.0)


def test_the_better_scored_chooses_first_and_takes_what_it_overlaps_most():
    near = A + np.array([2.0, 0, 2, 0])
    found = judged(([(near, 0.9), (A, 0.8)], [A, near], []))
    assert found.at(0.1) == (1.0, 1.0)


def test_an_overlap_of_half_is_enough_and_less_is_not():
    half = np.array([0.0, 0, 10, 10])
    assert judged(([(half, 0.9)], [A], [])).at(0.1) == (1.0, 1.0)
    assert judged(([(half - [0, 0, 0.1, 0], 0.9)], [A], [])).at(0.1) == (0.0, 0.0)


def test_what_is_ignored_costs_neither_who_finds_it_nor_who_does_not():
    for detections in ([(A, 0.5)], [(A, 0.5), (B, 0.9)], [(A, 0.5), (B, 0.9), (B + 0.5, 0.8)]):
        found = judged((detections, [A, B], [1]))
        assert (found.average_precision, found.at(0.1)) == (pytest.approx(1.0), (1.0, 1.0))


def test_a_box_that_should_be_found_goes_before_one_that_may():
    found = judged(([(A, 0.9)], [A, A + 0.1], [0]))
    assert found.at(0.1) == (1.0, 1.0)


def test_pictures_are_judged_together_in_order_of_scores():
    apart = judged(([(A, 0.9), (BESIDE, 0.2)], [A], []), ([(BESIDE, 0.95), (B, 0.5)], [B], []))
    # In order: wrong, right, right, wrong; so precision 1/2 then 2/3 at recalls 1/2 and 1, of which the better counts for both.
    assert apart.average_precision == pytest.approx(2 / 3)


def test_nothing_annotated_has_no_average_precision():
    found = judged(([(A, 0.9)], [], []))
    assert np.isnan(found.average_precision)
    assert found.at(0.1)[0] == 0
    assert np.isnan(PrecisionRecall().at(0.5)).all()


def slowly(scores, right, annotated):
    """Average precision by its definition, a recall at a time."""
    total = 0.0
    for wanted in np.linspace(0, 1, 101):
        best = 0.0
        for threshold in scores:
            kept = right[scores >= threshold]
            if kept.sum() / annotated >= wanted - 1e-9:
                best = max(best, kept.sum() / len(kept))
        total += best
    return total / 101


@given(st.lists(st.tuples(st.integers(1, 10_000), st.booleans()), max_size=12, unique_by=lambda row: row[0]), st.integers(0, 5))
def test_it_is_the_mean_of_the_best_precision_at_each_recall(rows, missed):
    scores, right = np.array([s / 10_000 for s, _ in rows]), np.array([r for _, r in rows], np.bool_)
    annotated = int(right.sum()) + missed
    if annotated == 0:
        return
    found = PrecisionRecall()
    for score, good in zip(scores.tolist(), right.tolist(), strict=True):
        found.add(A[None], np.array([score]), A[None] if good else NONE, np.zeros(int(good), np.bool_))
    for _ in range(missed):
        found.add(NONE, np.empty(0), A[None], np.zeros(1, np.bool_))
    assert found.average_precision == pytest.approx(slowly(scores, right, annotated))
