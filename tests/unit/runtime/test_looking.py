"""A picture is painted when somebody looks, once for all who do, and not more often than is allowed. Windows and pages have their own tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge.data import U8, Detections, Frame, Stamp, Warmth
from edge.ports import SourceFacts
from edge.runtime import looking
from edge.runtime.gauges import CameraGauges
from edge.runtime.looking import LivePicture
from edge.runtime.session import Session, Viewer
from edge.shapes import Overlay
from tests.unit.runtime.fakes import SIZE, Camera, frame_of

PICTURE = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """`clock.now_s` is what the pace of pictures reads."""
    clock = SimpleNamespace(now_s=1000.0)
    monkeypatch.setattr(looking, "time", SimpleNamespace(monotonic=lambda: clock.now_s))
    return clock


def test_nothing_is_wanted_until_somebody_looks_and_a_look_is_one_picture() -> None:
    live = LivePicture(max_fps=60)
    assert not live.wants_picture
    assert live.look(0, 0) is None
    assert live.wants_picture
    live.put(PICTURE)
    assert not live.wants_picture
    seen = live.look(0, 0)
    assert seen is not None
    assert seen[0] == 1
    assert seen[1] is PICTURE
    assert not live.wants_picture, "what was looked at was there already"


def test_who_looks_again_gets_a_newer_picture_or_none() -> None:
    live = LivePicture(max_fps=60)
    live.put(PICTURE)
    assert live.look(1, 0.001) is None
    newer = PICTURE.copy()
    live.put(newer)
    live.put(newer)
    seen = live.look(1, 0)
    assert seen is not None
    assert seen[0] == 3, "the newest, not the next"


def test_all_who_wait_see_the_same_picture(eventually: Callable[..., bool]) -> None:
    live = LivePicture(max_fps=60)
    seen: list[tuple[int, U8] | None] = []
    threads = [threading.Thread(target=lambda: seen.append(live.look(0, 10))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: live.wants_picture)
    live.put(PICTURE)
    for thread in threads:
        thread.join()
    assert all(one is not None and one[1] is PICTURE for one in seen)


@pytest.mark.parametrize(("camera_fps", "expected"), [(15, 10), (30, 10), (8, 8)])
def test_pictures_are_wanted_at_the_pace_that_is_allowed_on_average(clock: SimpleNamespace, camera_fps: int, expected: int) -> None:
    live = LivePicture(max_fps=10)
    painted = 0
    for frame in range(camera_fps * 20):
        clock.now_s = 1000 + frame / camera_fps + 1e-6
        live.look(live.number, 0)
        if live.wants_picture:
            live.put(PICTURE)
            painted += 1
    assert painted == pytest.approx(expected * 20, abs=2)


def test_a_long_quiet_time_is_not_made_up_for(clock: SimpleNamespace) -> None:
    live = LivePicture(max_fps=10)
    painted = 0
    for frame in range(100):
        clock.now_s = 5000 + frame / 100
        live.look(live.number, 0)
        if live.wants_picture:
            live.put(PICTURE)
            painted += 1
    assert painted <= 11


class FakePainter:
    """Counts what it paints, and what it was told of heat."""

    def __init__(self) -> None:
        self.painted = self.warmed = 0

    def __enter__(self) -> FakePainter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def warm(self, stamp: Stamp, warmth: Warmth) -> None:
        self.warmed += 1

    def paint(self, frame: Frame, overlay: Overlay) -> U8:
        self.painted += 1
        return frame.bgr.copy()


class FakeRecording:
    """A recording that wants pictures while it is `willing`."""

    dropped = 0

    def __init__(self) -> None:
        self.willing = False
        self.pictures: list[U8] = []

    def __enter__(self) -> FakeRecording:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wants_picture(self, t_ns: int) -> bool:
        return self.willing

    def put(self, stamp: Stamp, picture: U8) -> None:
        self.pictures.append(picture)


def stepping(viewer: Any, between: Sequence[Callable[[], object]]) -> CameraGauges:
    """A session's steps, each after what is done in `between`."""
    camera = Camera(lambda _: None, live=False, viewer=viewer)
    gauges = CameraGauges()
    with Session(camera.parts.begin(SourceFacts(SIZE, 10.0, live=False), SIZE, None), gauges=gauges) as session:
        for index, before in enumerate(between):
            before()
            session.step(frame_of(index), Detections.empty())
    return gauges


def test_nothing_is_painted_while_nobody_looks_and_heat_goes_on() -> None:
    painter, live = FakePainter(), LivePicture(max_fps=1000)
    gauges = stepping(Viewer(painter, lambda _: Overlay(SIZE, ()), looking=[live]), [lambda: None] * 5)
    assert (painter.painted, painter.warmed, live.number) == (0, 5, 0)
    assert "paint" not in gauges.stages


def test_one_picture_is_painted_for_all_who_want_it() -> None:
    painter, recording = FakePainter(), FakeRecording()
    window, page = LivePicture(max_fps=1000), LivePicture(max_fps=1000)

    def all_look() -> None:
        recording.willing = True
        window.look(0, 0)
        page.look(0, 0)

    def recording_only() -> None:
        recording.willing = True

    def nobody() -> None:
        recording.willing = False

    viewer: Any = Viewer(painter, lambda _: Overlay(SIZE, ()), recording, [window, page])  # type: ignore[arg-type]
    stepping(viewer, [all_look, recording_only, nobody])
    assert painter.painted == 2
    assert len(recording.pictures) == 2
    at_window, at_page = window.look(0, 0), page.look(0, 0)
    assert at_window is not None
    assert at_page is not None
    assert at_window[1] is at_page[1] is recording.pictures[0]
