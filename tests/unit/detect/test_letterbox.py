"""A picture in a network's input and back, to the pixel. Resizing itself is the back-end's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data import Size
from edge.detect import Letterbox, least_network

pictures = st.tuples(st.integers(8, 4096), st.integers(8, 4096)).map(lambda s: Size(*s))
networks = st.tuples(st.integers(1, 40), st.integers(1, 40)).map(lambda s: Size(32 * s[0], 32 * s[1]))
spans = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(pictures, networks)
def test_the_copy_fits_keeps_its_shape_and_is_centred(picture: Size, network: Size) -> None:
    fit = Letterbox.fit(picture, network)
    assert 1 <= fit.inner.width <= network.width
    assert 1 <= fit.inner.height <= network.height
    assert fit.inner.width == network.width or fit.inner.height == network.height
    scale = min(network.width / picture.width, network.height / picture.height)
    assert abs(fit.inner.width - picture.width * scale) <= 0.5 or fit.inner.width == 1
    assert abs(fit.inner.height - picture.height * scale) <= 0.5 or fit.inner.height == 1
    assert 0 <= network.width - fit.inner.width - 2 * fit.left <= 1
    assert 0 <= network.height - fit.inner.height - 2 * fit.top <= 1


@given(pictures, networks, spans, spans)
def test_boxes_go_there_and_back_within_a_pixel(picture: Size, network: Size, across: list[float], down: list[float]) -> None:
    fit = Letterbox.fit(picture, network)
    x, y = np.array(across) * picture.width, np.array(down) * picture.height
    u, v = x * fit.inner.width / picture.width + fit.left, y * fit.inner.height / picture.height + fit.top
    back = fit.to_picture(np.array([[u[0], v[0], u[1], v[1]]], np.float32))
    np.testing.assert_allclose(back[0], [x[0], y[0], x[1], y[1]], atol=1)


def test_a_usual_picture_in_a_square_and_in_a_rectangle() -> None:
    assert Letterbox.fit(Size(1280, 720), Size(640, 640)) == Letterbox(Size(1280, 720), Size(640, 640), Size(640, 360), 0, 140)
    assert Letterbox.fit(Size(1280, 720), Size(640, 384)) == Letterbox(Size(1280, 720), Size(640, 384), Size(640, 360), 0, 12)
    assert Letterbox.fit(Size(720, 1280), Size(640, 384)).inner == Size(216, 384)


def test_boxes_are_cut_at_the_picture() -> None:
    fit = Letterbox.fit(Size(1280, 720), Size(640, 640))
    boxes = fit.to_picture(np.array([[-50, 0, 9000, 640]], np.float32))
    assert boxes.tolist() == [[0, 0, 1280, 720]]
    assert fit.to_picture(np.empty((0, 4), np.float32)).shape == (0, 4)


@pytest.mark.parametrize(
    ("sizes", "network"),
    [
        ([(1920, 1080)], (640, 384)),
        ([(1280, 720), (1920, 1080)], (640, 384)),
        ([(640, 480)], (640, 512)),
        ([(1920, 1080), (768, 576)], (640, 512)),
        ([(1080, 1920)], (384, 640)),
        ([(1920, 1080), (1080, 1920)], (640, 640)),
        ([(4000, 100)], (640, 32)),
    ],
)
def test_the_least_network_has_the_shape_of_the_cameras_pictures(sizes: list[tuple[int, int]], network: tuple[int, int]) -> None:
    assert least_network([Size(*one) for one in sizes], Size(640, 640)) == network


@given(st.lists(pictures, min_size=1, max_size=4), networks)
def test_the_least_network_shows_every_picture_as_large_as_the_most(sizes: list[Size], most: Size) -> None:
    least = least_network(sizes, most)
    assert least.width % 32 == least.height % 32 == 0
    assert least.width <= most.width
    assert least.height <= most.height
    for picture in sizes:
        seen, whole = Letterbox.fit(picture, least), Letterbox.fit(picture, most)
        assert seen.inner == whole.inner
        for least_px, most_px, inner_px in zip(least, most, seen.inner, strict=True):
            assert least_px - inner_px >= min(16, most_px - inner_px), "grey, as far as there was any"
