"""Labelled pictures of many plazas: other cameras, riders and cars, poor lenses, and labels that are the scene's own."""

from __future__ import annotations

from math import atan, degrees

import numpy as np
import pytest

from edge.data import Size
from edge.sources.synthetic import PlazaOptions, Scene
from edge.sources.synthetic.album import CHECKING, HELD_OUT, LEAST_SEEN, NAMES, TRAINING, album
from edge.sources.synthetic.figure import riding
from edge.sources.synthetic.lens import spoil
from edge.sources.synthetic.render import Renderer
from edge.sources.synthetic.site import Site, site_of
from edge.sources.synthetic.traffic import BICYCLE, CAR, PERSON
from edge.sources.synthetic.view import WALL_M, View

SIZE = Size(320, 180)


@pytest.fixture(scope="module")
def street():
    """A plaza with everything on it."""
    return Renderer(Scene(PlazaOptions(size=SIZE, people=12, traffic=8, layout=3, seed=5)))


def test_number_nought_is_the_plaza_of_the_demonstration_and_no_other_is():
    assert site_of(0) == Site()
    assert len({site_of(k).camera_m for k in range(60)}) == 60
    assert site_of(17) == site_of(17)


def test_what_is_trained_on_is_apart_from_what_is_measured_on():
    assert not {0} & {*TRAINING, *CHECKING, *HELD_OUT}
    assert not {*TRAINING} & {*HELD_OUT}
    assert not {*CHECKING} & {*TRAINING, *HELD_OUT}


@pytest.mark.parametrize("layout", range(0, 600, 12))
def test_every_camera_sees_the_plaza_up_to_its_building(layout):
    site = site_of(layout)
    view = View(SIZE, site)
    assert 2.5 < site.camera_m < 10
    (_, near), (_, wall) = view.ground(0, 8.0), view.ground(0, WALL_M)
    assert 0 < wall < near < SIZE.height
    (_, top), _ = view.project(np.array([0.0, 8.0, WALL_M]))
    assert top < 0.5  # the building fills the picture to its upper edge
    assert degrees(atan(SIZE.height / 2 / view.focal_px)) == pytest.approx(degrees(site.half_field))


def test_an_album_follows_from_its_arguments_alone():
    first, again, other = (next(album([2], 1, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.xyxy, again.xyxy)
    assert first.picture.shape != other.picture.shape or not np.array_equal(first.picture, other.picture)


def test_labels_lie_in_the_picture():
    for one in album([4], 3, seed=8, a_scene=3):
        height, width = one.picture.shape[:2]
        assert (one.xyxy[:, 2:] > one.xyxy[:, :2]).all()
        assert one.xyxy.min() >= 0
        assert (one.xyxy <= (width, height, width, height)).all()
        assert ((one.seen >= 0) & (one.seen <= 1)).all()
        assert set(one.class_id.tolist()) <= set(range(len(NAMES)))


def test_what_is_drawn_of_somebody_lies_in_the_box_of_the_truth(street):
    """The truth's box holds the figure at every phase of its stride; a label takes its height, and the width of what is drawn."""
    people = street.scene.at(20.0)
    people = people[people.visible]
    for thing, whole in zip(street.things(people), people.box, strict=True):
        drawn = thing.box()
        assert thing.on_foot
        assert (drawn[:2] > whole[:2] - 1.5).all()
        assert (drawn[2:] < whole[2:] + 1.5).all()
        assert drawn[3] > whole[3] - 0.15 * (whole[3] - whole[1]) - 1


def test_who_is_alone_is_seen_whole_and_who_stands_behind_a_car_is_not(street):
    people, traffic = street.scene.at(20.0), street.scene.traffic(20.0)
    middle = people[(people.share > 0.99) & (people.ground[:, 1] < WALL_M)]
    for k in range(len(middle)):
        (alone,) = street.seen(street.things(middle[np.array([k])]))
        assert 0.1 < alone <= 1  # furniture may hide some
    together = street.seen(street.things(people, traffic))
    assert len(together) == len(street.things(people, traffic))
    assert (together < LEAST_SEEN).any() or (together < 1).any()


def test_what_is_nearest_is_seen_whole(street):
    for t_s in (3.0, 20.0, 40.0):
        things = [thing for thing in street.things(street.scene.at(t_s), street.scene.traffic(t_s)) if _inside(thing.box())]
        assert street.seen(things)[-1] == pytest.approx(1.0, abs=0.02) or things[-1].z > 15  # no furniture stands nearer than that


def _inside(box):
    return box[0] > 1 and box[1] > 1 and box[2] < SIZE.width - 1 and box[3] < SIZE.height - 1


def test_what_is_painted_of_a_vehicle_lies_in_its_box(street):
    for one in street.scene.traffic(11.0):
        picture = street.background.copy()
        street.draw(picture, street.scene.at(11.0)[np.zeros(0, np.intp)], [one], shadows=False)
        changed = np.argwhere((picture != street.background).any(axis=2))
        if not len(changed):
            continue
        boxes = np.array([thing.box() for thing in street.things(street.scene.at(11.0)[np.zeros(0, np.intp)], [one])])
        low, high = np.floor(boxes[:, :2].min(axis=0)) - 2, np.ceil(boxes[:, 2:].max(axis=0)) + 2
        assert (changed[:, ::-1] >= low).all()
        assert (changed[:, ::-1] <= high).all()


def test_a_bicycle_has_a_rider_and_a_car_shows_none(street):
    nobody = street.scene.at(0.0)[np.zeros(0, np.intp)]
    for one in street.scene.traffic(0.0):
        classes = sorted(thing.class_id for thing in street.things(nobody, [one]))
        assert classes == ([PERSON, BICYCLE] if one.kind == BICYCLE else [CAR])


def test_traffic_moves_on_and_comes_again_the_same():
    scene = Scene(PlazaOptions(size=SIZE, traffic=6))
    assert scene.traffic(31.0) == scene.traffic(31.0) != scene.traffic(31.5)
    assert Scene(PlazaOptions(size=SIZE)).traffic(31.0) == ()


@pytest.mark.parametrize("turn", np.linspace(0, 1, 9))
def test_a_rider_keeps_the_feet_on_the_pedals_and_off_the_ground(turn):
    centres, radii = riding(np.array([1.0, 12.0]), 0.3, float(turn), 1.75, 1.0)
    assert np.isfinite(centres).all()
    low, high = (centres[:, 1] - radii).min(), (centres[:, 1] + radii).max()
    assert 0.05 < low < 0.6
    assert 1.4 < high < 2.1


def test_a_poor_lens_changes_the_picture_and_not_its_size(street):
    picture = street.paint(5.0)
    kept = picture.copy()
    spoilt = [spoil(picture, np.random.default_rng(k)) for k in range(40)]
    assert np.array_equal(picture, kept)
    assert all(one.shape == picture.shape and one.dtype == np.uint8 for one in spoilt)
    same = sum(np.array_equal(one, picture) for one in spoilt)
    assert 10 <= same <= 30


def test_the_demonstrations_camera_keeps_its_key():
    assert PlazaOptions().uri == "synthetic://plaza?seed=7&size=1280x720&fps=15.0&people=12"
    assert PlazaOptions(layout=2, traffic=3).uri.endswith("&people=12&layout=2&traffic=3")
    for wrong in ({"layout": -1}, {"traffic": 21}):
        with pytest.raises(ValueError, match="it must be 0"):
            PlazaOptions(**wrong)
