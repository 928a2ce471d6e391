"""Windows: shown while somebody looks, closed by `q` or their button for good, absent with one sentence where there is no display."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from edge.sinks import window
from edge.sinks.window import Windows

PICTURE = np.zeros((20, 30, 3), np.uint8)


class Screen:
    """Stands for OpenCV's windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[str] = []
        self.destroyed: list[str] = []
        self.sizes: dict[str, tuple[int, int]] = {}
        self.hidden: set[str] = set()
        self.key, self.waited = -1, 0
        monkeypatch.setattr(window, "_why_not", lambda: "")
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda title, *size: self.sizes.update({title: size}))
        monkeypatch.setattr(cv2, "imshow", lambda title, _: self.shown.append(title))
        monkeypatch.setattr(cv2, "waitKey", self._wait)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda title, _: 0.0 if title in self.hidden else 1.0)
        monkeypatch.setattr(cv2, "destroyWindow", self.destroyed.append)

    def _wait(self, _: int) -> int:
        self.waited += 1
        return self.key


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


def test_pictures_are_shown_until_q_which_closes_all_for_good(screen: Screen) -> None:
    windows = Windows()
    windows.show({"door": PICTURE, "hall": PICTURE})
    assert not windows.left
    screen.key = ord("q")
    windows.show({"hall": PICTURE})
    windows.show({"door": PICTURE})
    windows.close()
    assert windows.left
    assert not windows.shows("door")
    assert screen.shown == ["door", "hall", "hall"]
    assert sorted(screen.destroyed) == ["door", "hall"]


def test_its_own_button_closes_one_for_good_and_the_last_one_is_an_end(screen: Screen) -> None:
    windows = Windows()
    windows.show({"door": PICTURE, "hall": PICTURE})
    screen.hidden = {"door"}
    windows.show({"door": PICTURE})
    screen.hidden = set()
    windows.show({"door": PICTURE, "hall": PICTURE})
    assert screen.shown == ["door", "hall", "hall"]
    assert (windows.shows("door"), windows.shows("hall"), windows.left) == (False, True, False)
    screen.hidden = {"hall"}
    windows.show({})
    assert windows.left


def test_windows_of_cameras_that_give_nothing_stay_alive(screen: Screen) -> None:
    windows = Windows()
    windows.show({})
    assert screen.waited == 0
    windows.show({"door": PICTURE})
    windows.show({})
    assert screen.waited == 2


def test_a_large_picture_opens_as_one_that_fits_a_screen(screen: Screen) -> None:
    windows = Windows()
    windows.show({"small": PICTURE, "wide": np.zeros((1080, 2560, 3), np.uint8), "high": np.zeros((1440, 1080, 3), np.uint8)})
    assert screen.sizes == {"small": (30, 20), "wide": (1280, 540), "high": (540, 720)}


def test_closing_twice_or_unopened_is_harmless(screen: Screen) -> None:
    windows = Windows()
    windows.close()
    windows.close()
    windows.show({"door": PICTURE})
    assert (screen.shown, screen.destroyed, windows.left) == ([], [], False)


def test_without_a_display_one_sentence_is_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    windows = Windows()
    for _ in range(3):
        windows.show({"door": PICTURE})
    assert (windows.can_show(), windows.left) == (False, False)
    (record,) = caplog.records
    assert "DISPLAY" in record.getMessage()


def test_a_display_that_does_not_answer_is_found_out_before_it_could_end_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", "127.0.0.1:987")
    windows = Windows()
    assert not windows.can_show()
    windows.show({"door": PICTURE})
    (record,) = caplog.records
    assert "no window opens" in record.getMessage()


def test_an_opencv_without_windows_is_one_sentence(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def imshow(*_: Any) -> None:
        raise cv2.error("The function is not implemented.")

    monkeypatch.setattr(cv2, "imshow", imshow)
    windows = Windows()
    windows.show({"door": PICTURE})
    windows.show({"door": PICTURE})
    assert len(caplog.records) == 1
    assert not windows.left
