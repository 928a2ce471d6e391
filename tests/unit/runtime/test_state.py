"""What is published of a camera: trouble with the link before blind before moved before live, each once, in order."""

from __future__ import annotations

import threading
from itertools import count, pairwise

from edge.runtime.state import CameraState, StateBoard


class Board(StateBoard):
    """One whose clock is set, and that keeps what was told."""

    def __init__(self) -> None:
        self.utc_ns: int | None = 0
        self.told: list[CameraState] = []
        super().__init__(lambda: self.utc_ns, self.told.append)

    @property
    def names(self) -> list[str]:
        return [state.name for state in self.told]


def test_a_link_in_trouble_hides_what_was_seen_and_shows_it_again() -> None:
    board = Board()
    board.link("live")
    board.sight("moved", "shifted")
    board.link("reconnecting", "silent")
    board.sight("blind", "dark")  # found in a frame that was still on its way
    board.link("live")
    board.sight("clear")
    board.link("ended")
    board.sight("blind", "dark")
    assert board.names == ["live", "moved", "reconnecting", "blind", "live", "ended"]
    assert [state.why for state in board.told] == ["", "shifted", "silent", "dark", "", ""]


def test_a_state_is_told_once_and_a_new_reason_keeps_its_beginning() -> None:
    board = Board()
    for utc_ns, why in enumerate(("silent", "silent", "nobody answers", "nobody answers")):
        board.utc_ns = utc_ns
        board.link("reconnecting", why)
    assert [(state.why, state.since_utc_ns) for state in board.told] == [("silent", 0), ("nobody answers", 0)]


def test_a_gap_goes_with_the_state_it_ends_in_and_with_no_later_one() -> None:
    board = Board()
    board.sight("blind", "dark")
    board.link("live", gap_s=12.0)
    board.sight("clear")
    assert [(state.name, state.gap_s) for state in board.told] == [("blind", 12.0), ("live", None)]


def test_a_state_that_began_before_the_clock_was_right_has_no_beginning() -> None:
    board = Board()
    board.utc_ns = None
    board.link("live")
    assert board.now == CameraState("live", None)


def test_two_threads_leave_the_state_that_was_told_last() -> None:
    board = Board()
    ticks = count()
    board._utc_now_ns = lambda: next(ticks)

    def blink() -> None:
        for _ in range(500):
            board.sight("blind", "dark")
            board.sight("clear")

    board.link("live")
    worker = threading.Thread(target=blink)
    worker.start()
    for _ in range(500):
        board.link("reconnecting", "silent")
        board.link("live")
    worker.join()
    assert board.now == board.told[-1] == CameraState("live", board.now.since_utc_ns)
    assert all(before.since_utc_ns < after.since_utc_ns for before, after in pairwise(board.told))  # type: ignore[operator]
