"""The INT8 gate: who passes, who is refused, with which figures. The real networks are in tests/flow/test_engine_build."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data import Detections, Frame, HostPixels, Size, Stamp
from edge.engine import Agreement, GateOptions, compare
from edge.engine.gate import pairs

SIZE = Size(640, 384)


class Closing(HostPixels):
    closed = 0

    def close(self) -> None:
        Closing.closed += 1


def frames(count: int = 40) -> list[Frame]:
    return [Frame(Stamp("a", i, i * 100_000_000, SIZE), Closing(np.zeros((1, 1, 3), np.uint8))) for i in range(count)]


class Seer:
    """Sees the same people in the frame of each index; `spoil` changes what it sees."""

    def __init__(self, spoil=lambda detections, random: detections) -> None:
        self._spoil = spoil

    def detect(self, frames):
        return [self._seen(frame.stamp.index) for frame in frames]

    def _seen(self, index: int) -> Detections:
        random = np.random.default_rng(index)
        corner = random.uniform(0, 300, (5, 2)) + np.arange(5)[:, None] * [70, 10]
        side = random.uniform(20, 60, (5, 2))
        seen = Detections(np.hstack([corner, corner + side]), random.uniform(0.3, 0.9, 5), np.zeros(5))
        return self._spoil(seen, random)


def moved(by_px: float):
    return lambda seen, random: Detections(seen.xyxy + random.uniform(-by_px, by_px, (len(seen), 4)), seen.score, seen.class_id)


def test_a_network_that_sees_nearly_the_same_passes():
    measured = compare(Seer(), Seer(moved(1.0)), frames())
    assert measured.refusal() == ""
    assert (measured.frames, measured.reference, measured.candidate, measured.found) == (40, 200, 200, 400)
    assert "200 and 200 boxes in 40 frames, 100.0% of them in both" in str(measured)


def test_frames_are_given_back():
    Closing.closed = 0
    compare(Seer(), Seer(), frames(7))
    assert Closing.closed == 7


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda seen, _: seen[seen.score > 0.5], r"% of the boxes are in both, and 95% are needed.*% apart, and 10% is allowed"),
        (lambda seen, _: Detections(seen.xyxy, seen.score - 0.06, seen.class_id), r"scores are 0\.060 apart, and 0\.05 is allowed"),
        (lambda seen, _: Detections(seen.xyxy, seen.score, seen.class_id + 1), r"0\.0% of the boxes are in both"),
        (moved(60.0), r"of the boxes are in both"),
        (lambda seen, _: Detections.empty(), r"0\.0% of the boxes are in both.*100\.0% apart"),
    ],
    ids=["misses", "scores", "classes", "places", "blind"],
)
def test_a_spoilt_one_is_refused_with_the_figures(spoil, sentence):
    assert re.search(sentence, compare(Seer(), Seer(spoil), frames()).refusal())


def test_a_score_that_moves_across_the_threshold_is_no_lost_box():
    def at(score: float):
        return lambda seen, _: Detections(seen.xyxy, np.full(len(seen), score, np.float32), seen.class_id)

    measured = compare(Seer(at(0.26)), Seer(at(0.24)), frames(), GateOptions(most_count_difference=1))
    assert (measured.reference, measured.candidate, measured.found) == (200, 0, 200)
    assert measured.refusal(GateOptions(most_count_difference=1)) == ""


def test_frames_with_nobody_prove_nothing():
    nobody = Seer(lambda seen, _: Detections.empty())
    assert "40 frames with 0 boxes prove nothing, 50 are needed" in compare(nobody, nobody, frames()).refusal()
    assert compare(nobody, nobody, []) == Agreement(0, 0, 0, 0, 0.0, 0.0)


boxes = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 30), st.integers(1, 30), st.integers(0, 1)), max_size=8)


def detections(rows) -> Detections:
    array = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(np.hstack([array[:, :2], array[:, :2] + array[:, 2:4]]), np.ones(len(array)), array[:, 4])


@given(boxes, boxes)
def test_each_box_is_paired_at_most_once_with_one_of_its_class(first, second):
    a, b = detections(first), detections(second)
    rows = pairs(a, b, 0.5)
    assert len(set(rows[:, 0])) == len(set(rows[:, 1])) == len(rows)
    assert (a.class_id[rows[:, 0]] == b.class_id[rows[:, 1]]).all()


@given(boxes)
def test_all_boxes_are_found_again_in_the_same_boxes(rows):
    a = detections(rows)
    assert len(pairs(a, a, 0.5)) == len(a)


@pytest.mark.parametrize("options", [{"conf": 0}, {"iou": 1.5}, {"least_found": 2}, {"least_boxes": 0}])
def test_limits_that_mean_nothing_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        GateOptions(**options)
