"""A camera's reader: pauses, what is opened again, what hangs and is left behind, and when it gives up. Sources are scripted, hangs are events."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edge.data import Frame
from edge.errors import SourceError, SourceHeld, SourceTimeout, StoreError, UsageError
from edge.ports import SourceFacts
from edge.runtime import Clock, Device
from edge.runtime import reader as reader_module
from edge.runtime.mailbox import Closed
from edge.runtime.reader import Reader, ReaderParts
from tests.unit.runtime.fakes import SIZE, Camera, FakeDetector, FakeSource, SteadySource, frame_of

Step = Callable[[], None]


def nothing() -> None:
    pass


class Script:
    """A source that does what its three steps do; it gives `frames` frames between opening and `then`."""

    def __init__(
        self, *, frames: int = 0, on_open: Step = nothing, then: Step = nothing, on_close: Step = nothing, live: bool = True
    ) -> None:
        self.facts = SourceFacts(SIZE, 10.0, live=live)
        self.given: list[Frame] = []
        self.closed = False
        self._frames, self._on_open, self._then, self._on_close = frames, on_open, then, on_close

    def __enter__(self) -> Script:
        self._on_open()
        return self

    def __exit__(self, *_: object) -> None:
        self._on_close()
        self.closed = True

    def __iter__(self) -> Iterator[Frame]:
        for _ in range(self._frames):
            yield self._another()
        self._then()
        yield self._another()

    def _another(self) -> Frame:
        self.given.append(frame_of(len(self.given)))
        return self.given[-1]


def fails(error: Exception) -> Step:
    def fail() -> None:
        raise error

    return fail


class Story:
    """A reader over scripted lives; it is stopped when they are used up. What it told is kept here."""

    def __init__(
        self,
        *lives: Any,
        live: bool = True,
        must_open: bool = False,
        max_pause_s: float = 0.01,
        patience_s: float = 10.0,
        on_frame: Step = nothing,
    ) -> None:
        self.lives, self._left = lives, iter(lives)
        self.lost: list[str] = []
        self.frames: list[Frame] = []
        self.pauses: list[float] = []
        self.stopping = threading.Event()
        self._on_frame = on_frame
        self.reader = Reader(
            ReaderParts(
                name="door", open=self._open, on_opened=lambda _: None, on_frame=self._take, on_lost=self.lost.append,
                live=live, must_open=must_open, max_pause_s=max_pause_s, patience_s=patience_s,
            ),
            self.stopping,
        )  # fmt: skip
        wait = self.stopping.wait
        self.stopping.wait = lambda timeout=None: self.pauses.append(timeout) or wait(timeout)  # type: ignore[method-assign]

    def _open(self) -> Any:
        life = next(self._left, None)
        if life is None:
            self.stopping.set()
            return Script()
        return life

    def _take(self, frame: Frame, first: bool) -> None:
        if self.stopping.is_set():
            raise Closed
        self._on_frame()
        self.frames.append(frame)


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """What hung calls wait for; set at the end, when no thread may be left."""
    before = set(threading.enumerate())
    event = threading.Event()
    yield event
    event.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) == before


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_LOOK_S", 0.005)
    monkeypatch.setattr(reader_module, "_FIRST_PAUSE_S", 0.002)
    monkeypatch.setattr(reader_module, "_FAREWELL_S", 0.05)


def test_only_a_source_that_lived_as_long_as_the_longest_pause_earns_a_short_one() -> None:
    def live_for_a_while() -> None:
        time.sleep(0.02)

    gone = fails(SourceTimeout("it went silent"))
    dies = [Script(frames=1, then=gone) for _ in range(4)]
    lives = Script(frames=1, then=live_for_a_while)  # one frame, a while, one frame, the end
    story = Story(*dies, lives, Script(then=gone), max_pause_s=0.01)
    assert not story.reader.read()
    for pause_s, aim_s in zip(story.pauses, [0.002, 0.004, 0.008, 0.01, 0.002, 0.004], strict=True):
        assert 0.7 * aim_s <= pause_s <= aim_s
    assert story.lost == ["it went silent"] * 4 + ["the stream ended", "it went silent"]


@pytest.mark.parametrize("where", ["on_open", "then", "on_close"])
def test_a_source_that_hangs_is_left_behind_and_replaced_and_gives_nothing_when_it_comes_back(hang: threading.Event, where: str) -> None:
    hung = Script(frames=2, **{where: lambda: hang.wait(10) and None})
    if where == "on_close":
        hung._then = fails(SourceError("it broke off"))
    story = Story(hung, Script(frames=3), patience_s=0.1)
    story.reader.read()
    assert "hangs" in story.lost[0]
    taken = len(story.frames)
    before = {"on_open": 0, "then": 2, "on_close": 2}[where]
    assert taken == before + 4
    assert not hung.closed
    hang.set()
    assert wait_until(lambda: hung.closed)
    assert len(story.frames) == taken
    assert all(frame.pixels.closed for frame in hung.given[2:])  # type: ignore[attr-defined]


def test_readers_that_come_back_are_forgotten_and_those_that_do_not_are_few(hang: threading.Event) -> None:
    back = threading.Event()

    def slow(number: int) -> Script:
        return Script(on_open=lambda: back.wait(10) and None if number < 3 else back.set())

    passing = [slow(number) for number in range(4)]
    story = Story(*passing, *(Script(on_open=lambda: hang.wait(10) and None) for _ in range(9)), patience_s=0.1)
    with pytest.raises(SourceError, match=r"camera door: 4 of its readers hang .* only a new process") as given_up:
        story.reader.read()
    assert "what was counted is kept" in str(given_up.value)
    assert len(story.lost) == 4 + 3  # three that hung and one that let them go, then three; the fourth was one too many


def test_a_camera_that_a_hung_reader_holds_is_not_asked_in_vain_for_ever(hang: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_LAST_RESORT_S", 0.3)
    held = (Script(on_open=fails(SourceError("it is in use"))) for _ in range(1000))
    story = Story(Script(then=lambda: hang.wait(10) and None), *held, patience_s=0.1)
    with pytest.raises(SourceError, match="camera door: 1 of its readers hang"):
        story.reader.read()
    assert story.lost[-1] == "it is in use"


def test_a_camera_that_its_own_source_left_hanging_is_not_asked_in_vain_for_ever_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_LAST_RESORT_S", 0.1)
    story = Story(*(Script(on_open=fails(SourceHeld("it still hangs in its driver"))) for _ in range(1000)))
    with pytest.raises(SourceHeld):
        story.reader.read()
    assert len(story.lost) > 1


def test_a_camera_that_is_away_for_long_is_no_reason_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "_LAST_RESORT_S", 0.0)
    story = Story(*(Script(on_open=fails(SourceError("nobody answers"))) for _ in range(20)))
    assert not story.reader.read()
    assert len(story.lost) == 20


def test_a_source_that_is_over_is_freed_at_once_and_with_it_its_decoder() -> None:
    opened: list[weakref.ref[Script]] = []
    alive: list[int] = []

    def breaks_off() -> None:
        raise SourceError("it broke off")

    def open() -> Any:
        alive.append(sum(one() is not None for one in opened))
        source = Script(frames=1, then=breaks_off)
        opened.append(weakref.ref(source))
        if len(opened) == 5:
            stopping.set()
        return source

    stopping = threading.Event()
    parts = ReaderParts(
        name="door", open=open, on_opened=lambda _: None, on_frame=lambda *_: None, on_lost=lambda _: None, live=True, must_open=False, max_pause_s=0.01
    )  # fmt: skip
    gc.disable()  # what waits for the collector holds threads, buffers and sockets until it comes
    try:
        Reader(parts, stopping).read()
    finally:
        gc.enable()
    assert alive == [0] * 5


def test_waiting_for_who_takes_the_frames_is_no_hang() -> None:
    story = Story(Script(frames=2), on_frame=lambda: time.sleep(0.5), patience_s=0.25)
    story.reader.read()
    assert len(story.frames) == 3
    assert story.lost == ["the stream ended"]


def test_a_file_may_take_its_time() -> None:
    story = Story(Script(live=False, then=lambda: time.sleep(0.3)), live=False, patience_s=0.1)
    assert story.reader.read()
    assert (len(story.frames), story.lost) == (1, [])


@pytest.mark.parametrize("live", [True, False])
def test_who_stops_does_not_wait_for_what_hangs_and_calls_nothing_finished(hang: threading.Event, live: bool) -> None:
    story = Story(Script(live=live, frames=1, then=lambda: hang.wait(10) and None), live=live)
    story._on_frame = story.stopping.set
    began_s = time.monotonic()
    assert not story.reader.read()
    assert time.monotonic() - began_s < 5


def test_a_camera_that_must_open_and_hangs_is_an_error(hang: threading.Event) -> None:
    with pytest.raises(SourceTimeout, match="hangs"):
        Story(Script(on_open=lambda: hang.wait(10) and None), must_open=True, patience_s=0.1).reader.read()


def test_a_failure_that_nobody_foresaw_is_said_whole_and_the_camera_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    story = Story(Script(frames=1, then=fails(ZeroDivisionError("by nought"))), Script(frames=1))
    story.reader.read()
    assert story.lost[0] == "its source failed: ZeroDivisionError: by nought"
    assert any(record.exc_info for record in caplog.records)
    assert len(story.frames) == 3


def test_what_no_opening_mends_is_raised() -> None:
    with pytest.raises(UsageError, match="cannot be meant"):
        Story(Script(on_open=fails(UsageError("cannot be meant")))).reader.read()
    taken = Script(frames=5)
    with pytest.raises(StoreError, match="the disk is gone"):
        Story(taken, on_frame=fails(StoreError("the disk is gone"))).reader.read()
    assert (taken.closed, len(taken.given)) == (True, 1)


def test_a_hung_camera_comes_back_while_others_go_on_and_no_index_is_given_twice(hang: threading.Event) -> None:
    endless = threading.Event()

    def open(start: int) -> FakeSource:
        if len(flaky.opened) == 1:
            return FakeSource(start, start + 5, live=True, then=lambda: hang.wait(10) and None)
        return SteadySource(start, endless)

    flaky = Camera(open, live=True)
    object.__setattr__(flaky.parts, "patience_s", 0.2)
    other = Camera(lambda start: FakeSource(start, 300, live=False), live=False)
    device = Device(FakeDetector(batch=2), [flaky.parts, other.parts], Clock())

    def stop_when_back() -> None:
        if device.cameras[0].gauges.frames_in >= 10 and device.cameras[1].frames_done == 300:
            endless.set()
            device.stop()

    device.run(stop_when_back)
    assert flaky.opened[:2] == [0, 5]
    assert other.ledger.checkpoints[-1].frame == 299


def wait_until(true: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + 5
    while not true() and time.monotonic() < until_s:
        time.sleep(0.005)
    return true()
