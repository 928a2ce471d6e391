"""Media time and capture time: order, repair, and what jitter, drift and jumps do to them."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from edge.sources.times import SECOND_NS, ArrivalTime, MediaTime, PipelineTime

FRAME_NS = SECOND_NS // 10


def media(pts: list[int | None]) -> list[int]:
    clock = MediaTime(fps=10)
    return [clock.t_ns(None if p is None else p * FRAME_NS) for p in pts]


def frames(*numbers: float) -> list[int]:
    return [round(n * FRAME_NS) for n in numbers]


def test_media_time_starts_at_zero_wherever_the_file_does() -> None:
    assert media([70, 71, 73]) == frames(0, 1, 3)


def test_missing_and_repeated_times_are_replaced_by_the_rate() -> None:
    assert media([0, None, 2, 2, 4]) == frames(0, 1, 2, 3, 4)
    assert media([None, None]) == frames(0, 1)


def test_a_small_step_back_is_repaired_and_a_recording_glued_behind_goes_on() -> None:
    assert media([0, 1, 0, 3]) == frames(0, 1, 2, 3)
    assert media([100, 101, 150, 0, 1, 2]) == frames(0, 1, 50, 51, 52, 53)


@given(st.lists(st.one_of(st.none(), st.integers(-100, 100)), min_size=2, max_size=60))
def test_media_time_grows_strictly_whatever_the_file_says(pts: list[int | None]) -> None:
    times = media(pts)
    assert times[0] == 0
    assert all(a < b for a, b in itertools.pairwise(times))


def capture(arrivals: list[tuple[int | None, int]]) -> list[int]:
    clock, times = ArrivalTime(), []
    for pts_ns, now_ns in arrivals:
        clock.arrived(pts_ns, now_ns=now_ns)
        times.append(clock.t_ns(pts_ns, now_ns=now_ns))
    return times


def test_jitter_on_the_way_stays_out_of_the_capture_times() -> None:
    rng = random.Random(1)
    arrivals = [(i * FRAME_NS, 10**12 + i * FRAME_NS + rng.randrange(30_000_000)) for i in range(300)]
    steps = [b - a for a, b in itertools.pairwise(capture(arrivals))]
    late = [b - a for a, b in itertools.pairwise(now for _, now in arrivals)]
    settled = 150
    assert max(abs(step - FRAME_NS) for step in steps[settled:]) < 2_000_000
    assert max(abs(step - FRAME_NS) for step in late[settled:]) > 15_000_000


def test_a_camera_clock_that_drifts_is_followed() -> None:
    # 500 parts in a million slow, for ten minutes: 0.3 s in all.
    arrivals = [(round(i * FRAME_NS * 0.9995), 10**12 + i * FRAME_NS) for i in range(6000)]
    times = capture(arrivals)
    assert max(now - t for t, (_, now) in zip(times, arrivals, strict=True)) < 15_000_000


def test_a_burst_after_a_stall_keeps_the_times_of_capture() -> None:
    arrivals = [(i * FRAME_NS, 10**12 + max(i * FRAME_NS, 3 * SECOND_NS if 20 <= i < 30 else 0)) for i in range(40)]
    times = capture(arrivals)
    assert times == [10**12 + i * FRAME_NS for i in range(40)]


def test_presentation_times_that_make_no_sense_leave_the_arrival() -> None:
    nows = [10**12 + i * FRAME_NS for i in range(4)]
    assert capture([(None, now) for now in nows]) == nows
    assert capture([(90 * SECOND_NS, nows[0]), (0, nows[1]), (FRAME_NS, nows[2]), (2 * FRAME_NS, nows[3])]) == nows
    assert capture([(0, nows[0]), (99 * SECOND_NS, nows[1]), (99 * SECOND_NS + FRAME_NS, nows[2])]) == nows[:3]


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(-(10**11), 10**11)), st.integers(1, 10**9)), min_size=2, max_size=60))
def test_capture_times_grow_strictly_and_are_never_ahead_of_the_arrival(pieces: list[tuple[int | None, int]]) -> None:
    nows = list(itertools.accumulate((gap for _, gap in pieces), initial=10**12))[1:]
    times = capture([(pts, now) for (pts, _), now in zip(pieces, nows, strict=True)])
    assert all(a < b for a, b in itertools.pairwise(times))
    assert all(t <= now for t, now in zip(times, nows, strict=True))


def test_a_pipelines_time_is_taken_at_its_word_however_late_it_is_fetched() -> None:
    clock = PipelineTime()
    fetched_ns = frames(10, 20, 21, 40)
    captured_ns = frames(9, 10.5, 20.2, 21)
    assert [clock.t_ns(c, now_ns=n) for c, n in zip(captured_ns, fetched_ns, strict=True)] == captured_ns


def test_where_a_pipelines_time_makes_no_sense_the_moment_of_fetching_is_the_time() -> None:
    clock = PipelineTime()
    assert clock.t_ns(None, now_ns=100 * SECOND_NS) == 100 * SECOND_NS
    assert clock.t_ns(102 * SECOND_NS, now_ns=101 * SECOND_NS) == 101 * SECOND_NS  # ahead
    assert clock.t_ns(1 * SECOND_NS, now_ns=102 * SECOND_NS) == 102 * SECOND_NS  # back
    assert clock.t_ns(103 * SECOND_NS, now_ns=109 * SECOND_NS) == 109 * SECOND_NS  # seconds old
    assert clock.t_ns(None, now_ns=109 * SECOND_NS) == 109 * SECOND_NS + 1


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 100)), st.integers(0, 20)), max_size=60))
def test_a_pipelines_times_grow_strictly_whatever_it_says(steps: list[tuple[int | None, int]]) -> None:
    clock, now_ns, times = PipelineTime(), 0, []
    for captured_ns, passed_ns in steps:
        now_ns += passed_ns
        times.append(clock.t_ns(captured_ns, now_ns=now_ns))
    assert all(a < b for a, b in itertools.pairwise(times))
