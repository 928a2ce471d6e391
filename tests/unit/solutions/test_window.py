"""The window: shown while somebody looks, closed by `q` for good, absent with one sentence where there is no display."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from edge.solutions import window
from edge.solutions.window import Window

PICTURE = np.zeros((20, 30, 3), np.uint8)


class Screen:
    """Stands for OpenCV's windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown, self.destroyed, self.key, self.visible = 0, 0, -1, 1.0
        monkeypatch.setattr(window, "_why_not", lambda: "")
        monkeypatch.setattr(cv2, "imshow", self._imshow)
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.key)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)
        monkeypatch.setattr(cv2, "destroyWindow", self._destroy)

    def _imshow(self, *_: Any) -> None:
        self.shown += 1

    def _destroy(self, _: str) -> None:
        self.destroyed += 1


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


def test_every_frame_is_shown_until_q_which_closes_it_for_good(screen: Screen) -> None:
    shown = Window("w")
    shown.show(PICTURE)
    screen.key = ord("q")
    shown.show(PICTURE)
    shown.show(PICTURE)
    shown.close()
    assert shown.closed
    assert (screen.shown, screen.destroyed) == (2, 1)


def test_its_own_button_closes_it_for_good(screen: Screen) -> None:
    shown = Window("w")
    shown.show(PICTURE)
    screen.visible = 0.0
    shown.show(PICTURE)
    screen.visible = 1.0
    shown.show(PICTURE)
    assert screen.shown == 1


def test_closing_twice_or_unopened_is_harmless(screen: Screen) -> None:
    shown = Window("w")
    shown.close()
    shown.close()
    assert screen.destroyed == 0


def test_without_a_display_one_sentence_is_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    shown = Window("w")
    for _ in range(3):
        shown.show(PICTURE)
    (record,) = caplog.records
    assert "DISPLAY" in record.getMessage()


def test_a_display_that_does_not_answer_is_found_out_before_it_could_end_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", "127.0.0.1:987")
    shown = Window("w")
    shown.show(PICTURE)
    shown.show(PICTURE)
    (record,) = caplog.records
    assert "no window opens" in record.getMessage()


def test_an_opencv_without_windows_is_one_sentence(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def imshow(*_: Any) -> None:
        raise cv2.error("The function is not implemented.")

    monkeypatch.setattr(cv2, "imshow", imshow)
    shown = Window("w")
    shown.show(PICTURE)
    shown.show(PICTURE)
    assert len(caplog.records) == 1
