"""The rule of clear sides: one line, many lines, any path. Confirmation and boxes are the pipeline's tests."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.count import LineOptions, Lines
from tests.unit.count.seen import HEIGHT, S, sights, verbs, walk

FLAT = LineOptions((100, 200), (500, 200))  # walked from left to right: `in` leads down
BAND = 0.1 * HEIGHT


def line(options: LineOptions = FLAT, **how: float) -> Lines:
    return Lines({"door": options}, **how)


def test_down_is_in_and_up_again_is_out() -> None:
    events = walk(line(), [(300, 100), (300, 300), (300, 100), (300, 300)])
    assert verbs(events) == ["in", "out", "in"]
    assert {event.kind for event in events} == {"line"}
    assert {event.place for event in events} == {"door"}


def test_left_to_right_and_right_to_left_count_one_each() -> None:
    upright = line(LineOptions((300, 500), (300, 100)))  # walked upwards: the right hand is to the right
    assert verbs(walk(upright, [(100, 300), (500, 300)], track=1)) == ["in"]
    assert verbs(walk(upright, [(500, 300), (100, 300)], track=2)) == ["out"]


def test_a_crossing_is_dated_and_placed_where_the_path_met_the_segment() -> None:
    (event,) = walk(line(), [(300, 150), (300, 190), (300, 195), (300, 205), (300, 209), (300, 260)])
    assert event.t_ns == 2 * S + S // 2
    assert event.t_counted_ns == 5 * S
    assert event.point == (300, 200)


def test_a_path_that_dithers_is_dated_to_its_last_meeting() -> None:
    (event,) = walk(line(), [(300, 150), (300, 205), (300, 195), (300, 205), (300, 260)])
    assert event.t_ns == 2 * S + S // 2


def test_within_the_band_no_side_is_taken() -> None:
    assert not walk(line(), [(300, 200 - BAND - 1), (300, 200 + BAND), (300, 200 - BAND - 1)])
    assert verbs(walk(line(), [(300, 200 - BAND - 1), (300, 200 + BAND + 0.01)])) == ["in"]


def test_the_band_grows_with_the_box_and_with_the_option() -> None:
    tall = line()
    assert not tall.count(sights(0, (1, 300, 100), height=300), 0)
    assert not tall.count(sights(S, (1, 300, 225), height=300), S)
    assert verbs(tall.count(sights(2 * S, (1, 300, 231), height=300), 2 * S)) == ["in"]
    assert not walk(line(band=0.3), [(300, 100), (300, 229)])
    assert verbs(walk(line(band=0), [(300, 199.9), (300, 200.1)])) == ["in"]


def test_a_thousand_frames_of_jitter_on_the_line_count_nothing() -> None:
    rng = np.random.default_rng(3)
    path = np.stack([rng.normal(300, 3, 1000), rng.uniform(200 - BAND, 200 + BAND, 1000)], axis=1)
    assert not walk(line(), [(300, 150), *map(tuple, path), (300, 150)])


def test_sliding_along_the_line_counts_nothing() -> None:
    assert not walk(line(), [(x, 200) for x in range(0, 600, 20)])
    assert not walk(line(), [(300, 150), *((x, 195 + 10 * (x % 40 == 0)) for x in range(300, 480, 20)), (480, 150)])


def test_round_the_end_counts_nothing() -> None:
    assert not walk(line(), [(300, 100), (600, 100), (600, 300), (300, 300)])
    assert verbs(walk(line(), [(300, 100), (600, 100), (600, 300), (300, 300), (300, 100)])) == ["out"]  # the side was kept up to date


def test_a_step_over_the_line_that_was_taken_back_is_forgotten() -> None:
    assert not walk(line(), [(300, 150), (300, 205), (300, 150), (600, 150), (600, 300), (300, 300)])


def test_a_spawn_on_the_line_that_leaves_it_counts_nothing() -> None:
    assert not walk(line(), [(300, 200), (300, 201), (300, 260)])


def test_unsure_feet_take_no_side_but_their_path_is_not_lost() -> None:
    door = line()
    door.count(sights(0, (1, 300, 150)), 0)
    assert not door.count(sights(S, (1, 300, 260), sure=False), S)
    (event,) = door.count(sights(2 * S, (1, 300, 261)), 2 * S)
    assert event.verb == "in"
    assert S // 2 - 1e8 < event.t_ns < S


def test_a_fast_step_over_several_lines_counts_each_in_the_order_they_were_met() -> None:
    gates = Lines({f"g{y}": LineOptions((0, y), (600, y)) for y in (300, 100, 200)})
    events = walk(gates, [(50, 0), (50, 400)])
    assert [event.place for event in events] == ["g100", "g200", "g300"]
    assert [event.t_ns for event in events] == sorted(event.t_ns for event in events)


def test_tracks_do_not_know_of_one_another_and_keep_their_class() -> None:
    door = line()
    door.count(sights(0, (1, 200, 100), (2, 300, 300), class_id=4), 0)
    events = door.count(sights(S, (1, 200, 300), (2, 300, 100), class_id=4), S)
    assert [(event.track, event.verb, event.class_id) for event in events] == [(1, "in", 4), (2, "out", 4)]


def test_who_ended_is_forgotten() -> None:
    door = line()
    walk(door, [(300, 100)])
    door.end(np.array([1, 77]))
    assert len(door.state()["id"]) == 0
    assert not walk(door, [(300, 300)], start_ns=9 * S)


def test_no_lines_remember_nobody() -> None:
    none = Lines({})
    assert not walk(none, [(0, 0), (9, 9)])
    assert len(none.state()["id"]) == 0


steps = st.lists(st.tuples(st.floats(0, 600), st.floats(0, 400)), min_size=1, max_size=12)
SPAN = LineOptions((-2000, 200), (3000, 200))


@given(steps)
def test_in_minus_out_is_the_change_of_clear_side(path: list[tuple[float, float]]) -> None:
    told = verbs(walk(line(SPAN), path))
    clear = [math.copysign(1, y - 200) for _, y in path if abs(y - 200) > BAND]
    change = (clear[-1] - clear[0]) / 2 if clear else 0
    assert told.count("in") - told.count("out") == change
    assert all(a != b for a, b in pairwise(told))


@given(steps, st.tuples(st.floats(-500, 500), st.floats(-500, 500)), st.floats(0, 2 * math.pi))
def test_moving_or_turning_the_world_changes_no_count(path: list[tuple[float, float]], shift: tuple[float, float], angle: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    def moved(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [tuple(p) for p in np.array(points) @ turn.T + shift]

    # Rounding may put a point on the edge of the band, or a path by the end of the segment, to either side: stay off both.
    path = [(round(x) + 0.5, round(y) + 0.5) for x, y in path]
    flat = LineOptions((100.137, 200), (500.731, 200))  # no path between half pixels of this picture passes through its ends
    here, there = walk(line(flat), path), walk(line(LineOptions(*moved([flat.start, flat.end]))), moved(path))
    assert verbs(here) == verbs(there)
    assert [abs(a.t_ns - b.t_ns) <= 1000 for a, b in zip(here, there, strict=True)] == [True] * len(here)


@given(steps)
def test_a_mirror_swaps_in_and_out_as_does_a_turned_line(path: list[tuple[float, float]]) -> None:
    here = verbs(walk(line(), path))
    swapped = [{"in": "out", "out": "in"}[verb] for verb in here]
    assert verbs(walk(line(LineOptions(FLAT.end, FLAT.start)), path)) == swapped
    mirrored = line(LineOptions((FLAT.start[0], -200), (FLAT.end[0], -200)))
    assert verbs(walk(mirrored, [(x, -y) for x, y in path])) == swapped


@given(steps, st.integers(2, 7))
def test_looking_more_often_changes_no_count_where_every_corner_is_clear(path: list[tuple[float, float]], parts: int) -> None:
    path = [(x, y if abs(y - 200) > BAND + 1 else y + 3 * BAND) for x, y in path]
    split = [path[0]]
    for a, b in pairwise(path):
        split += [tuple(np.add(a, np.subtract(b, a) * k / parts)) for k in range(1, parts)] + [b]
    assert verbs(walk(line(SPAN), split)) == verbs(walk(line(SPAN), path))


@given(steps, st.integers(0, 12))
def test_a_restart_in_the_middle_changes_nothing(path: list[tuple[float, float]], at: int) -> None:
    whole, first, second = line(), line(), line()
    at = min(at, len(path))
    events = walk(first, path[:at])
    second.restore(first.state())
    assert events + walk(second, path[at:], start_ns=at * S) == walk(whole, path)


@pytest.mark.parametrize("end", [(100, 201), (float("nan"), 0), (float("inf"), 0)])
def test_a_line_without_length_is_refused(end: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"two points at least 2 px apart, here they are \(100, 200\)"):
        LineOptions((100, 200), end)


def test_a_lines_digest_names_its_geometry() -> None:
    assert FLAT.digest == LineOptions((100.001, 200), (500, 200)).digest
    assert len({FLAT.digest, LineOptions(FLAT.end, FLAT.start).digest, LineOptions((101, 200), (500, 200)).digest}) == 3
    assert FLAT.length_px == 400
