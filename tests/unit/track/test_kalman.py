"""The motion model: time, classic values, blocks. Following is tested beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.track import kalman

BOX = np.array([[100.0, 200.0, 0.4, 80.0], [300.0, 50.0, 0.5, 20.0]])


def _moving() -> tuple[kalman.F64, kalman.F64]:
    mean, cov = kalman.begin(BOX)
    for step in range(1, 6):
        mean, cov = kalman.predict(mean, cov, 1)
        mean, cov = kalman.update(mean, cov, BOX + step * np.array([3.0, -1.0, 0.0, 0.5]))
    return mean, cov


def _dense_step(mean: np.ndarray, cov: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One predict and update of the paper's 8 x 8 filter, written as the textbook has it."""
    h, a, b = mean[3], 1 / 20, 1 / 160
    f = np.eye(8) + np.eye(8, k=4)
    q = np.diag(np.square([a * h, a * h, 1e-2, a * h, b * h, b * h, 1e-5, b * h]))
    mean, cov = f @ mean, f @ cov @ f.T + q
    h = mean[3]
    r = np.diag(np.square([a * h, a * h, 1e-1, a * h]))
    s = cov[:4, :4] + r
    gain = cov[:, :4] @ np.linalg.inv(s)
    return mean + gain @ (z - mean[:4]), cov - gain @ s @ gain.T


def test_at_30_fps_it_is_the_papers_dense_filter():
    mean, cov = kalman.begin(BOX)
    h = BOX[0, 3]
    dense_mean = np.concatenate([BOX[0], np.zeros(4)])
    dense_cov = np.diag(np.square([h / 10, h / 10, 1e-2, h / 10, h / 16, h / 16, 1e-5, h / 16]))
    for step in range(1, 20):
        z = BOX + step * np.array([3.0, -1.0, 0.001, 0.5])
        mean, cov = kalman.update(*kalman.predict(mean, cov, 1), z)
        dense_mean, dense_cov = _dense_step(dense_mean, dense_cov, z[0])
    np.testing.assert_allclose(mean[0].ravel(), dense_mean, rtol=1e-9, atol=1e-12)
    blocks = np.stack([np.diag(dense_cov)[:4], np.diag(dense_cov, 4), np.diag(dense_cov)[4:]])
    np.testing.assert_allclose(cov[0], blocks, rtol=1e-9)


@given(st.floats(0.05, 6), st.floats(0.05, 6))
def test_two_steps_are_one_long_step(first: float, second: float):
    mean, cov = _moving()
    mean[:, 1, 3] = 0  # noise is measured by the height, so the height must stand still
    once = kalman.predict(mean, cov, first + second)
    twice = kalman.predict(*kalman.predict(mean, cov, first), second)
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@given(st.lists(st.floats(0, 60), min_size=1, max_size=30))
def test_covariances_stay_covariances(gaps: list[float]):
    mean, cov = kalman.begin(BOX)
    for ticks in gaps:
        mean, cov = kalman.predict(mean, cov, ticks)
        mean, cov = kalman.update(mean, cov, BOX)
        assert (cov[:, 0] > 0).all()
        assert (cov[:, 2] > 0).all()
        assert (cov[:, 0] * cov[:, 2] > cov[:, 1] ** 2).all()


def test_no_time_changes_nothing():
    mean, cov = _moving()
    again = kalman.predict(mean, cov, 0)
    np.testing.assert_array_equal(again[0], mean)
    np.testing.assert_array_equal(again[1], cov)


def test_a_shrinking_box_does_not_turn_inside_out():
    mean, cov = kalman.begin(BOX)
    mean[:, 1, 3] = -5
    box = kalman.to_xyxy(kalman.predict(mean, cov, 1000)[0])
    assert (box[:, 2:] > box[:, :2]).all()


def test_boxes_go_to_means_and_back():
    xyxy = np.array([[10.0, 20.0, 30.0, 80.0]])
    assert kalman.to_xyxy(kalman.begin(kalman.to_xyah(xyxy))[0])[0] == pytest.approx(xyxy[0])
