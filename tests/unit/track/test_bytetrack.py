"""The life of tracks, as the field's hard sequences have it. Parity with the field's tracker is tested beside it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.data import Detections, Tracks
from edge.track import ByteTrack, TrackOptions

S = 1_000_000_000


def boxes(*rows: tuple[float, ...]) -> Detections:
    """Detections of rows (x1, y1, x2, y2, score)."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4], np.zeros(len(table), np.int16))


def walker(k: float, *, fps: float, speed: float = 60, score: float = 0.8, y: float = 100, at: float = 50) -> tuple[float, ...]:
    """A person of 40 x 100 px after `k` frames of walking at `speed` px a second."""
    x = at + speed * k / fps
    return (x, y, x + 40, y + 100, score)


def follow(tracker: ByteTrack, frames: Iterable[Detections], *, fps: float = 30, start: int = 0) -> list[Tracks]:
    return [tracker.follow(seen, round((start + k) * S / fps)) for k, seen in enumerate(frames)]


def ids(told: Iterable[Tracks]) -> set[int]:
    return {int(i) for tracks in told for i in tracks.id}


def sights(told: Iterable[Tracks]) -> int:
    return sum(len(tracks) + len(tracks.backlog) for tracks in told)


def ended(told: Iterable[Tracks]) -> list[int]:
    return [int(i) for tracks in told for i in tracks.ended]


def test_a_person_who_walks_is_one_track_and_nothing_seen_of_them_is_missing():
    told = follow(ByteTrack(), [boxes(walker(k, fps=30)) for k in range(60)])
    assert ids(told) == {1}
    assert sights(told) == 60
    assert ended(told) == []


def test_confirmation_brings_the_earlier_sights_in_order_of_time():
    told = follow(ByteTrack(), [boxes(walker(k, fps=10), walker(k, fps=10, y=300)) for k in range(6)], fps=10)
    first = next(tracks for tracks in told if len(tracks))
    assert set(first.backlog.id) == set(first.id) == {1, 2}
    for track in first.id:
        mine = first.backlog.id == track
        assert list(first.backlog.t_ns[mine]) == [0, S // 10]
        assert (np.diff(first.backlog.xyxy[mine][:, 0]) > 0).all()
    assert all(not len(tracks.backlog) for tracks in told[told.index(first) + 1 :])


def test_after_a_gap_of_31_frames_without_a_sight_it_is_the_same_person():
    frames = [boxes(walker(k, fps=30)) if not 30 <= k < 61 else boxes() for k in range(120)]
    told = follow(ByteTrack(), frames)
    assert ids(told) == {1}
    assert ended(told) == []


def test_after_a_gap_of_31_frames_without_a_frame_it_is_the_same_person():
    tracker = ByteTrack()
    told = follow(tracker, [boxes(walker(k, fps=30)) for k in range(30)])
    told += follow(tracker, [boxes(walker(k, fps=30)) for k in range(61, 90)], start=61)
    assert ids(told) == {1}


def test_unconfirmed_boxes_that_flicker_make_no_track():
    flicker = [boxes(*(walker(0, fps=30, at=60 * n) for n in range(10))) if k % 3 == 0 else boxes() for k in range(60)]
    tracker = ByteTrack()
    told = follow(tracker, flicker)
    assert ids(told) == set()
    assert ended(told) == []
    assert len(tracker.state()["key"]) == 0


def test_a_score_that_dips_for_five_frames_does_not_end_the_track():
    told = follow(ByteTrack(), [boxes(walker(k, fps=30, score=0.15 if 20 <= k < 25 else 0.8)) for k in range(50)])
    assert ids(told) == {1}
    assert sights(told) == 50


@pytest.mark.parametrize("fps", [5, 10, 15, 25, 30, 60])
@pytest.mark.parametrize("step", [(1, 0), (-1, 0), (0, 0.5), (0.7, 0.5)])
def test_a_small_object_that_moves_its_own_width_a_frame_keeps_one_id(fps: int, step: tuple[float, float]):
    jitter = np.random.default_rng(fps).normal(0, 0.5, (2 * fps, 4))
    frames = []
    for k in range(2 * fps):
        x, y = 2000 + 20 * step[0] * k, 1000 + 40 * step[1] * k
        frames.append(boxes((*(np.array([x, y, x + 20, y + 40]) + jitter[k]), 0.6)))
    told = follow(ByteTrack(), frames, fps=fps)
    assert ids(told) == {1}
    assert sights(told) == len(frames)


def test_the_same_walk_at_10_and_at_30_fps_gives_the_same_identities():
    def walk(fps: int) -> list[Tracks]:
        people = [dict(speed=60, y=100, at=0), dict(speed=-80, y=120, at=600), dict(speed=30, y=330, at=100)]
        return follow(ByteTrack(), [boxes(*(walker(k, fps=fps, **who) for who in people)) for k in range(6 * fps)], fps=fps)

    slow, fast = walk(10), walk(30)
    for k in range(10, 60):
        assert list(slow[k].id) == list(fast[3 * k].id)
        np.testing.assert_allclose(slow[k].xyxy, fast[3 * k].xyxy, atol=3)


def test_a_camera_that_restarts_leaves_the_ids_of_the_other_alone():
    one, other = ByteTrack(first_id=41), ByteTrack()
    frames = [boxes(walker(k, fps=30)) for k in range(60)]
    assert ids(follow(one, frames[:30])) == {41}
    assert ids(follow(other, frames[:30])) == {1}
    assert list(one.end()) == [41]
    assert ids(follow(other, frames[30:], start=30)) == {1}
    assert ids(follow(one, frames[:30])) == {42}


def test_many_ids_over_a_long_time_need_no_more_memory_than_who_is_alive():
    tracker, seen, over, size = ByteTrack(TrackOptions(lost_s=1)), set(), [], []
    for visitor in range(200):
        told = follow(tracker, [boxes(walker(k, fps=5, at=visitor % 7 * 200)) for k in range(5)] + [boxes()] * 8, fps=5, start=visitor * 13)
        seen |= ids(told)
        over += ended(told)
        size.append(sum(column.nbytes for column in tracker.state().values()))
    assert sorted(seen) == list(range(1, 201))
    assert over == sorted(seen)
    assert max(size) == size[0]


def test_ended_is_said_once_and_only_after_lost_s():
    frames = [boxes(walker(k, fps=10)) for k in range(10)] + [boxes()] * 40
    told = follow(ByteTrack(), frames, fps=10)
    assert ended(told) == [1]
    last, said = 9, next(k for k, tracks in enumerate(told) if len(tracks.ended))
    assert said == last + 21


def test_nothing_is_seen_in_an_empty_first_frame_and_an_empty_hour():
    tracker = ByteTrack()
    told = follow(tracker, [boxes()] * 3600, fps=1)
    assert ids(told) == set()
    told = follow(tracker, [boxes(walker(k, fps=30)) for k in range(30)], start=3600 * 30)
    assert ids(told) == {1}


def test_over_a_gap_longer_than_lost_s_nobody_is_followed():
    tracker = ByteTrack()
    follow(tracker, [boxes(walker(0, fps=10))] * 10, fps=10)
    told = follow(tracker, [boxes(walker(0, fps=10))] * 10, fps=10, start=36_000)
    assert ended(told) == [1]
    assert ids(told) == {2}


def test_time_that_runs_backwards_is_refused_and_changes_nothing():
    tracker = ByteTrack()
    follow(tracker, [boxes(walker(k, fps=30)) for k in range(30)])
    before = tracker.state()
    with pytest.raises(ValueError, match=r"frames must come in order of time, this one is 0\.9\d\d s before the last"):
        tracker.follow(boxes(), 0)
    for name, column in tracker.state().items():
        np.testing.assert_array_equal(column, before[name])


def test_end_returns_every_id_that_is_out_and_a_new_timeline_may_begin():
    tracker = ByteTrack()
    follow(tracker, [boxes(walker(k, fps=30), walker(k, fps=30, y=300)) for k in range(30)], start=1000)
    assert list(tracker.end()) == [1, 2]
    assert list(tracker.end()) == []
    told = follow(tracker, [boxes(walker(k, fps=30)) for k in range(30)])
    assert ids(told) == {3}
    assert ended(told) == []


def test_rows_name_the_detection_and_classes_follow_the_majority():
    tracker = ByteTrack()
    for k in range(12):
        near, far = walker(k, fps=10), walker(k, fps=10, y=300)
        seen = Detections(np.array([far[:4], near[:4]]), np.array([0.7, 0.8]), np.array([2 if k % 4 else 7, 0]))
        tracks = tracker.follow(seen, k * S // 10)
    assert sorted(tracks.row) == [0, 1]
    for box, row, score, kind in zip(tracks.xyxy, tracks.row, tracks.score, tracks.class_id, strict=True):
        np.testing.assert_allclose(box, seen.xyxy[row], atol=3)
        assert score == seen.score[row]
        assert kind == (2, 0)[row]


def test_a_box_without_area_breaks_nothing():
    told = follow(ByteTrack(), [boxes(walker(k, fps=30), (10, 10, 10, 10, 0.9), (20, 10, 30, 10, 0.9)) for k in range(30)])
    assert 1 <= len(ids(told)) <= 3
    assert all(np.isfinite(tracks.xyxy).all() for tracks in told)


@st.composite
def scenes(draw: st.DrawFn) -> list[tuple[int, Detections]]:
    """Some seconds of people who come, cross, hide, dip and go, at uneven stamps; no two boxes and scores are alike."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 6))
    place, speed = rng.uniform(0, 600, (n, 2)), rng.normal(0, 80, (n, 2))
    t_ns, scene = 0, []
    for _ in range(draw(st.integers(5, 40))):
        t_ns += int(
            rng.choice([16, 33, 40, 100, 200, 700, 2500], p=[0.1, 0.4, 0.1, 0.3, 0.05, 0.04, 0.01]) * 1e6 + rng.integers(0, 1_000_000)
        )
        corner = place + speed * t_ns / S + rng.normal(0, 1, (n, 2))
        size = np.array([40, 100]) + rng.normal(0, 1, (n, 2))
        seen = rng.random(n) < 0.85
        xyxy = np.concatenate([corner, corner + size], axis=1)[seen]
        scene.append((t_ns, Detections(xyxy, rng.uniform(0.05, 0.95, n)[seen], rng.integers(0, 2, n)[seen])))
    return scene


def _equal(one: Tracks, other: Tracks) -> None:
    for name in ("id", "xyxy", "score", "class_id", "ended"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("id", "t_ns", "xyxy"):
        np.testing.assert_array_equal(getattr(one.backlog, name), getattr(other.backlog, name))


PROFILES = st.sampled_from([TrackOptions(), TrackOptions.ultralytics(), TrackOptions(lost_s=0.3), TrackOptions(lost_s=0.3, stitch_s=5)])


@settings(max_examples=40)
@given(scenes(), PROFILES, st.integers(0, 2**32 - 1))
def test_the_order_of_the_detections_does_not_matter(scene: list[tuple[int, Detections]], options: TrackOptions, seed: int):
    rng, one, other = np.random.default_rng(seed), ByteTrack(options), ByteTrack(options)
    for t_ns, seen in scene:
        order = rng.permutation(len(seen))
        tracks, shuffled = one.follow(seen, t_ns), other.follow(seen[order], t_ns)
        _equal(tracks, shuffled)
        np.testing.assert_array_equal(tracks.row, order[shuffled.row])


@settings(max_examples=40)
@given(scenes(), PROFILES)
def test_ids_are_unique_and_end_once_and_stay_ended(scene: list[tuple[int, Detections]], options: TrackOptions):
    tracker, out, over = ByteTrack(options), set(), []
    for t_ns, seen in scene:
        tracks = tracker.follow(seen, t_ns)
        assert list(tracks.id) == sorted(set(tracks.id.tolist()))
        assert len(set(tracks.row.tolist())) == len(tracks)
        over += tracks.ended.tolist()
        assert set(tracks.ended.tolist()) <= out
        assert not set(tracks.id.tolist()) & set(over)
        new = set(tracks.id.tolist()) - out
        assert all(i > max(out, default=0) for i in new)
        assert set(tracks.backlog.id.tolist()) <= (set(tracks.id.tolist()) if options.stitch_s else new)
        out |= new
    over += tracker.end().tolist()
    assert sorted(over) == sorted(out)


@settings(max_examples=40)
@given(scenes(), PROFILES, st.integers(0, 40))
def test_restoring_equals_not_having_stopped(scene: list[tuple[int, Detections]], options: TrackOptions, stop: int):
    tracker, going_on = ByteTrack(options), ByteTrack(options)
    for k, (t_ns, seen) in enumerate(scene):
        if k == stop:
            state = going_on.state()
            going_on = ByteTrack(options)
            going_on.restore(state)
        _equal(tracker.follow(seen, t_ns), going_on.follow(seen, t_ns))
    for name, column in tracker.state().items():
        np.testing.assert_array_equal(column, going_on.state()[name])


def test_a_state_is_not_touched_by_what_comes_after_it():
    tracker = ByteTrack()
    follow(tracker, [boxes(walker(k, fps=30)) for k in range(5)])
    state = tracker.state()
    copies = {name: column.copy() for name, column in state.items()}
    follow(tracker, [boxes(walker(k, fps=30)) for k in range(5, 30)], start=5)
    for name, column in state.items():
        np.testing.assert_array_equal(column, copies[name])


def test_what_is_no_state_is_refused_and_changes_nothing():
    tracker = ByteTrack()
    follow(tracker, [boxes(walker(k, fps=30)) for k in range(30)])
    state = tracker.state()
    for broken in ({}, {**state, "mean": state["mean"][:, :1]}, {k: v for k, v in state.items() if k != "id"}):
        with pytest.raises(ValueError, match="a tracker's state"):
            tracker.restore(broken)
    assert ids(follow(tracker, [boxes(walker(k, fps=30)) for k in range(30, 40)], start=30)) == {1}
