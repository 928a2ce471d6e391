"""The product and a detector against the synthetic scene's own truth: perfect eyes do well, blind ones do not."""

from __future__ import annotations

import numpy as np
import pytest

from edge.data import Detections, Size
from edge.evaluate.boxes import boxes_of_pictures
from edge.evaluate.plaza import hidden, measured_layout, video
from edge.sources.synthetic import SceneDetector, parse_uri, plaza_layout, scene_of
from edge.sources.synthetic.album import HELD_OUT, LEAST_SEEN, album

URI = "synthetic://plaza?seed=3&size=320x180&fps=10&people=8&seconds=14"


class Eyes:
    """A detector that says what it was told to, a frame at a time."""

    names = ("person", "bicycle", "car")
    batch = 1

    def __init__(self, told):
        self._told = iter(told)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def detect(self, frames):
        return [next(self._told) for _ in frames]


def test_perfect_eyes_count_right_and_warm_the_right_places():
    detector = SceneDetector({"plaza": scene_of(URI)}, miss=0, false_per_frame=0, jitter=0, low=0)
    seen = video(URI, detector)
    assert seen.crossings > 5
    assert seen.count_error <= 1 / seen.crossings
    assert seen.heat_correlation > 0.98
    assert sum(true for verbs in seen.lines.values() for _, true in verbs.values()) == seen.crossings


def test_blind_eyes_miss_all():
    ticks = []
    seen = video(URI.replace("seconds=14", "seconds=6"), Eyes(iter(Detections.empty, None)), tick=lambda: ticks.append(1))
    assert (seen.count_error, seen.heat_correlation) == (1.0, 0.0)
    assert len(ticks) == 60


def test_a_tree_before_the_camera_hides_people_and_an_empty_square_none():
    behind_trees, plain, empty = (
        hidden(parse_uri(f"synthetic://plaza?seed=3&size=640x360&people={people}&layout={number}"), 40.0)
        for number, people in ((403, 12), (409, 12), (409, 0))
    )
    assert behind_trees > 0.05 > plain
    assert empty == 0


def test_a_video_that_never_ends_is_refused():
    with pytest.raises(ValueError, match="never ends"):
        video("synthetic://plaza?size=320x180", Eyes([]))


def test_three_lines_are_measured_and_two_of_them_are_the_plazas_own():
    size = Size(640, 360)
    measured = measured_layout(size, 504)
    assert {name: measured.lines[name] for name in plaza_layout(size, 504).lines} == plaza_layout(size, 504).lines
    assert set(measured.lines) - set(plaza_layout(size, 504).lines) == {"across"}


def labels(count, seed, keep):
    for one in album(HELD_OUT, count, seed=seed, spoilt=False):
        rows = keep(one)
        yield Detections(one.xyxy[rows], np.full(rows.sum(), 0.9, np.float32), one.class_id[rows])


def test_the_labels_themselves_are_found_in_all_classes():
    found = boxes_of_pictures(Eyes(labels(4, 6, lambda one: one.seen >= LEAST_SEEN)), 4, seed=6)
    assert found["person"].annotated > 10
    assert all(one.average_precision == pytest.approx(1.0) for one in found.values() if one.annotated)


def test_who_can_hardly_be_seen_may_be_found_or_not():
    found = boxes_of_pictures(Eyes(labels(4, 6, lambda one: one.seen >= 0)), 4, seed=6)
    assert found["person"].average_precision == pytest.approx(1.0)


def test_a_class_that_the_model_lacks_is_not_found():
    eyes = Eyes(labels(2, 6, lambda one: one.class_id == 0))
    eyes.names = ("person",)
    found = boxes_of_pictures(eyes, 2, seed=6)
    assert found["person"].at(0.5)[1] > 0.9
    assert all(found[name].at(0.5)[1] == 0 for name in ("bicycle", "car") if found[name].annotated)
