"""A lost track goes on as a newborn, or does not: what is one person and what must not be. What tracking itself promises is tested beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.count import LineOptions
from edge.data import Detections, Event, Size, Stamp, Tracks
from edge.pipeline import Pipeline, PipelineOptions
from edge.track import ByteTrack, TrackOptions

S = 1_000_000_000
STITCH = TrackOptions(stitch_s=5)
BRIEF = TrackOptions(lost_s=0.5, stitch_s=5)

Box = tuple[float, float, float, float]


def person(x: float, y: float = 100, *, height: float = 100) -> Box:
    """Somebody whose box's left top corner is at (x, y)."""
    return (x, y, x + 0.4 * height, y + height)


def boxes(*people: Box | None, class_id: int = 0, score: float = 0.8) -> Detections:
    """Detections of those who are seen."""
    seen = [box for box in people if box is not None]
    return Detections(np.array(seen, np.float32).reshape(-1, 4), np.full(len(seen), score), np.full(len(seen), class_id))


def follow(tracker: ByteTrack, frames: Iterable[Detections | None], *, fps: int = 10) -> list[Tracks]:
    """What is told of each frame; None is a frame that never came."""
    return [tracker.follow(seen, k * S // fps) for k, seen in enumerate(frames) if seen is not None]


def ids(told: Iterable[Tracks]) -> set[int]:
    return {int(i) for tracks in told for i in tracks.id}


def ended(told: Iterable[Tracks]) -> list[int]:
    return [int(i) for tracks in told for i in tracks.ended]


def walk(fps: int, *, hidden_s: tuple[float, float] = (2, 5), frameless: bool = False, until_s: float = 8) -> list[Detections | None]:
    """Somebody who walks at 0.6 heights a second and is not seen in between."""
    nothing = None if frameless else boxes()
    at = [k / fps for k in range(round(until_s * fps))]
    return [nothing if hidden_s[0] <= t < hidden_s[1] else boxes(person(50 + 60 * t)) for t in at]


@pytest.mark.parametrize("fps", [5, 10, 30])
@pytest.mark.parametrize("frameless", [False, True], ids=["unseen", "no frames"])
def test_after_three_seconds_out_of_sight_it_is_the_same_person(fps: int, frameless: bool):
    frames = walk(fps, frameless=frameless)
    told = follow(ByteTrack(STITCH), frames, fps=fps)
    assert ids(told) == {1}
    assert ended(told) == []
    assert sum(len(tracks) + len(tracks.backlog) for tracks in told) == 5 * fps
    assert ids(follow(ByteTrack(), frames, fps=fps)) == {1, 2}


def test_what_was_seen_before_the_decision_is_told_under_the_old_id():
    told = follow(ByteTrack(STITCH), walk(10))
    back = next(tracks for tracks in told if len(tracks.backlog) and tracks.backlog.t_ns[0] > 2 * S)
    assert list(back.id) == [1]
    assert list(back.backlog.id) == [1, 1]
    assert list(back.backlog.t_ns) == [5 * S, 5 * S + S // 10]


def test_a_stitched_track_uses_up_no_id():
    tracker = ByteTrack(STITCH)
    follow(tracker, walk(10))
    assert ByteTrack.next_id(tracker.state()) == 2


def test_the_next_id_of_a_state_is_the_first_that_was_not_given_out():
    tracker = ByteTrack(first_id=7)
    assert ByteTrack.next_id(tracker.state()) == 7
    follow(tracker, [boxes(person(50), person(300))] * 5)
    assert ByteTrack.next_id(tracker.state()) == 9
    tracker.end()
    assert ByteTrack.next_id(tracker.state()) == 9


@pytest.mark.parametrize(("stitch_s", "ends_after_s"), [(0, 2), (1, 2), (2, 2), (5, 5)])
def test_an_id_ends_only_when_it_can_neither_be_found_nor_stitched(stitch_s: float, ends_after_s: float):
    told = follow(ByteTrack(TrackOptions(stitch_s=stitch_s)), [boxes(person(50))] * 10 + [boxes()] * 100)
    said = [k for k, tracks in enumerate(told) if len(tracks.ended)]
    assert ended(told) == [1]
    assert said == [9 + 10 * ends_after_s + 1]


def _crossings(options: TrackOptions, path: Sequence[float]) -> tuple[list[Event], set[int]]:
    """The crossings, and the ids, at a line at x = 320 of somebody badly seen, whose box is 40 px wide from `path` on, 30 frames a second."""
    lines = {"door": LineOptions((320, 400), (320, 0))}
    pipeline = Pipeline(PipelineOptions(lines=lines, track=options), Size(640, 400))
    stamps = [Stamp("c", k, k * S // 30, Size(640, 400)) for k, _ in enumerate(path)]
    results = [pipeline.step(stamp, boxes(person(x), score=0.5)) for stamp, x in zip(stamps, path, strict=True)]
    return [event for result in results for event in result.events], ids(result.tracks for result in results)


@pytest.mark.parametrize("leap", [30, 38, 45])
@pytest.mark.parametrize("before", [5, 20, 35])
def test_an_id_switch_on_the_line_is_one_crossing(leap: float, before: float):
    at_line = 320 - 20
    path = [x + (leap if x > at_line - before else 0) for x in (150 + 3 * k for k in range(100))]
    events, people = _crossings(STITCH, path)
    assert [(event.verb, event.track) for event in events] == [("in", 1)]
    assert people == {1}
    assert _crossings(TrackOptions(), path)[1] == {1, 2}


def test_an_id_switch_at_which_nobody_crosses_is_no_crossing():
    path = [240 + (-35 if k > 30 else 0) for k in range(90)]
    assert _crossings(STITCH, path) == ([], {1})


@pytest.mark.parametrize("hidden", [(12, 22), (15, 30), (10, 35)])
@pytest.mark.parametrize("late", [0, 2])
def test_two_who_cross_each_others_path_unseen_are_not_swapped(hidden: tuple[int, int], late: int):
    frames = []
    for k in range(55):
        right = None if hidden[0] <= k < hidden[1] else person(100 + 10 * k)
        left = None if hidden[0] <= k < hidden[1] + late else person(600 - 10 * k, 108)
        frames.append(boxes(right, left))
    told = follow(ByteTrack(BRIEF), frames)
    assert ids(told) == {1, 2}
    first, last = next(tracks for tracks in told if len(tracks) == 2), told[-1]
    assert np.argsort(first.xyxy[:, 0]).tolist() == np.argsort(-last.xyxy[:, 0]).tolist()


def _stands_then(*newborn: Box, class_id: int = 0, gap: int = 10, stitch_s: float = 5) -> list[Tracks]:
    """Somebody stands at x = 300 for 2 s; `gap` frames later somebody stands at `newborn`."""
    frames = [boxes(person(300))] * 20 + [boxes()] * gap + [boxes(*newborn, class_id=class_id)] * 10
    return follow(ByteTrack(TrackOptions(lost_s=0.5, stitch_s=stitch_s)), frames)


def test_who_comes_back_where_they_stood_is_the_same():
    assert ids(_stands_then(person(310))) == {1}


@pytest.mark.parametrize("far", [-280, 200, 600])
def test_a_newborn_far_away_is_somebody_else(far: float):
    assert ids(_stands_then(person(300 + far))) == {1, 2}


def test_a_newborn_that_is_much_bigger_or_smaller_is_somebody_else():
    assert ids(_stands_then(person(280, 60, height=180))) == {1, 2}
    assert ids(_stands_then(person(310, 130, height=50))) == {1, 2}


def test_a_newborn_of_another_class_is_something_else():
    assert ids(_stands_then(person(300), class_id=2)) == {1, 2}


def test_a_newborn_that_comes_too_late_is_somebody_else():
    assert ids(_stands_then(person(300), gap=25, stitch_s=3)) == {1}
    assert ids(_stands_then(person(300), gap=30, stitch_s=3)) == {1, 2}


def test_what_can_only_be_foreseen_vaguely_is_left_alone():
    assert ids(_stands_then(person(300), gap=80, stitch_s=60)) == {1, 2}


def test_a_newborn_that_was_there_before_the_loss_is_somebody_else():
    here, beside = person(300), person(345)
    told = follow(ByteTrack(STITCH), [boxes(here)] * 20 + [boxes(here, beside)] + [boxes(beside)] * 10)
    assert ids(told) == {1, 2}


def test_of_two_newborn_one_is_the_lost_and_the_other_is_new():
    told = _stands_then(person(302), person(360))
    assert ids(told) == {1, 2}
    last = told[-1]
    assert last.xyxy[list(last.id).index(1), 0] == pytest.approx(302, abs=1)


def test_many_visitors_need_no_more_memory_than_who_may_come_back():
    tracker, over, size = ByteTrack(TrackOptions(lost_s=1, stitch_s=3)), [], []
    visits = [boxes(person(visitor % 7 * 500)) if k < 5 else boxes() for visitor in range(100) for k in range(25)]
    for k, seen in enumerate(visits):
        over += tracker.follow(seen, k * S // 5).ended.tolist()
        size.append(sum(column.nbytes for column in tracker.state().values()))
    assert over == list(range(1, 101))
    assert max(size) == max(size[:25])


@st.composite
def scenes(draw: st.DrawFn) -> list[tuple[int, Detections]]:
    """Half a minute of people who come, cross, are hidden for seconds and go; of two classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 6))
    place, speed, kind = rng.uniform(0, 600, (n, 2)), rng.normal(0, 50, (n, 2)), rng.integers(0, 2, n)
    t_ns, until, scene = 0, np.zeros(n), []
    for _ in range(draw(st.integers(20, 90))):
        t_ns += int(rng.choice([100, 200, 700, 3000], p=[0.6, 0.35, 0.04, 0.01]) * 1e6) + int(rng.integers(0, 1_000_000))
        hide = (until < t_ns) & (rng.random(n) < 0.04)
        until[hide] = t_ns + rng.uniform(0, 4, hide.sum()) * S
        corner = place + speed * t_ns / S + rng.normal(0, 1, (n, 2))
        seen = until <= t_ns
        xyxy = np.concatenate([corner, corner + [40, 100]], axis=1)[seen]
        scene.append((t_ns, Detections(xyxy, rng.uniform(0.2, 0.95, n)[seen], kind[seen])))
    return scene


@settings(max_examples=60)
@given(scenes(), st.sampled_from([STITCH, BRIEF, TrackOptions(lost_s=1, stitch_s=0.6)]))
def test_what_is_told_of_an_id_goes_forward_in_time_and_nothing_follows_its_end(scene: list[tuple[int, Detections]], options: TrackOptions):
    tracker, last, over, next_id = ByteTrack(options), {}, set(), 1
    horizon_ns = max(options.lost_s, options.stitch_s) * S
    for t_ns, seen in scene:
        tracks = tracker.follow(seen, t_ns)
        assert (np.diff(tracks.id) > 0).all()
        assert set(tracks.backlog.id.tolist()) <= set(tracks.id.tolist())
        for i, then in [
            *zip(tracks.backlog.id.tolist(), tracks.backlog.t_ns.tolist(), strict=True),
            *((i, t_ns) for i in tracks.id.tolist()),
        ]:
            assert then > last.get(i, -1)
            assert i in last or i == next_id
            next_id += i not in last
            last[i] = then
        for i in tracks.ended.tolist():
            assert i in last
            assert t_ns - last[i] > horizon_ns or options.duplicate_iou < 1
            over.add(i)
        assert not over & set(tracks.id.tolist())
    assert set(tracker.end().tolist()) | over == set(last)


@settings(max_examples=40)
@given(scenes())
def test_stitching_that_can_never_happen_changes_nothing(scene: list[tuple[int, Detections]]):
    off, idle = ByteTrack(), ByteTrack(TrackOptions(stitch_s=1e-9))
    for t_ns, seen in scene:
        one, other = off.follow(seen, t_ns), idle.follow(seen, t_ns)
        for name in ("id", "xyxy", "score", "class_id", "row", "ended"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        for name in ("id", "t_ns", "xyxy"):
            np.testing.assert_array_equal(getattr(one.backlog, name), getattr(other.backlog, name))


def test_stitching_is_off_unless_asked_for():
    assert TrackOptions().stitch_s == 0
    assert TrackOptions.ultralytics().stitch_s == 0
