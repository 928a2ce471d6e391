"""Frames between two threads: the newest only, or every one; and an end that both sides hear of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.runtime.mailbox import Closed, Mailbox


def test_newest_drops_the_oldest_and_gives_it_back() -> None:
    dropped: list[int] = []
    box = Mailbox[int](2, newest=True, on_drop=dropped.append)
    for letter in range(5):
        box.put(letter)
    assert (dropped, box.dropped) == ([0, 1, 2], 3)
    assert [box.take(), box.take(), box.take(0)] == [3, 4, None]


def test_who_turns_out_to_be_a_camera_keeps_the_newest_from_then_on() -> None:
    dropped: list[int] = []
    box = Mailbox[int](3, newest=False, on_drop=dropped.append)
    box.put(0)
    box.put(1)
    box.keep_newest()
    box.put(2)
    assert (dropped, box.dropped, box.take(0), box.take(0)) == ([0, 1], 2, 2, None)


def test_every_letter_waits_for_its_reader() -> None:
    box = Mailbox[int](1, newest=False)
    box.put(0)
    assert not box.has_room
    writer = threading.Thread(target=box.put, args=(1,))
    writer.start()
    writer.join(0.05)
    assert writer.is_alive()
    assert box.take() == 0
    writer.join(5)
    assert (box.take(), box.dropped) == (1, 0)


def test_closing_wakes_a_reader_that_waits(eventually: Callable[..., bool]) -> None:
    box, heard = Mailbox[int](1, newest=True), []

    def read() -> None:
        with pytest.raises(Closed):
            box.take()
        heard.append(True)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.02)
    box.close()
    reader.join(5)
    assert heard == [True]


def test_closing_wakes_a_writer_that_waits() -> None:
    box, heard = Mailbox[int](1, newest=False), []
    box.put(0)

    def write() -> None:
        with pytest.raises(Closed):
            box.put(1)
        heard.append(True)

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.02)
    box.close()
    writer.join(5)
    assert heard == [True]
    assert not box.finished  # what was put in time can still be taken
    assert box.take() == 0
    assert box.finished
    with pytest.raises(Closed):
        box.take(0)


def test_what_is_discarded_is_given_back() -> None:
    dropped: list[int] = []
    box = Mailbox[int](3, newest=False, on_drop=dropped.append)
    for letter in range(3):
        box.put(letter)
    box.close(discard=True)
    box.close()
    assert (dropped, box.finished) == ([0, 1, 2], True)


def test_every_change_is_told_outside_the_lock() -> None:
    told: list[bool] = []
    box = Mailbox[int](1, newest=True, on_change=lambda: told.append(box.has_room))
    box.put(0)
    box.take()
    box.close()
    assert told == [False, True, True]


@settings(max_examples=20)
@given(
    room=st.integers(1, 4),
    newest=st.booleans(),
    naps=st.lists(st.sampled_from([0, 0, 0, 0.0005]), min_size=1, max_size=9),
    count=st.integers(0, 200),
)
def test_letters_come_in_order_and_each_is_taken_or_given_back(room: int, newest: bool, naps: list[float], count: int) -> None:
    dropped: list[int] = []
    taken: list[int] = []
    box = Mailbox[int](room, newest=newest, on_drop=dropped.append)

    def read() -> None:
        try:
            while True:
                letter = box.take()
                assert letter is not None
                taken.append(letter)
                time.sleep(naps[letter % len(naps)])
        except Closed:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    for letter in range(count):
        box.put(letter)
    box.close()
    reader.join(10)
    assert not reader.is_alive()
    assert taken == sorted(taken)
    assert sorted(taken + dropped) == list(range(count))
    assert box.dropped == len(dropped)
    if not newest:
        assert taken == list(range(count))
    elif count:
        assert taken[-1] == count - 1
