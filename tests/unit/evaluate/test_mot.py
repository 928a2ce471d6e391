"""CLEAR MOT and identity scores: by hand, and equal to motmetrics on random worlds and on the real clips."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import geometry
from edge.evaluate.mot import MotScore, assign
from edge.evaluate.truth import load_truth

Frame = tuple[Any, Any, Any, Any]  # object ids, their boxes, track ids, their boxes

BOX = np.array([[0.0, 0, 10, 20]])
FAR = BOX + 100


def scored(frames: Iterator[Frame] | list[Frame]) -> MotScore:
    score = MotScore()
    for frame in frames:
        score.add(*frame)
    return score


def one(thing: int, track: int | None, box: Any = BOX, track_box: Any = None) -> Frame:
    tracks = np.array([] if track is None else [track], np.int64)
    boxes = np.empty((0, 4)) if track is None else (box if track_box is None else track_box)
    return np.array([thing]), box, tracks, boxes


def test_a_perfect_track_scores_one() -> None:
    score = scored([one(1, 5)] * 10)
    assert (score.mota, score.idf1, score.switches) == (1, 1, 0)


def test_a_new_id_halfway_is_one_switch_and_half_an_identity() -> None:
    score = scored([one(1, 5)] * 10 + [one(1, 6)] * 10)
    assert (score.switches, score.mota, score.idf1) == (1, 1 - 1 / 20, 0.5)


def test_a_switch_after_a_gap_is_still_a_switch() -> None:
    assert scored([one(1, 5), one(1, None), one(1, None), one(1, 6)]).switches == 1


def test_the_old_partner_is_kept_while_it_overlaps_enough() -> None:
    two = (np.array([1]), BOX, np.array([5, 6]), np.concatenate([BOX + [2, 0, 2, 0], BOX]))
    score = scored([one(1, 5), two])
    assert (score.switches, score.false_positives) == (0, 1)


def test_misses_and_false_positives_are_counted_and_mota_goes_below_zero() -> None:
    score = scored([one(1, 5, BOX, FAR)] * 4)
    assert (score.misses, score.false_positives, score.mota, score.idf1) == (4, 4, -1, 0)


def test_exactly_half_an_overlap_is_enough() -> None:
    assert scored([one(1, 5, BOX, BOX * [1, 1, 1, 0.5])]).misses == 0


def test_as_many_matches_as_can_be_come_before_the_best_overlap() -> None:
    """Three in a row, each track 3 px right of one object; two of them lie all but on the next object, which would leave the outer ones alone."""
    objects, tracks = (np.array([[x, 0, x + 10, 10] for x in left]) for left in ((0, 3.1, 6.2), (3, 6.1, 9.2)))
    score = scored([(np.array([1, 2, 3]), objects, np.array([5, 6, 7]), tracks)])
    assert score.misses == score.false_positives == 0


def test_an_empty_frame_changes_nothing() -> None:
    none = np.array([], np.int64), np.empty((0, 4))
    assert scored([(*none, *none), one(1, 5), (*none, *none)]).mota == 1


@given(rows=st.integers(1, 4), columns=st.integers(1, 4), data=st.data())
def test_an_assignment_is_the_best_of_all(rows: int, columns: int, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.integers(0, 9), min_size=rows * columns, max_size=rows * columns))
    worth = np.array(cells, np.float64).reshape(rows, columns)
    pairs = assign(worth)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    wide = worth if rows <= columns else worth.T
    best = max(wide[np.arange(len(wide)), list(order)].sum() for order in itertools.permutations(range(wide.shape[1]), len(wide)))
    assert sum(worth[pair] for pair in pairs) == best


def by_motmetrics(frames: list[Frame]) -> tuple[float, float, int]:
    mm = pytest.importorskip("motmetrics")
    accumulator = mm.MOTAccumulator(auto_id=True)
    for objects, object_boxes, tracks, track_boxes in frames:
        distance = 1 - geometry.iou(object_boxes, track_boxes)  # its own distances call a function that NumPy 2 has removed
        accumulator.update(objects, tracks, np.where(distance > 0.5, np.nan, distance))
    row = mm.metrics.create().compute(accumulator, metrics=["mota", "idf1", "num_switches"], name="it").iloc[0]
    return float(row["mota"]), float(row["idf1"]), int(row["num_switches"])


def world(seed: int, *, objects: int, tracks: int, frames: int) -> list[Frame]:
    """Objects that walk past one another, and boxes near them under ids that change now and then. Ties of overlap do not occur."""
    random = np.random.default_rng(seed)
    place = random.uniform(0, 25, (objects, 2))
    size = random.uniform([18, 36], [22, 44], (objects, 2))  # were all of one size, a box within several would overlap them all alike
    ids = random.integers(1, tracks + 1, objects)
    told = []
    for _ in range(frames):
        place = place + random.normal(0, 1.5, place.shape)
        ids = np.where(random.random(objects) < 0.2, random.integers(1, tracks + 1, objects), ids)
        boxes = np.column_stack([place, place + size])
        seen = random.random(objects) < 0.9
        track_ids, first = np.unique(ids, return_index=True)
        near = boxes[first] + random.normal(0, 2, (len(first), 4))
        kept = random.random(len(first)) < 0.9
        told.append((np.arange(1, objects + 1)[seen], boxes[seen], track_ids[kept], near[kept]))
    return told


@pytest.mark.filterwarnings("ignore")  # the oracle's own, under newer pandas
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), objects=st.integers(1, 6), tracks=st.integers(1, 8), frames=st.integers(1, 12))
def test_random_worlds_score_as_by_motmetrics(seed: int, objects: int, tracks: int, frames: int) -> None:
    told = world(seed, objects=objects, tracks=tracks, frames=frames)
    if not any(len(frame[0]) for frame in told):
        return  # without one annotated box both have nothing to say
    score = scored(told)
    assert (score.mota, score.idf1, score.switches) == pytest.approx(by_motmetrics(told))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("clip", ["pets-s2l1", "tud-stadtmitte"])
def test_the_real_clips_score_as_by_motmetrics(shared: Path, clip: str) -> None:
    annotation = load_truth(shared / "video" / f"{clip}.truth.yaml").annotation
    rows = np.load(shared / "detections" / f"{clip}.ultralytics-bytetrack.npz")["rows"].astype(np.float64)
    told = []
    for frame in range(1, int(annotation.frame.max()) + 1):
        true, ours = annotation.frame == frame, rows[:, 0] == frame
        told.append((annotation.id[true], annotation.xyxy[true], rows[ours, 1].astype(np.int64), rows[ours, 2:]))
    score = scored(told)
    assert (score.mota, score.idf1, score.switches) == pytest.approx(by_motmetrics(told))
