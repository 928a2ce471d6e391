"""How much of a camera is recorded when it does not keep up, frame by frame. That it is said, and by whom, is `test_recording`'s."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.runtime.pace import STEPS, Pace

SECOND_NS = 1_000_000_000


class Recorder:
    """A recorder that takes `most_fps` pictures a second into a queue of four, fed at `fps` by a pace; in frame time, without a thread."""

    def __init__(self, pace: Pace, *, fps: float = 30.0) -> None:
        self.pace, self.fps, self.t_s, self.queued = pace, fps, 0.0, 0.0
        self.wanted: list[float] = []
        self.steps: list[str] = []

    def run(self, seconds: float, *, most_fps: float | Callable[[], float]) -> None:
        until_s = self.t_s + seconds
        while self.t_s < until_s:
            t_ns = round(self.t_s * SECOND_NS)
            rate = most_fps() if callable(most_fps) else most_fps
            self.queued = max(0.0, self.queued - rate / self.fps)
            if self.pace.wants(t_ns):
                self.wanted.append(self.t_s)
                full = self.queued > 3
                self.queued += not full
                self.pace.put(t_ns, full=full)
            if not self.steps or self.steps[-1] != self.pace.step.says:
                self.steps.append(self.pace.step.says)
            self.t_s += 1 / self.fps

    def rate(self, since_s: float) -> float:
        return len([t_s for t_s in self.wanted if t_s >= since_s]) / (self.t_s - since_s)


def says(*steps: int) -> list[str]:
    return [STEPS[step].says for step in steps]


def test_a_recorder_that_keeps_up_gets_every_picture() -> None:
    recorder = Recorder(Pace())
    recorder.run(100, most_fps=31)
    assert len(recorder.wanted) == pytest.approx(3000, abs=1)
    assert recorder.pace.recording == "full"


def test_a_stall_of_a_second_is_no_reason_to_record_less() -> None:
    recorder = Recorder(Pace())
    recorder.run(20, most_fps=60)
    recorder.run(1, most_fps=0)
    recorder.run(20, most_fps=60)
    assert recorder.steps == says(0)


def test_too_slow_an_encoder_first_gets_fewer_pictures_and_no_fewer_than_needed() -> None:
    recorder = Recorder(Pace())
    recorder.run(60, most_fps=12)
    assert recorder.steps[:2] == says(0, 1)
    assert max(STEPS.index(step) for step in STEPS if step.says in recorder.steps) == 1
    assert recorder.rate(10) > 9


def test_then_smaller_ones_where_that_helps_and_none_where_nothing_helps() -> None:
    recorder = Recorder(Pace())
    pace = recorder.pace
    recorder.run(30, most_fps=lambda: 5.0 if pace.step.shrink > 1 else 1.0)
    assert recorder.steps == says(0, 1, 2, 3)
    assert pace.recording == "small"
    recorder.run(10, most_fps=0)
    assert recorder.steps == says(0, 1, 2, 3, 4)
    assert pace.recording == "paused"
    wanted = len(recorder.wanted)
    recorder.run(20, most_fps=0)
    assert len(recorder.wanted) == wanted  # nothing is painted for nobody


def test_it_comes_back_step_by_step_when_there_is_time_again() -> None:
    recorder = Recorder(Pace())
    recorder.run(30, most_fps=0)
    assert recorder.pace.recording == "paused"
    recorder.run(200, most_fps=60)
    assert recorder.steps == says(0, 1, 2, 3, 4, 3, 2, 1, 0)
    assert recorder.pace.recording == "full"


def test_what_was_tried_too_early_is_tried_less_and_less_often() -> None:
    recorder = Recorder(Pace())
    recorder.run(3600, most_fps=12)
    tries = recorder.steps.count(STEPS[0].says)
    assert 4 <= tries <= 10
    assert recorder.rate(600) < 12


def test_a_files_pictures_wait_and_are_never_fewer() -> None:
    recorder = Recorder(Pace(gives_way=False))
    recorder.run(60, most_fps=0)
    assert recorder.steps == says(0)
    assert len(recorder.wanted) == pytest.approx(1800, abs=1)


def test_the_options_rate_keeps_an_even_pace() -> None:
    thirds = Recorder(Pace(max_fps=10))
    thirds.run(9, most_fps=60)
    assert thirds.wanted[:90] == pytest.approx([i / 10 for i in range(90)], abs=0.001)
    uneven = Recorder(Pace(max_fps=10), fps=15)
    uneven.run(60, most_fps=60)
    assert len(uneven.wanted) == pytest.approx(600, abs=2)


def test_the_options_rate_is_never_exceeded_by_a_step() -> None:
    recorder = Recorder(Pace(max_fps=2))
    recorder.run(60, most_fps=0.5)
    assert recorder.rate(0) <= 2.1


def test_a_failed_recorder_is_tried_again_at_growing_intervals_up_to_a_minute() -> None:
    pace, t_ns, rests = Pace(), 0, []
    for _ in range(6):
        assert pace.wants(t_ns)
        rests.append(pace.failed(t_ns))
        assert pace.recording == "failed"
        assert not pace.wants(t_ns + round((rests[-1] - 0.1) * SECOND_NS))
        t_ns += round(rests[-1] * SECOND_NS)
    assert rests == [5, 10, 20, 40, 60, 60]
    assert pace.wants(t_ns)
    assert not pace.written(t_ns)
    assert pace.recording == "failed"  # one picture proves nothing: it may have got no farther than memory
    assert pace.wants(t_ns + 5 * SECOND_NS)
    assert pace.written(t_ns + 5 * SECOND_NS)
    assert not pace.written(t_ns + 6 * SECOND_NS)
    assert pace.recording == "full"


def test_after_a_minute_that_went_well_a_failure_counts_as_the_first() -> None:
    pace = Pace()
    assert [pace.failed(0), pace.failed(5 * SECOND_NS)] == [5, 10]
    pace.written(20 * SECOND_NS)
    assert pace.failed(25 * SECOND_NS) == 20
    pace.written(50 * SECOND_NS)
    assert pace.failed(120 * SECOND_NS) == 5


def test_a_failure_does_not_count_as_slowness() -> None:
    recorder = Recorder(Pace())
    recorder.run(10, most_fps=60)
    recorder.pace.failed(round(recorder.t_s * SECOND_NS))
    recorder.run(4, most_fps=0)
    assert recorder.steps == says(0)


def test_a_time_that_runs_back_wants_pictures_at_once() -> None:
    pace = Pace(max_fps=1)
    assert pace.wants(100 * SECOND_NS)
    pace.failed(100 * SECOND_NS)
    assert pace.wants(0)


@given(st.lists(st.tuples(st.floats(0.001, 100), st.booleans(), st.sampled_from(["put", "fail", "none"])), max_size=200))
def test_it_always_comes_back_whatever_happened(story: list[tuple[float, bool, str]]) -> None:
    pace, t_ns = Pace(), 0
    for seconds, full, what in story:
        t_ns += round(seconds * SECOND_NS)
        if pace.wants(t_ns) and what == "put":
            pace.put(t_ns, full=full)
        elif what == "fail":
            pace.failed(t_ns)
    for _ in range(900):
        t_ns += 5 * SECOND_NS
        if pace.wants(t_ns):
            pace.put(t_ns, full=False)
            pace.written(t_ns)
    assert pace.recording == "full"
