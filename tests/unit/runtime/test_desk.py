"""The desk: a thread of its own, a bounded queue, an answer in order; who asks never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from edge.data import Message
from edge.requests import Asked
from edge.runtime.desk import Desk


def parts(asked: Asked, now_s: float) -> Iterator[Message]:
    for number in range(3):
        yield Message(f"/{asked.verb}", bytes([number]))


def test_answers_are_carried_away_in_order_by_a_thread_of_its_own(eventually: Callable[..., bool]) -> None:
    carried: list[tuple[str, int, str]] = []

    def reply(message: Message) -> bool:
        carried.append((message.topic, message.payload[0], threading.current_thread().name))
        return True

    desk = Desk()
    desk.take(Asked.of("early", b""))
    with desk.answering(parts, reply):
        desk.take(Asked.of("late", b""))
        assert eventually(lambda: len(carried) == 6)
    assert carried == [(f"/{verb}", number, "desk") for verb in ("early", "late") for number in range(3)]
    desk.take(Asked.of("too late", b""))


def test_an_answer_that_cannot_be_carried_is_given_up_and_the_next_is_tried(eventually: Callable[..., bool]) -> None:
    carried: list[str] = []

    def reply(message: Message) -> bool:
        carried.append(message.topic)
        return message.topic != "/bad"

    desk = Desk()
    with desk.answering(parts, reply):
        for verb in ("bad", "good"):
            desk.take(Asked.of(verb, b""))
        assert eventually(lambda: len(carried) == 4)
    assert carried == ["/bad", "/good", "/good", "/good"]


def test_a_flood_waits_in_bounded_memory_and_nobody_who_asks_waits() -> None:
    gate, answered = threading.Event(), []

    def answer(asked: Asked, now_s: float) -> Iterator[Message]:
        gate.wait(10)
        answered.append(asked.verb)
        yield from ()

    desk = Desk()
    with desk.answering(answer, lambda _: True):
        for number in range(10_000):
            desk.take(Asked.of(str(number), b"x" * 100_000))
        gate.set()
    assert len(answered) <= 17


def test_the_desk_closes_in_the_middle_of_an_answer() -> None:
    begun = threading.Event()

    def endless(asked: Asked, now_s: float) -> Iterator[Message]:
        while True:
            begun.set()
            yield Message("/x", b"")

    desk = Desk()
    with desk.answering(endless, lambda _: True):
        desk.take(Asked.of("x", b""))
        assert begun.wait(10)
