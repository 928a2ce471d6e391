"""The detector that spoils a scene's own boxes: how often it misses, invents and strays. The scene's own tests are elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from edge import geometry
from edge.data import Frame, HostPixels, Size, Stamp
from edge.errors import UsageError
from edge.sources.synthetic import PlazaOptions, Scene, SceneDetector

SIZE = Size(640, 360)
FPS = 10


@pytest.fixture(scope="module")
def scene():
    return Scene(PlazaOptions(size=SIZE, people=8))


def stamp(index, size=SIZE, camera="yard"):
    return Stamp(camera, index, round(index * 1e9 / FPS), size)


def in_plain_view(scene, index):
    """Boxes of those who are wholly in the picture and whom nobody overlaps."""
    people = scene.at(index / FPS)
    alone = (geometry.iou(people.box, people.box) > 0).sum(axis=1) == 1
    return people.box[people.visible & alone & (people.share > 0.999)]


def equal(a, b):
    return np.array_equal(a.xyxy, b.xyxy) and np.array_equal(a.score, b.score)


def test_a_perfect_detector_sees_the_scene_itself(scene):
    perfect = SceneDetector({"yard": scene}, miss=0, false_per_frame=0, jitter=0, low=0)
    for index in range(0, 600, 25):
        found = perfect.look(stamp(index))
        boxes = in_plain_view(scene, index)
        assert (geometry.iou(boxes, found.xyxy.astype(float)).max(axis=1) > 0.999).all()
        assert (found.score > 0.2).all()


@pytest.mark.parametrize("miss", [0.05, 0.3])
def test_it_misses_as_often_as_it_says(scene, miss):
    detector = SceneDetector({"yard": scene}, miss=miss, false_per_frame=0, jitter=0)
    seen = all_ = 0
    for index in range(0, 4000, 10):
        boxes = in_plain_view(scene, index)
        if len(boxes):
            overlap = geometry.iou(boxes, detector.look(stamp(index)).xyxy.astype(float))
            seen += int((overlap > 0.9).any(axis=1).sum())
            all_ += len(boxes)
    assert 1 - seen / all_ == pytest.approx(miss, rel=0.4)


def test_misses_come_in_bursts_as_well_as_singly(scene):
    """Missed now, missed in the next frame as well: more often than by chance."""
    detector = SceneDetector({"yard": scene}, miss=0.2, false_per_frame=0, jitter=0)
    runs = []
    for walk in scene.walks(0, 120):
        row = []
        for index in range(int(np.ceil(max(walk.start_s, 0) * FPS)), int(min(walk.end_s, 120) * FPS)):
            box = scene.follow(walk, np.array([index / FPS])).box
            if box[0, 0] > 0 and box[0, 2] < SIZE.width and box[0, 3] < SIZE.height:
                row.append(bool((geometry.iou(box, detector.look(stamp(index)).xyxy.astype(float)) < 0.9).all()))
        runs.append(np.array(row, bool))
        if len(runs) == 12:
            break
    again = np.concatenate([run[1:][run[:-1]] for run in runs if len(run)])
    assert again.mean() > 1.5 * np.concatenate(runs).mean()


def test_it_invents_as_often_as_it_says():
    nobody = SceneDetector({"yard": Scene(PlazaOptions(size=SIZE, people=0))}, false_per_frame=0.4)
    invented = [len(nobody.look(stamp(index))) for index in range(1200)]
    assert np.mean(invented) == pytest.approx(0.4, rel=0.2)


def test_edges_stray_as_far_as_it_says(scene):
    detector = SceneDetector({"yard": scene}, miss=0, false_per_frame=0, jitter=0.03)
    strays = []
    for index in range(0, 1000, 5):
        boxes, found = in_plain_view(scene, index), detector.look(stamp(index)).xyxy.astype(float)
        if len(boxes):
            nearest = geometry.iou(boxes, found).argmax(axis=1)
            tall = (boxes[:, 3] - boxes[:, 1])[:, None]
            strays.append(((found[nearest] - boxes)[:, [1, 3]] / tall).ravel())
    assert np.std(np.concatenate(strays)) == pytest.approx(0.03, rel=0.15)


def test_some_scores_are_low(scene):
    detector = SceneDetector({"yard": scene}, miss=0, false_per_frame=0, low=0.2)
    score = np.concatenate([detector.look(stamp(index)).score for index in range(200)])
    assert 0.12 < (score < 0.4).mean() < 0.4


def test_it_says_the_same_of_a_stamp_whatever_was_asked_before(scene):
    a, b = SceneDetector({"yard": scene}, seed=4), SceneDetector({"yard": Scene(scene.options)}, seed=4)
    for index in (5, 900, 17):
        a.look(stamp(index))
    assert equal(a.look(stamp(33)), b.look(stamp(33)))
    assert not equal(a.look(stamp(33)), SceneDetector({"yard": scene}, seed=5).look(stamp(33)))


def test_two_cameras_on_one_scene_err_each_in_its_own_way(scene):
    detector = SceneDetector({"yard": scene, "gate": scene})
    assert not equal(detector.look(stamp(3)), detector.look(stamp(3, camera="gate")))


def test_boxes_lie_in_the_frame_and_scale_with_it(scene):
    detector = SceneDetector({"yard": scene}, false_per_frame=2)
    for index in range(0, 300, 7):
        small, large = detector.look(stamp(index)).xyxy, detector.look(stamp(index, Size(1280, 720))).xyxy
        np.testing.assert_allclose(large, small * 2, rtol=1e-5)
        assert (small >= 0).all()
        assert (small <= (640, 360, 640, 360)).all()
        assert (small[:, 2:] > small[:, :2]).all()


def test_the_hidden_are_not_seen(scene):
    crowd = Scene(PlazaOptions(size=SIZE, people=80))
    detector = SceneDetector({"yard": crowd}, miss=0, false_per_frame=0, jitter=0)
    seen, present = len(detector.look(stamp(50))), int(crowd.at(5.0).visible.sum())
    assert 0.5 * present < seen < present


def test_it_is_a_detector_of_persons(scene):
    with SceneDetector({"yard": scene}) as detector:
        frame = Frame(stamp(1), HostPixels(np.zeros((360, 640, 3), np.uint8)))
        (found,) = detector.detect([frame])
        assert equal(found, detector.look(frame.stamp))
        assert detector.names == ("person",)
        assert detector.batch >= 1
        assert detector.detect([]) == []


def test_a_camera_without_a_scene_is_named(scene):
    with pytest.raises(UsageError, match="'roof'"):
        SceneDetector({"yard": scene}).look(stamp(0, camera="roof"))


def test_shares_beyond_reason_are_refused(scene):
    with pytest.raises(ValueError, match="miss is 2"):
        SceneDetector({"yard": scene}, miss=2)
