"""The synthetic plaza as a function of time: who is where. Pictures, truth and detections have files of their own."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import geometry
from edge.data import Size
from edge.errors import UsageError
from edge.sources.synthetic import PlazaOptions, Scene, parse_uri, plaza_layout, scene_of
from edge.sources.synthetic.furniture import furnish
from edge.sources.synthetic.view import WALL_M, View


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in type(a).__slots__)


def test_a_uri_may_leave_everything_out():
    assert parse_uri("synthetic://plaza") == PlazaOptions()


def test_a_uri_says_everything():
    options = parse_uri("synthetic://plaza?seed=3&size=640x360&fps=29.97&people=4&seconds=2.5")
    assert options == PlazaOptions(seed=3, size=Size(640, 360), fps=29.97, people=4, seconds=2.5)
    assert parse_uri(options.uri) == options


@pytest.mark.parametrize(
    ("uri", "named", "right"),
    [
        ("synthetic://plaza?peple=3", "'peple'", "people"),
        ("synthetic://plaza?people=many", "people", "whole number"),
        ("synthetic://plaza?people=9999", "people", "0 to 300"),
        ("synthetic://plaza?size=1280", "size", "1280x720"),
        ("synthetic://plaza?size=8x8", "size", "32 to 4096"),
        ("synthetic://plaza?fps=0", "fps", "greater than 0"),
        ("synthetic://plaza?fps=fast", "fps", "29.97"),
        ("synthetic://plaza?seconds=0", "seconds", "leave it out"),
        ("synthetic://plaza?seconds=", "seconds", "a number"),
        ("synthetic://plaza?seed=-1", "seed", "0 or more"),
        ("synthetic://plaza?seed=1&seed=2", "seed", "once"),
        ("synthetic://beach", "beach", "plaza"),
        ("synthetic://plaza/garden", "garden", "plaza"),
    ],
)
def test_a_wrong_uri_is_refused_by_key_and_told_what_is_right(uri, named, right):
    with pytest.raises(UsageError) as refused:
        parse_uri(uri)
    assert named in str(refused.value)
    assert right in str(refused.value)


def test_the_same_seed_gives_the_same_people():
    assert same(scene_of("synthetic://plaza?seed=5").at(12.3), scene_of("synthetic://plaza?seed=5").at(12.3))


def test_another_seed_gives_others():
    assert not np.array_equal(Scene(PlazaOptions(seed=1)).at(9.0).ground, Scene(PlazaOptions(seed=2)).at(9.0).ground)


def test_neither_frame_rate_nor_length_nor_scale_changes_the_walk():
    a = Scene(PlazaOptions(size=Size(1280, 720), fps=15)).at(31.7)
    b = Scene(PlazaOptions(size=Size(640, 360), fps=30, seconds=60)).at(31.7)
    np.testing.assert_allclose(a.ground, b.ground, rtol=0, atol=1e-9)
    np.testing.assert_allclose(a.box, 2 * b.box, rtol=0, atol=1e-6)


@settings(max_examples=5)
@given(st.lists(st.floats(0, 1e8), min_size=1, max_size=4), st.floats(0, 1e8))
def test_a_moment_does_not_depend_on_those_asked_before(before, t):
    scene = Scene(PlazaOptions(people=4))
    for other in before:
        scene.at(other)
    assert same(scene.at(t), Scene(PlazaOptions(people=4)).at(t))


@pytest.mark.parametrize("people", [0, 1, 12, 40])
def test_about_as_many_are_present_as_were_asked_for(people):
    scene = Scene(PlazaOptions(people=people))
    present = [int(scene.at(t).visible.sum()) for t in np.arange(0, 300, 9.7)]
    assert np.mean(present) == pytest.approx(people, rel=0.15, abs=0.5)
    assert min(present) >= 0.6 * people - 1


def test_everybody_has_one_name_for_the_whole_walk_and_nobody_elses():
    scene = Scene(PlazaOptions())
    walks = list(scene.walks(0, 500))
    assert len({walk.person for walk in walks}) == len(walks)
    assert min(walk.person for walk in walks) > 0


def test_people_move_as_people_do():
    """No jumps, and no faster than 1.8 m/s, from one fiftieth of a second to the next."""
    scene = Scene(PlazaOptions())
    stood = 0
    for walk in scene.walks(0, 150):
        t = np.arange(walk.start_s, walk.end_s, 0.02)
        ground, _, speed, _ = walk.at(t)
        assert np.hypot(*np.diff(ground, axis=0).T).max() / 0.02 < 1.85
        assert speed.min() >= 0
        stood += bool((speed < 0.01).any())
    assert stood > 5


def test_a_moment_of_all_and_the_whole_of_one_agree():
    scene = Scene(PlazaOptions())
    everybody = scene.at(77.7)
    for walk in scene.walks(77.7, 77.70001):
        row = np.flatnonzero(everybody.id == walk.person)
        assert same(scene.follow(walk, np.array([77.7])), everybody[row])


def test_nobody_walks_through_furniture_or_the_wall():
    scene = Scene(PlazaOptions(people=20))
    for walk in scene.walks(0, 200):
        for piece in furnish(scene.view):
            assert np.hypot(walk.path[:, 0] - piece.x, walk.path[:, 1] - piece.z).min() > 0.55 * piece.radius_m
        beyond = walk.path[walk.path[:, 1] > WALL_M]
        assert len(beyond) == 0 or np.ptp(beyond[:, 0]) < 1.5


def test_rows_go_from_far_to_near():
    assert (np.diff(Scene(PlazaOptions(people=30)).at(5.0).depth) <= 0).all()


def test_the_homography_and_the_projection_agree():
    view = View(Size(800, 450))
    ground = np.array([[-3.0, 7.0], [0.0, 12.0], [5.0, 25.0]])
    px, _ = view.project(np.stack([ground[:, 0], np.zeros(3), ground[:, 1]], axis=1))
    np.testing.assert_allclose(geometry.apply_homography(view.homography, ground), px, atol=1e-9)


@settings(max_examples=25)
@given(st.integers(32, 4096), st.integers(32, 4096))
def test_the_layout_lies_in_a_picture_of_any_size(width, height):
    layout = plaza_layout(Size(width, height))
    points = np.array([p for line in layout.lines.values() for p in line] + [p for ring in layout.zones.values() for p in ring])
    assert len(layout.lines) == 2
    assert len(layout.zones) == 1
    assert (points >= 0).all()
    assert (points <= (width, height)).all()


def test_a_scene_and_its_truth_load_no_vendor_library():
    code = (
        "import sys; from edge.sources.synthetic import *; truth(scene_of('synthetic://plaza?people=2'), t1_s=2);"
        "sys.exit(' '.join({'cv2', 'av', 'gi', 'onnxruntime'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
