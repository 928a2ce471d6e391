"""The scene without people, learned from pictures with people. Who they are comes in as boxes."""

from __future__ import annotations

import numpy as np

from edge.data import Size
from edge.scene import EmptyScene

S = 1_000_000_000
NOBODY = np.empty((0, 4), np.float32)


def room(width: int = 160, height: int = 96) -> np.ndarray:
    """A picture whose every pixel is its own."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x % 256, y % 256, (x + y) % 256], axis=2).astype(np.uint8)


def test_before_anything_was_seen_the_scene_is_grey() -> None:
    picture = EmptyScene().picture(Size(7, 5))
    assert picture.shape == (5, 7, 3)
    assert (picture == picture[0, 0, 0]).all()


def test_a_first_sample_is_taken_as_it_is() -> None:
    scene = EmptyScene()
    scene.learn(room(), NOBODY, 0)
    np.testing.assert_array_equal(scene.picture(Size(160, 96)), room())


def test_nobody_shows_through_who_never_moved_and_the_place_is_learned_when_he_leaves() -> None:
    scene = EmptyScene()
    man = np.array([[60, 20, 80, 60]], np.float32)
    seen = room()
    seen[20:60, 60:80] = (0, 0, 255)
    for k in range(10):
        scene.learn(seen, man, k * S)
    picture = scene.picture(Size(160, 96))
    assert not (picture == (0, 0, 255)).all(axis=2).any()
    assert len(np.unique(picture[20:60, 60:80].reshape(-1, 3), axis=0)) == 1  # grey
    np.testing.assert_array_equal(picture[:10], room()[:10])
    scene.learn(room(), NOBODY, 11 * S)
    np.testing.assert_array_equal(scene.picture(Size(160, 96)), room())


def test_an_undetected_passer_by_leaves_next_to_nothing() -> None:
    scene = EmptyScene()
    for k in range(60):
        seen = room()
        if k == 40:
            seen[30:50, 30:50] = 255
        scene.learn(seen, NOBODY, k * S)
    assert np.abs(scene.picture(Size(160, 96)).astype(int) - room()).max() == 0


def test_who_is_tracked_before_a_known_scene_leaves_nothing_of_himself_in_it() -> None:
    scene = EmptyScene()
    for k in range(20):
        scene.learn(room(), NOBODY, k * S)
    seen = room()
    seen[20:60, 60:80] = (0, 0, 255)
    for k in range(20, 60):
        scene.learn(seen, np.array([[60, 20, 80, 60]], np.float32), k * S)
    np.testing.assert_array_equal(scene.picture(Size(160, 96)), room())


def test_the_scene_follows_the_light() -> None:
    scene = EmptyScene()
    for k in range(60):
        scene.learn(np.full((40, 60, 3), 100, np.uint8), NOBODY, k * S)
    for k in range(60, 120):
        scene.learn(np.full((40, 60, 3), 160, np.uint8), NOBODY, k * S)
    assert (scene.picture(Size(60, 40)) == 160).all()


def test_boxes_beyond_the_picture_hide_no_more_than_their_part_of_it() -> None:
    scene = EmptyScene()
    boxes = np.array([[-500, -500, -100, -100], [150, 80, 900, 900], [1e4, 1e4, 2e4, 2e4]], np.float32)
    scene.learn(room(), boxes, 0)
    np.testing.assert_array_equal(scene.picture(Size(160, 96))[:60, :30], room()[:60, :30])


def test_a_change_of_size_starts_anew_and_wide_pictures_are_kept_small() -> None:
    scene = EmptyScene()
    scene.learn(room(), NOBODY, 0)
    scene.learn(np.full((1080, 1921, 3), 9, np.uint8), NOBODY, S)
    assert (scene.picture(Size(320, 180)) == 9).all()
    assert scene.picture(Size(1921, 1080)).shape == (1080, 1921, 3)


def test_samples_are_wanted_eagerly_at_first_then_one_a_second_and_at_once_when_time_jumps_back() -> None:
    scene = EmptyScene(every_s=1.0, eager_s=0.2, eager_samples=3)
    taken = []
    for k in range(60):
        t_ns = k * S // 10
        if scene.wants(t_ns):
            taken.append(k)
            scene.learn(room(), NOBODY, t_ns)
    assert taken[:6] == [0, 2, 4, 14, 24, 34]
    assert scene.wants(0)
