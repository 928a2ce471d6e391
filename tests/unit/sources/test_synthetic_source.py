"""The synthetic camera's frames: what is drawn, and when it comes. Who walks where is the scene's and has its tests elsewhere."""

from __future__ import annotations

import time
from itertools import islice

import cv2
import numpy as np
import pytest

from edge.data import Size
from edge.errors import SourceError, UsageError
from edge.sources.synthetic import PlazaOptions, Scene, open_synthetic
from edge.sources.synthetic.render import Renderer

SMALL = "synthetic://plaza?size=160x90&fps=10&people=6"


def pictures(uri, count, **more):
    with open_synthetic(uri, "yard", **more) as source:
        return [(frame.stamp, frame.bgr.copy()) for frame in islice(source, count)]


@pytest.fixture(scope="module")
def renderer():
    return Renderer(Scene(PlazaOptions(size=Size(640, 360), people=14)))


def test_frames_carry_their_number_and_time():
    (first, _), (second, picture) = pictures(SMALL, 2)
    assert (first.camera, first.index, first.t_ns) == ("yard", 0, 0)
    assert (second.index, second.t_ns, second.size) == (1, 100_000_000, Size(160, 90))
    assert picture.shape == (90, 160, 3)
    assert picture.dtype == np.uint8


def test_a_seed_gives_the_same_pictures_to_the_last_bit():
    for (_, a), (_, b) in zip(pictures(SMALL, 3), pictures(SMALL, 3), strict=True):
        assert np.array_equal(a, b)


def test_a_resumed_camera_shows_what_an_unbroken_one_does():
    through, resumed = pictures(SMALL, 6)[4:], pictures(SMALL, 2, start_index=4)
    for (a, seen), (b, again) in zip(through, resumed, strict=True):
        assert a == b
        assert np.array_equal(seen, again)


def test_a_moment_looks_the_same_at_any_frame_rate():
    (_, slow), (_, fast) = pictures(SMALL, 5)[4], pictures(SMALL.replace("fps=10", "fps=20"), 9)[8]
    assert np.array_equal(slow, fast)


def test_it_ends_after_its_seconds():
    with open_synthetic(SMALL + "&seconds=0.75", "yard", start_index=2) as source:
        assert source.facts.frames == 8
        assert [frame.stamp.index for frame in source] == list(range(2, 8))
        assert [frame.stamp.index for frame in source] == list(range(2, 8))  # each iteration begins anew
    assert pictures(SMALL + "&seconds=0.75", 3, start_index=99) == []


def test_facts_name_the_content_and_whether_it_waits():
    with open_synthetic(SMALL, "yard") as source:
        facts = source.facts
    assert (facts.size, facts.fps, facts.live, facts.frames, facts.start_utc_ns) == (Size(160, 90), 10.0, False, None, None)
    assert facts.key == open_synthetic("synthetic://plaza?people=6&fps=10.0&size=160x90", "other").facts.key
    assert facts.key != open_synthetic(SMALL + "&seed=8", "yard").facts.key
    assert not open_synthetic(SMALL, "yard", realtime=True).facts.live


def test_a_live_camera_comes_in_time_and_skips_what_nobody_took():
    with open_synthetic(SMALL.replace("fps=10", "fps=50"), "yard", realtime=True) as source:
        frames = iter(source)
        begun = time.monotonic()
        for _ in range(5):
            last = next(frames).stamp
        assert time.monotonic() - begun > 0.07
        time.sleep(0.3)
        after = next(frames).stamp
    assert after.index - last.index > 8
    assert after.t_ns == round(after.index * 1e9 / 50)


def test_a_camera_that_is_not_open_says_so():
    with pytest.raises(SourceError, match="not open"):
        next(iter(open_synthetic(SMALL, "yard")))
    with pytest.raises(UsageError):
        open_synthetic("synthetic://plaza?zoom=2", "yard")
    with pytest.raises(ValueError, match="start_index"):
        open_synthetic(SMALL, "yard", start_index=-1)


@pytest.mark.parametrize("t_s", [3.0, 21.4, 58.9])
def test_boxes_hold_what_is_drawn_of_a_person_and_fit_it(renderer, t_s):
    """Each alone, without its shadow: all changed pixels lie in the box, and they fill it nearly from edge to edge."""
    people = renderer.scene.at(t_s)
    for k in np.flatnonzero(people.visible & (people.share > 0.999)):
        picture = renderer.background.copy()
        renderer.draw(picture, people[np.array([k])], shadows=False)
        rows, columns = np.nonzero(cv2.absdiff(picture, renderer.background).max(axis=2) > 30)  # not the soft edge
        x1, y1, x2, y2 = people.box[k]
        assert columns.min() >= x1 - 1.5
        assert rows.min() >= y1 - 1.5
        assert columns.max() + 1 <= x2 + 1.5
        assert rows.max() + 1 <= y2 + 1.5
        assert rows.max() + 1 - rows.min() > 0.8 * (y2 - y1) - 2  # furniture may hide a little
        assert (columns.max() + 1 - columns.min()) > 0.4 * (x2 - x1) - 2


def test_people_throw_shadows(renderer):
    people = renderer.scene.at(30.0)
    with_, without = renderer.background.copy(), renderer.background.copy()
    renderer.draw(with_, people)
    renderer.draw(without, people, shadows=False)
    changed = (with_ != without).any(axis=2)
    assert changed.any()
    assert (with_[changed].astype(int) <= without[changed]).all()


def test_the_nearer_hides_the_farther(renderer):
    """Drawn with the rest or alone, whoever is nearest looks the same."""
    people = renderer.scene.at(12.0)
    people = people[people.visible]
    nearest = people[np.array([len(people) - 1])]
    alone, all_ = renderer.background.copy(), renderer.background.copy()
    renderer.draw(alone, nearest, shadows=False)
    renderer.draw(all_, people, shadows=False)
    body = np.abs(alone.astype(int) - renderer.background).max(axis=2) > 60  # past the soft edge, where what is behind shines through
    assert body.sum() > 50
    assert (np.abs(alone[body].astype(int) - all_[body]).max(axis=1) <= 90).all()
    assert (alone[body] == all_[body]).all(axis=1).mean() > 0.9


@pytest.mark.parametrize("size", ["32x32", "64x48", "90x160", "1920x1080"])
def test_any_size_can_be_drawn(size):
    ((stamp, picture),) = pictures(f"synthetic://plaza?size={size}&people=5", 1)
    assert picture.shape[:2] == stamp.size[::-1]
    assert picture.std() > 15


def test_an_empty_plaza_shows_no_more_than_grain():
    (_, a), (_, b) = pictures("synthetic://plaza?size=160x90&people=0", 2)
    assert 0 < np.abs(a.astype(int) - b).max() <= 8
