"""Errands between two frames: done in the camera's thread, with a frame where one is needed, or never; nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edge.runtime.errands import Errands, Sight, Unattended

SIGHT: Any = Sight(frame="frame", result="result")  # type: ignore[arg-type]


class Camera:
    """A thread that runs errands, now and then with a frame at hand."""

    def __init__(self) -> None:
        self.errands = Errands()
        self.over = threading.Event()
        self.frames = True
        self.thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        session: Any = "session"
        while not self.over.is_set():
            self.errands.run(session)
            if self.frames:
                self.errands.run(session, SIGHT)
            time.sleep(0.001)
        self.errands.close()


@pytest.fixture
def camera() -> Iterator[Camera]:
    camera = Camera()
    camera.thread.start()
    yield camera
    camera.over.set()
    camera.thread.join()


def test_an_errand_is_done_in_the_cameras_thread(camera: Camera) -> None:
    assert camera.errands.ask(lambda session, _: (session, threading.current_thread())) == ("session", camera.thread)


def test_one_that_needs_a_frame_gets_one(camera: Camera) -> None:
    assert camera.errands.ask(lambda _, sight: sight, needs_sight=True) is SIGHT


def test_without_frames_it_is_not_done_and_not_later_either(camera: Camera) -> None:
    camera.frames, done = False, []
    with pytest.raises(Unattended):
        camera.errands.ask(lambda _, sight: done.append(sight), needs_sight=True, timeout_s=0.02)
    camera.frames = True
    assert camera.errands.ask(lambda _, sight: sight, needs_sight=True) is SIGHT
    assert done == []


def test_its_failure_is_the_askers_not_the_cameras(camera: Camera) -> None:
    def fail(session: Any, sight: Any) -> None:
        raise KeyError("the asker's own")

    with pytest.raises(KeyError, match="own"):
        camera.errands.ask(fail)
    assert camera.errands.ask(lambda *_: "goes on") == "goes on"


def test_who_waits_when_the_camera_ends_is_told_and_who_comes_later_too(eventually: Callable[..., bool]) -> None:
    errands, heard = Errands(), []

    def ask() -> None:
        try:
            errands.ask(lambda *_: None, timeout_s=30)
        except Unattended:
            heard.append("told")

    thread = threading.Thread(target=ask)
    thread.start()
    assert eventually(lambda: errands._waiting)
    errands.close()
    thread.join()
    ask()
    assert heard == ["told", "told"]


def test_no_more_than_a_few_wait_and_who_gave_up_takes_no_room(eventually: Callable[..., bool]) -> None:
    errands = Errands()
    for _ in range(20):
        with pytest.raises(Unattended):
            errands.ask(lambda *_: None, timeout_s=0)
    assert not errands._waiting
    threads = [threading.Thread(target=errands.ask, args=(lambda *_: None,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(errands._waiting) == 4)
    with pytest.raises(Unattended):
        errands.ask(lambda *_: None)
    errands.run("session")  # type: ignore[arg-type]
    for thread in threads:
        thread.join()
