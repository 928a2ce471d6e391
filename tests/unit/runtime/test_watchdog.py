"""Work that advances, and work that is owed: by numbers alone, without a thread or a clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.runtime.gauges import CameraGauges
from edge.runtime.reader import PATIENCE_S as READER_S
from edge.runtime.watchdog import FIRST_S, SILENT_S, Watchdog

PATIENCE_S = 10.0


def camera(state: str = "live", *, gave: int = 0, counted: int = 0) -> CameraGauges:
    gauges = CameraGauges()
    gauges.state, gauges.frames_in, gauges.frames_processed = state, gave, counted
    return gauges


def at_work(*cameras: CameraGauges) -> Watchdog:
    """A watchdog that has seen each camera count a frame, at 0 s."""
    dog = Watchdog({f"c{number}": gauges for number, gauges in enumerate(cameras)})
    dog.look(0.0)
    for gauges in cameras:
        gauges.frames_in += 1
        gauges.frames_processed += 1
    dog.look(0.0)
    return dog


def test_nothing_is_stuck_before_the_first_look():
    assert Watchdog({"c0": camera()}).stuck(PATIENCE_S) == ""


def test_cameras_that_advance_are_not_stuck_however_slowly():
    gauges = camera()
    dog = at_work(gauges)
    for n in range(1, 20):
        gauges.frames_in += 30
        gauges.frames_processed += 1
        dog.look(9.0 * n)
        assert dog.stuck(PATIENCE_S) == ""


def test_frames_that_come_and_are_not_counted_are_owed():
    door, till = camera(), camera()
    dog = at_work(door, till)
    for s in range(1, 13):
        door.frames_in += 25
        till.frames_in, till.frames_processed = till.frames_in + 25, till.frames_processed + 25
        dog.look(s)
        assert bool(dog.stuck(PATIENCE_S)) == (s > PATIENCE_S)
    assert dog.stuck(PATIENCE_S) == "no frame of camera c0 was counted on for 12 s, though it gave 300 since"
    door.frames_processed += 1
    dog.look(13)
    assert dog.stuck(PATIENCE_S) == ""


def test_a_camera_that_claims_to_be_live_and_gives_nothing_is_stuck():
    """Only after its reader has had the time to find that out: where that did not happen, something else hangs."""
    assert SILENT_S > READER_S
    dog = at_work(camera())
    dog.look(PATIENCE_S + READER_S)
    assert dog.stuck(PATIENCE_S) == ""
    dog.look(PATIENCE_S + SILENT_S + 1)
    assert "gave 0 since" in dog.stuck(PATIENCE_S)


def test_a_camera_that_is_away_owes_nothing_and_has_new_patience_when_it_returns():
    gauges = camera()
    dog = at_work(gauges)
    for state in ("reconnecting", "failed", "ended", "starting"):
        gauges.state = state
        dog.look(1e6)
        assert dog.stuck(PATIENCE_S) == ""
    gauges.state, gauges.frames_in = "live", gauges.frames_in + 1
    dog.look(1e6 + PATIENCE_S)
    assert dog.stuck(PATIENCE_S) == ""
    dog.look(1e6 + PATIENCE_S + 1)
    assert dog.stuck(PATIENCE_S) != ""


def test_cameras_that_come_and_go_do_not_hide_an_accelerator_that_hangs():
    gauges = camera()
    dog = at_work(gauges)
    for s in range(1, 12):
        gauges.state = "live" if s % 2 else "reconnecting"
        gauges.frames_in += s % 2
        dog.look(s)
    assert dog.stuck(PATIENCE_S) != ""


def test_before_the_first_frame_there_is_more_patience_and_not_for_ever():
    gauges = camera("live", gave=1)
    dog = Watchdog({"c0": gauges})
    dog.look(0.0)
    dog.look(PATIENCE_S + FIRST_S - 1)
    assert dog.stuck(PATIENCE_S) == ""
    dog.look(PATIENCE_S + FIRST_S + 1)
    assert dog.stuck(PATIENCE_S) != ""


def test_a_camera_that_was_never_there_is_not_waited_for():
    dog = Watchdog({"c0": camera("starting")})
    for s in (0, 1e4):
        dog.look(s)
        assert dog.stuck(PATIENCE_S) == ""


def test_a_blind_camera_still_gives_frames():
    gauges = camera("blind")
    dog = at_work(gauges)
    gauges.frames_in += 1
    dog.look(PATIENCE_S + 1)
    assert dog.stuck(PATIENCE_S) != ""


@given(st.lists(st.tuples(st.sampled_from(["live", "reconnecting"]), st.integers(0, 5), st.booleans()), max_size=60))
def test_who_counts_all_that_came_is_never_stuck_and_who_counts_nothing_of_it_is_never_excused(steps: list[tuple[str, int, bool]]):
    """A frame in flight when the watchdog looks is either counted by the next look, or owed."""
    good, bad = camera("reconnecting"), camera("reconnecting")
    dog = at_work(good, bad)
    owed_from: float | None = None
    s = 0.0
    for state, frames, in_flight in steps:
        s += 1
        for gauges in (good, bad):
            gauges.state = state if frames else "reconnecting"
            gauges.frames_in += frames
        good.frames_processed = max(good.frames_processed, good.frames_in - int(in_flight))
        if frames and owed_from is None:
            owed_from = s - 1
        dog.look(s)
    stuck = dog.stuck(PATIENCE_S)
    assert "c0" not in stuck
    assert bool(stuck) == (owed_from is not None and s - owed_from > PATIENCE_S)
