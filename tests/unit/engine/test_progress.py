"""What share of a build is done, from phases inside phases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.engine.progress import Phases


def test_a_phase_inside_a_step_is_so_much_of_that_step():
    phases = Phases(0.0)
    phases.start("build", None, 4)
    phases.step("build", 0)
    assert phases.progress(10.0).share == pytest.approx(0.25)
    phases.start("tactics", "build", 10)
    phases.step("tactics", 4)
    progress = phases.progress(10.0)
    assert progress.share == pytest.approx(0.375)
    assert progress.left_s == pytest.approx(10 * 0.625 / 0.375)
    assert progress.what == "tactics"


def test_the_share_never_goes_back_when_a_phase_ends():
    phases = Phases(0.0)
    phases.start("build", None, 2)
    phases.start("tactics", "build", 2)
    phases.step("tactics", 1)
    before = phases.progress(1.0).share
    phases.finish("tactics")
    assert phases.progress(2.0).share == before == 0.5


def test_what_is_left_is_not_guessed_at_the_beginning():
    phases = Phases(0.0)
    assert phases.progress(5.0).left_s is None
    phases.start("build", None, 1000)
    phases.step("build", 0)
    assert phases.progress(5.0).left_s is None


@given(st.lists(st.tuples(st.sampled_from(["start", "step", "finish"]), st.integers(0, 3), st.integers(0, 9)), max_size=40))
def test_whatever_the_builder_reports_the_share_grows_within_0_and_1(calls):
    phases = Phases(0.0)
    last = 0.0
    for now_s, (call, name, number) in enumerate(calls, 1):
        if call == "start":
            phases.start(str(name), str(name - 1) if name else None, number)
        elif call == "step":
            phases.step(str(name), number)
        else:
            phases.finish(str(name))
        share = phases.progress(now_s).share
        assert last <= share <= 1
        last = share
