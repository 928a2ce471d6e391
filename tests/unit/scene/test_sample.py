"""What a sample shows of a picture, and what the measures of it are worth: noise drops out, other cameras' nights have edges, no picture is kept."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from edge.data import U8
from edge.scene.blind import Stillness, Structure
from edge.scene.moved import KnownView, Shift, directions
from edge.scene.sample import GRID, Sampler
from edge.sources.synthetic import scene_of
from edge.sources.synthetic.lens import spoil
from edge.sources.synthetic.render import Renderer
from tests.unit.scene.pictures import Place


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (641, 361), (64, 48), (16, 16)])
def test_a_sample_is_of_one_size_whatever_the_picture_has(size: tuple[int, int]) -> None:
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, width // 2 :, 1] = 200
    sample = Sampler().take(picture)
    assert sample.shape == (2, GRID.height, GRID.width)
    assert (sample[:, :, : GRID.width // 2 - 5] == 0).all()
    assert (sample[:, :, GRID.width // 2 + 5 :] == 200).all()


def test_a_picture_with_padded_rows_is_sampled_as_one_without() -> None:
    padded = np.random.default_rng(1).integers(0, 255, (180, 336, 3)).astype(np.uint8)
    np.testing.assert_array_equal(Sampler().take(padded[:, :320]), Sampler().take(np.ascontiguousarray(padded[:, :320])))


def test_the_halves_of_a_sample_share_no_pixel() -> None:
    picture = np.zeros((180, 320, 3), np.uint8)
    picture[::2, :, 1] = 100
    upper, lower = Sampler().take(picture)
    assert (upper == 100).all()
    assert (lower == 0).all()


@cache
def plaza(layout: int) -> U8:
    return Renderer(scene_of(f"synthetic://plaza?seed=4&size=384x216&people=0&layout={layout}")).paint(0.0)


@pytest.mark.parametrize("lens", range(12))
def test_a_poor_cameras_night_has_edges(lens: int) -> None:
    picture, rng = plaza(lens % 2), np.random.default_rng(lens)
    spoilt = spoil(picture, rng)
    night = np.clip(spoilt * 0.1 + rng.standard_normal(spoilt.shape) * 4, 0, 255).astype(np.uint8)
    for seen in (picture, spoilt, night):
        assert Structure().find(Sampler().take(seen)) == ""


def test_noise_alone_is_no_structure() -> None:
    rng = np.random.default_rng(3)
    structure = Structure()
    found = {structure.find(Sampler().take(rng.integers(0, 40, (180, 320, 3)).astype(np.uint8))).partition(":")[0] for _ in range(20)}
    assert found == {"covered"}


def test_whether_a_still_picture_is_unusual_is_learned_from_pictures_that_differ() -> None:
    quiet, lively = Stillness(), Stillness()
    sampler, still, grainy = Sampler(), Place(noise=0.0, people=1), Place(noise=3.0)
    for k in range(80):
        quiet.note(sampler.take(still.picture(k / 4)), 0.25)
        lively.note(sampler.take(grainy.picture(k / 4)), 0.25)
    assert (quiet.unusual, lively.unusual) == (False, True)
    held = sampler.take(grainy.picture(0))
    for _ in range(4 * 3600):  # an hour
        lively.note(held, 0.25)
    assert lively.unusual
    assert lively.same_s == pytest.approx(3600, abs=1)


def test_a_view_comes_back_from_what_is_kept_of_it() -> None:
    place, known = Place(people=2), KnownView()
    for k in range(10):
        known.learn(directions(Sampler().take(place.picture(k / 4)).mean(axis=0)))
    again = KnownView(known.state())
    assert (again.views, again.known) == (10, True)
    assert again.find(directions(Sampler().take(place.picture(9)).mean(axis=0))) == Shift(0.0, 0.0)
    shifted = again.find(directions(Sampler().take(place.picture(9, right=16, down=-10)).mean(axis=0)))
    assert shifted == pytest.approx((16 / 320, -10 / 180), abs=0.01)
    assert again.find(directions(Sampler().take(Place(seed=5).picture(0)).mean(axis=0))) is None


def test_a_scene_without_edges_is_not_known_and_has_not_moved() -> None:
    known = KnownView()
    for _ in range(20):
        known.learn(directions(np.full((GRID.height, GRID.width), 90, np.float32)))
    assert not known.known
    assert known.find(directions(np.full((GRID.height, GRID.width), 90, np.float32))) is None
