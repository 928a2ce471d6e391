"""head.cu against edge.detect: the same boxes before and after overlaps are resolved. No network runs here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detect import Candidates, DetectOptions, HeadLayout, best_of, read_head
from tests.cuda_host.host import HostKernels

FOUND = np.dtype([("xyxy", "<f4", 4), ("score", "<f4"), ("class_id", "<i4"), ("row", "<i4"), ("image", "<i4")])
Load = Callable[[str], HostKernels]


def raw(batch: int, classes: int, anchors: int, seen: int, seed: int = 0) -> np.ndarray:
    """(batch, 4 + classes, anchors): noise of low scores, and `seen` anchors an image with a high one."""
    rng = np.random.default_rng(seed)
    output = np.empty((batch, 4 + classes, anchors), np.float32)
    output[:, :2] = rng.uniform(0, 640, (batch, 2, anchors))
    output[:, 2:4] = rng.uniform(1, 200, (batch, 2, anchors))
    output[:, 4:] = rng.uniform(0, 0.09, (batch, classes, anchors))
    for image in range(batch):
        at = rng.choice(anchors, min(seen, anchors), replace=False)
        output[image, 4 + rng.integers(0, classes, len(at)), at] = rng.uniform(0.1, 1, len(at))
    return output


def end_to_end(batch: int, classes: int, rows: int, seen: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    output = np.zeros((batch, rows, 6), np.float32)
    output[:, :seen, :4] = np.sort(rng.uniform(0, 640, (batch, seen, 2, 2)), axis=2).reshape(batch, seen, 4)
    output[:, :seen, 4] = -np.sort(-rng.uniform(0, 1, (batch, seen)))
    output[:, :seen, 5] = rng.integers(0, classes, (batch, seen))
    return output


def by_kernel(
    kernels: HostKernels,
    output: np.ndarray,
    layout: HeadLayout,
    classes: int,
    conf: float,
    class_ids: frozenset[int] | None = None,
    capacity: int | None = None,
) -> np.ndarray:
    """Records as the host reads them: sorted by image and row."""
    rows = output.shape[2] if layout == "raw" else output.shape[1]
    capacity = len(output) * rows if capacity is None else capacity
    found = np.zeros(1 + capacity, FOUND)
    wanted = None
    if class_ids is not None:
        wanted = np.zeros(1 + classes // 32, np.uint32)
        for number in class_ids:
            wanted[number // 32] |= np.uint32(1 << number % 32)
    block, side = ((32, 8), 32) if layout == "raw" else ((128,), 128)
    output = np.ascontiguousarray(output)
    output.flags.writeable = False
    name = f"head_{'raw' if layout == 'raw' else 'end'}_{'f32' if output.dtype == np.float32 else 'f16'}"
    kernels.launch(name, (-(-rows // side), len(output)), block, found, output, classes, rows, conf, wanted, capacity)
    count = int(found[:1].view(np.int32)[0])
    kept = found[1 : 1 + min(count, capacity)]
    assert len(kept) == count or count > capacity
    return kept[np.lexsort((kept["row"], kept["image"]))]


def same(found: np.ndarray, output: np.ndarray, layout: HeadLayout, conf: float, class_ids: frozenset[int] | None = None) -> None:
    """`found` is, image by image, to the bit what edge.detect takes from `output`: all of it, and what is left when overlaps are resolved."""
    for options in (DetectOptions(conf=conf, iou=1, max_det=10_000), DetectOptions(conf=conf)):
        for image, one in enumerate(output.astype(np.float32)):
            mine = found[found["image"] == image]
            seen = best_of(Candidates(mine["xyxy"], mine["score"], mine["class_id"].astype(np.intp)), layout, options)
            wanted = read_head(one, layout, options, class_ids)
            np.testing.assert_array_equal(seen.xyxy, wanted.xyxy)
            np.testing.assert_array_equal(seen.score, wanted.score)
            np.testing.assert_array_equal(seen.class_id, wanted.class_id)


@pytest.mark.parametrize("seen", [0, 1, 30, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_yolo11_head_gives_the_rows_that_the_cpu_reads(host_kernels: Load, seen: int, dtype: type) -> None:
    output = raw(1, 80, 8400, seen).astype(dtype)
    found = by_kernel(host_kernels("head.cu"), output, "raw", 80, 0.1)
    assert (len(found) > 0) == (seen > 0)
    same(found, output, "raw", 0.1)


@pytest.mark.parametrize("seen", [0, 1, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_an_end_to_end_head_gives_the_rows_that_the_cpu_reads(host_kernels: Load, seen: int, dtype: type) -> None:
    output = end_to_end(2, 80, 300, seen).astype(dtype)
    same(by_kernel(host_kernels("head.cu"), output, "end-to-end", 80, 0.25), output, "end-to-end", 0.25)


@pytest.mark.parametrize("class_ids", [frozenset({0}), frozenset({2, 31, 32, 79}), frozenset()], ids=str)
def test_only_what_is_wanted_comes_back(host_kernels: Load, class_ids: frozenset[int]) -> None:
    output = raw(2, 80, 2100, 200)
    found = by_kernel(host_kernels("head.cu"), output, "raw", 80, 0.1, class_ids)
    assert set(found["class_id"]) <= class_ids
    if class_ids:
        same(found, output, "raw", 0.1, class_ids)
    output = end_to_end(1, 80, 300, 300)
    same(
        by_kernel(host_kernels("head.cu"), output, "end-to-end", 80, 0.1, class_ids or frozenset({1})),
        output,
        "end-to-end",
        0.1,
        class_ids or frozenset({1}),
    )


def test_images_of_a_batch_are_told_apart(host_kernels: Load) -> None:
    output = raw(4, 3, 500, 40, seed=9)
    found = by_kernel(host_kernels("head.cu"), output, "raw", 3, 0.1)
    assert {int(image) for image in found["image"]} == {0, 1, 2, 3}
    same(found, output, "raw", 0.1)


def test_of_equal_scores_the_first_class_wins(host_kernels: Load) -> None:
    output = raw(1, 20, 64, 0)
    output[0, 4 + 3, :] = output[0, 4 + 11, :] = output[0, 4 + 19, :] = 0.5
    found = by_kernel(host_kernels("head.cu"), output, "raw", 20, 0.1)
    assert (len(found), set(found["class_id"])) == (64, {3})
    same(found, output, "raw", 0.1)


def test_a_score_that_is_no_number_takes_its_anchor_with_it(host_kernels: Load) -> None:
    output = raw(1, 10, 96, 96)
    output[0, 4 + np.arange(10), np.arange(10) * 7] = np.nan
    found = by_kernel(host_kernels("head.cu"), output, "raw", 10, 0.1)
    assert not set(found["row"]) & set(range(0, 70, 7))
    same(found, output, "raw", 0.1)


def test_a_list_that_is_too_short_says_how_many_there_were(host_kernels: Load) -> None:
    output = raw(1, 4, 256, 200)
    assert len(by_kernel(host_kernels("head.cu"), output, "raw", 4, 0.1, capacity=50)) == 50


@settings(max_examples=20)
@given(st.integers(1, 3), st.integers(1, 90), st.integers(1, 200), st.floats(0.05, 1), st.integers(0, 2**32 - 1))
def test_any_shape_of_head_gives_the_rows_that_the_cpu_reads(batch: int, classes: int, anchors: int, conf: float, seed: int) -> None:
    conf = float(np.float32(conf))
    output = raw(batch, classes, anchors, anchors // 3, seed)
    same(by_kernel(HostKernels("head.cu", "reverse"), output, "raw", classes, conf), output, "raw", conf)
