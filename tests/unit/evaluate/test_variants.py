"""Worse recordings of one video: they follow from it alone, and are worse in the way that their name says."""

from __future__ import annotations

import numpy as np
import pytest

from edge.data import Detections, Size, Stamp
from edge.evaluate import Means, variants
from edge.evaluate.report import Report

SIZE = Size(1000, 500)


def seen(frames: int = 60, people: int = 20):
    x = np.linspace(20, 940, people)
    boxes = np.stack([x, np.full(people, 100.0), x + 40, np.full(people, 200.0)], axis=1).astype(np.float32)
    found = Detections(boxes, np.full(people, 0.9, np.float32), np.zeros(people, np.int16))
    return [(Stamp("c", k, k * 40_000_000, SIZE), found) for k in range(frames)]


def share(one) -> float:
    return sum(len(found) for _, found in one) / sum(len(found) for _, found in seen())


def test_each_is_worse_in_its_own_way_and_none_comes_twice():
    by_name = dict(variants(seen()))
    assert len(by_name) == 22
    assert len(by_name["as it is"]) == 60
    assert [stamp.index for stamp, _ in by_name["every third frame"]] == list(range(0, 60, 3))
    assert share(by_name["15% of the boxes missed (10)"]) == pytest.approx(0.85, abs=0.03)
    assert share(by_name["30% of the boxes missed (20)"]) == pytest.approx(0.7, abs=0.04)
    assert share(by_name["30% of the frames lost (30)"]) == pytest.approx(0.7, abs=0.15)
    off = [found.xyxy[:, 1] - 100 for _, found in by_name["shaking boxes (40)"]]
    assert np.concatenate(off).std() == pytest.approx(1.0, abs=0.1)  # a hundredth of 100 px
    hidden = {round(float(x)) for x in seen()[0][1].xyxy[:, 0]} - {round(float(x)) for x in by_name["2 poles"][0][1].xyxy[:, 0]}
    assert hidden
    assert all(min(abs(x + 20 - 300), abs(x + 20 - 600)) < 25 for x in hidden)  # boxes whose middle is behind a pole of 50 px


def test_they_are_the_same_at_every_call():
    for (name, one), (again, other) in zip(variants(seen()), variants(seen()), strict=True):
        assert name == again
        assert all(np.array_equal(a.xyxy, b.xyxy) for (_, a), (_, b) in zip(one, other, strict=True))


def test_means_come_with_their_standard_error():
    reports = [Report(mota, 0.5, 3, 0.1, 0.9, {}, {"8": 0.0, "16": 0.8}, 10.0) for mota in (0.2, 0.4, 0.6, 0.8)]
    found = Means.of(reports).measures
    assert found["mota"].mean == pytest.approx(0.5)
    assert found["mota"].error == pytest.approx(np.std([0.2, 0.4, 0.6, 0.8]) / 2)
    assert (found["heat_correlation"].mean, found["heat_correlation"].error) == (pytest.approx(0.8), pytest.approx(0))
