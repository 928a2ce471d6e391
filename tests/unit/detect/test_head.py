"""Raw tensors of both heads become boxes. The tensors are written by hand; no network runs here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import geometry
from edge.data import F32
from edge.detect import DetectOptions, HeadLayout, class_ids, head_layout, read_head
from edge.detect.head import nms
from edge.errors import ModelError, UsageError

OPTIONS = DetectOptions(conf=0.25, iou=0.5)


def raw(*rows: tuple[float, ...]) -> F32:
    """A raw head (4 + C, A) of rows (x, y, w, h, score, score, ...)."""
    return np.array(rows, np.float32).T


@pytest.mark.parametrize(
    ("shape", "classes", "layout"),
    [
        ((1, 84, 8400), 80, "raw"),
        ((None, 84, None), 80, "raw"),
        ((8, 300, 6), 80, "end-to-end"),
        ((1, None, 6), 1, "end-to-end"),
        ((1, 6, 6), 2, "raw"),
        ((1, 5, 8400), 1, "raw"),
    ],
)
def test_the_layout_is_told_by_the_shape(shape: tuple, classes: int, layout: HeadLayout) -> None:
    assert head_layout(shape, classes) == layout


@pytest.mark.parametrize("shape", [(1, 1000), (1, 56, 8400), (1, 116, None), (1, 32, 160, 160)])
def test_another_networks_output_is_refused_with_what_would_be_right(shape: tuple) -> None:
    with pytest.raises(ModelError, match=r"is no YOLO detection head of 80 classes; it should be \?x84x\(anchors\)"):
        head_layout(shape, 80)


def test_a_raw_head_gives_corners_best_first_with_the_best_class() -> None:
    found = read_head(raw((50, 60, 20, 40, 0.3, 0.6), (200, 200, 10, 10, 0.9, 0.1), (400, 400, 9, 9, 0.2, 0.24)), "raw", OPTIONS)
    assert found.xyxy.tolist() == [[195, 195, 205, 205], [40, 40, 60, 80]]
    np.testing.assert_allclose(found.score, [0.9, 0.6])
    assert found.class_id.tolist() == [0, 1]


def test_of_one_object_the_best_box_stays_and_another_class_is_another_object() -> None:
    rows = [(50, 60, 20, 40, 0.8, 0), (51, 60, 20, 40, 0.9, 0), (50, 61, 20, 40, 0, 0.7), (300, 60, 20, 40, 0.3, 0)]
    found = read_head(raw(*rows), "raw", OPTIONS)
    np.testing.assert_allclose(found.score, [0.9, 0.7, 0.3])
    assert found.class_id.tolist() == [0, 1, 0]


def test_only_wanted_classes_are_read_and_an_object_of_another_best_class_is_not_one_of_them() -> None:
    rows = [(50, 60, 20, 40, 0.8, 0.1, 0.3), (150, 60, 20, 40, 0.3, 0.7, 0), (250, 60, 20, 40, 0, 0.1, 0.9)]
    found = read_head(raw(*rows), "raw", OPTIONS, frozenset({0, 2}))
    assert found.class_id.tolist() == [2, 0]


def test_an_end_to_end_head_is_taken_as_it_is() -> None:
    rows = np.array([[0, 0, 9, 9, 0.3, 2], [0, 0, 9, 9, 0.8, 2], [5, 5, 50, 50, 0.2, 1], [1, 1, 8, 8, 0.9, 7]], np.float32)
    found = read_head(rows, "end-to-end", OPTIONS)
    assert found.class_id.tolist() == [7, 2, 2]  # the network has done its NMS
    assert read_head(rows, "end-to-end", OPTIONS, frozenset({2})).class_id.tolist() == [2, 2]


@pytest.mark.parametrize(("layout", "output"), [("raw", np.zeros((6, 100))), ("raw", np.zeros((6, 0))), ("end-to-end", np.zeros((0, 6)))])
def test_nothing_seen_is_empty(layout: HeadLayout, output: np.ndarray) -> None:
    found = read_head(output.astype(np.float32), layout, OPTIONS)
    assert found.xyxy.shape == (0, 4)


def test_boxes_that_are_none_are_dropped() -> None:
    nan, inf = float("nan"), float("inf")
    found = read_head(
        raw((50, 60, 0, 40, 0.9), (50, 60, nan, 40, 0.9), (50, inf, 9, 9, 0.9), (50, 60, -9, 9, 0.9), (9, 9, 8, 8, 0.5)), "raw", OPTIONS
    )
    assert found.xyxy.tolist() == [[5, 5, 13, 13]]


def test_no_more_than_max_det_are_kept_the_best_ones() -> None:
    rows = [(20 * k, 50, 10, 10, 0.3 + k / 100) for k in range(50)]
    found = read_head(raw(*rows), "raw", DetectOptions(conf=0.25, max_det=7))
    np.testing.assert_allclose(found.score, [0.3 + k / 100 for k in range(49, 42, -1)], rtol=1e-6)


def test_a_noisy_picture_at_a_low_threshold_is_read_in_little_memory() -> None:
    rng = np.random.default_rng(0)
    output = np.concatenate([rng.uniform(50, 600, (2, 8400)), rng.uniform(5, 60, (2, 8400)), rng.uniform(0, 1, (1, 8400))]).astype(
        np.float32
    )
    found = read_head(output, "raw", DetectOptions(conf=0.001, max_det=300))
    assert len(found) == 300
    assert found.score[0] == output[4].max()


boxes = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40), st.integers(0, 1)), min_size=1, max_size=30
)


@given(boxes, st.sampled_from([0.3, 0.5, 0.7]))
def test_nms_keeps_the_best_and_no_two_that_overlap_and_drops_nothing_else(rows: list[tuple[int, ...]], iou: float) -> None:
    xyxy = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in rows], np.float32)
    class_id = np.array([row[4] for row in rows])
    keep = nms(xyxy, class_id, iou)
    overlap = (geometry.iou(xyxy, xyxy) > iou) & (class_id[:, None] == class_id)
    np.fill_diagonal(overlap, False)
    assert keep[0] == 0
    assert not overlap[np.ix_(keep, keep)].any()
    for row in np.setdiff1d(np.arange(len(rows)), keep):
        assert overlap[row, keep[keep < row]].any()


def test_names_become_ids_and_an_unknown_one_is_refused_with_the_nearest() -> None:
    names = ("person", "bicycle", "car")
    assert class_ids(["car", "person"], names, "m.onnx") == {0, 2}
    assert class_ids([], names, "m.onnx") is None
    with pytest.raises(UsageError, match=r"m\.onnx knows no class 'persn'; did you mean 'person'\?"):
        class_ids(["persn"], names, "m.onnx")
    with pytest.raises(UsageError, match="it knows person, bicycle, car"):
        class_ids(["zebra crossing"], names, "m.onnx")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"conf": 0}, "conf is 0"),
        ({"iou": 1.1}, "iou is 1.1"),
        ({"conf": float("nan")}, "conf is nan"),
        ({"max_det": 0}, "max_det is 0, it must be 1 to 10000"),
        ({"imgsz": 600}, "imgsz has a side of 600, it must be a multiple of 32"),
        ({"imgsz": (640, 8000)}, "side of 8000"),
        ({"threads": -1}, "threads is -1"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_by_name(options: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        DetectOptions(**options)
