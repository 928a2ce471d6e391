"""Plane geometry against shapely, an independent reckoner, and against its own symmetries. Nothing is counted here."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box

from edge import geometry

whole = st.integers(-200, 1500)
side = st.integers(1, 400)
boxes = st.lists(st.tuples(whole, whole, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])), min_size=1, max_size=5)
points = st.lists(st.tuples(whole, whole), min_size=1, max_size=8)


@st.composite
def rings(draw: st.DrawFn) -> np.ndarray:
    """Star-shaped polygons, often concave: corners at ascending angles round a centre, with any radius."""
    n = draw(st.integers(3, 9))
    radius = np.array(draw(st.lists(st.integers(20, 400), min_size=n, max_size=n)))
    turn = draw(st.floats(0, 2 * math.pi))
    angle = turn + 2 * math.pi * np.arange(n) / n
    return np.array([draw(whole), draw(whole)]) + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@given(boxes, boxes)
def test_iou_is_shapelys_area_of_the_intersection_over_that_of_the_union(a: list, b: list) -> None:
    overlap = geometry.iou(np.array(a, np.float64), np.array(b, np.float64))
    for i, p in enumerate(a):
        for j, q in enumerate(b):
            assert overlap[i, j] == pytest.approx(box(*p).intersection(box(*q)).area / box(*p).union(box(*q)).area, abs=1e-9)


@given(boxes, boxes)
def test_iou_is_symmetric_bounded_and_one_with_itself(a: list, b: list) -> None:
    p, q = np.array(a, np.float32), np.array(b, np.float32)
    overlap = geometry.iou(p, q)
    np.testing.assert_array_equal(overlap, geometry.iou(q, p).T)
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_array_equal(np.diag(geometry.iou(p, p)), 1)


@given(boxes, boxes)
def test_overlaps_are_the_pairs_whose_iou_is_not_zero_to_the_bit(a: list, b: list) -> None:
    p, q = np.array(a, np.float64) / 3, np.array(b, np.float64) / 3
    overlap = geometry.iou(p, q)
    i, j, found = geometry.overlaps(p, q)
    np.testing.assert_array_equal(np.stack([i, j]), np.stack(np.nonzero(overlap)))
    np.testing.assert_array_equal(found, overlap[i, j])


def test_boxes_without_area_overlap_nothing_and_warn_of_nothing() -> None:
    flat = np.array([[5, 5, 5, 9], [3, 3, 3, 3]], np.float32)
    assert not geometry.iou(flat, np.array([[0, 0, 10, 10], [5, 5, 5, 9]], np.float32)).any()
    assert geometry.iou(flat[:0], flat).shape == (0, 2)
    inside_out = np.array([[9, 9, 1, 1], [5, 5, 5, 9]], np.float64)
    assert not geometry.overlaps(np.concatenate([flat, inside_out]), np.array([[0, 0, 10, 10], [8, 8, 2, 2]], np.float64))[2].any()
    assert len(geometry.overlaps(flat[:0], flat)[0]) == len(geometry.overlaps(flat, flat[:0])[0]) == 0


def test_feet_are_the_bottom_centre_and_centers_the_middle() -> None:
    b = np.array([[10, 20, 30, 80]], np.float32)
    assert geometry.feet(b).tolist() == [[20, 80]]
    assert geometry.centers(b).tolist() == [[20, 50]]
    assert geometry.feet(b).dtype == np.float64


def test_the_right_hand_of_who_walks_from_left_to_right_is_below() -> None:
    start, end = np.array([[0.0, 100]]), np.array([[200.0, 100]])
    distance = geometry.signed_distance(np.array([[50.0, 130], [50, 60], [900, 100]]), start, end)
    np.testing.assert_allclose(distance[:, 0], [30, -40, 0])


@given(points, st.tuples(whole, whole), st.tuples(whole, whole))
def test_the_distance_from_a_line_is_shapelys(at: list, a: tuple, b: tuple) -> None:
    assume(math.dist(a, b) >= 2)
    p = np.array(at, np.float64)
    distance = geometry.signed_distance(p, np.array([a], np.float64), np.array([b], np.float64))[:, 0]
    far = 1e4 / math.dist(a, b)  # shapely knows segments only: one that goes on far beyond the picture
    along = np.subtract(b, a) * far
    line = LineString([np.subtract(a, along), np.add(b, along)])
    np.testing.assert_allclose(np.abs(distance), [Point(q).distance(line) for q in p], atol=1e-6)


@given(st.tuples(whole, whole), st.tuples(whole, whole), st.tuples(whole, whole), st.tuples(whole, whole))
def test_paths_meet_segments_where_shapely_says(p: tuple, q: tuple, a: tuple, b: tuple) -> None:
    assume(a != b and p != q)
    part = geometry.meeting(*(np.array([v], np.float64) for v in (p, q, a, b)))[0, 0]
    way, segment = LineString([p, q]), LineString([a, b])
    cross = (q[0] - p[0]) * (b[1] - a[1]) - (q[1] - p[1]) * (b[0] - a[0])
    if cross == 0:
        assert math.isnan(part)  # what runs along a line never meets it
    elif math.isnan(part):
        assert way.distance(segment) > 0 or way.touches(segment)  # shapely's own rounding may put a touch to either side
    else:
        assert 0 <= part <= 1
        at = Point(np.add(p, part * np.subtract(q, p)))
        assert at.distance(segment) < 1e-6
        assert at.distance(way) < 1e-6


def test_touching_a_segments_end_is_meeting_it_and_passing_beside_it_is_not() -> None:
    def part(p: tuple, q: tuple) -> float:
        return float(geometry.meeting(np.array([p], float), np.array([q], float), np.array([[0.0, 0]]), np.array([[10.0, 0]]))[0, 0])

    assert part((10, -5), (10, 5)) == 0.5
    assert part((5, -5), (5, 0)) == 1
    assert part((5, 0), (5, 5)) == 0
    assert math.isnan(part((10.01, -5), (10.01, 5)))
    assert math.isnan(part((-3, 0), (13, 0)))
    assert math.isnan(part((5, 5), (5, 5)))


@given(rings(), points)
def test_inside_is_shapelys(ring: np.ndarray, at: list) -> None:
    p, polygon = np.array(at, np.float64), Polygon(ring)
    clear = np.array([Point(q).distance(polygon.exterior) > 1e-6 for q in p])
    expected = np.array([polygon.contains(Point(q)) for q in p])
    np.testing.assert_array_equal(geometry.inside(p, ring)[clear], expected[clear])
    closed = np.concatenate([ring, ring[:1]])
    np.testing.assert_array_equal(geometry.inside(p, closed), geometry.inside(p, ring))


@given(rings(), points)
def test_the_distance_from_a_border_is_shapelys(ring: np.ndarray, at: list) -> None:
    p, border = np.array(at, np.float64), Polygon(ring).exterior
    np.testing.assert_allclose(geometry.border_distance(p, ring), [Point(q).distance(border) for q in p], atol=1e-6)
    np.testing.assert_allclose(geometry.border_distance(p, np.concatenate([ring, ring[:1]])), geometry.border_distance(p, ring))


corner = st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))


@given(st.tuples(corner, corner, corner, corner), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_a_homography_goes_there_and_back(shift: tuple, at: list) -> None:
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    source, target = square * (1280, 720), (square + np.array(shift)) * (20, 12)
    there, back = geometry.fit_homography(source, target), geometry.fit_homography(target, source)
    np.testing.assert_allclose(geometry.apply_homography(there, source), target, atol=1e-6)
    p = np.array(at) * (1280, 720)
    np.testing.assert_allclose(geometry.apply_homography(back, geometry.apply_homography(there, p)), p, atol=1e-5)


def test_a_homography_of_many_noisy_pairs_is_near_all_of_them() -> None:
    rng = np.random.default_rng(1)
    h = np.array([[0.02, 0.001, -3], [0.0005, 0.03, 1], [1e-5, 4e-4, 1]])
    source = rng.uniform(0, 700, (40, 2))
    target = geometry.apply_homography(h, source)
    fitted = geometry.fit_homography(source, target + rng.normal(0, 0.01, target.shape))
    assert np.abs(geometry.apply_homography(fitted, source) - target).max() < 0.05


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ([(0, 0), (1, 0), (1, 1)], "at least four"),
        ([(0, 0), (1, 1), (2, 2), (0, 5)], "on one line"),
        ([(3, 3)] * 4, "coincide"),
        ([(0, 0), (0, 0), (1, 1), (1, 0)], "coincide"),
    ],
)
def test_points_that_determine_no_homography_are_refused(source: list, reason: str) -> None:
    target = [(0, 0), (1, 0), (1, 1), (0, 1)][: len(source)]
    with pytest.raises(ValueError, match=reason):
        geometry.fit_homography(source, target)
