"""Windows that show pictures while somebody looks, and are absent, with one sentence, where nobody can. What is on the pictures is not known here."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Mapping

from edge.data import U8

log = logging.getLogger(__name__)

_TRY = "import cv2; cv2.namedWindow('edge'); cv2.destroyAllWindows()"
_TRY_S = 20
_LARGEST_PX = (1280, 720)
"""A window opens at most so wide and high; whoever looks may make it larger."""


class Windows:
    """Windows by their titles, all of one thread: OpenCV's belong to the one that opened them, best the main one.

    `q` in any of them closes all; a window's own button closes that one. What was closed stays closed, and pictures that come for it are passed
    over. Without a display, or with an OpenCV that has no windows, one sentence is logged and nothing is ever shown.
    """

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._closed: set[str] = set()
        self._tried = self._over = self._left = False

    def can_show(self) -> bool:
        """Whether pictures can be shown, now or later. Looks at the display when it is asked for the first time, for as long as a second."""
        if not self._tried:
            self._tried = True
            if why := _why_not():
                self._over = True
                log.warning("nothing is shown: %s; the frames are processed all the same", why)
        return not self._over

    def shows(self, title: str) -> bool:
        """Whether a picture under this title would be shown."""
        return not self._over and title not in self._closed

    @property
    def left(self) -> bool:
        """Whether whoever looked has had enough: `q` was pressed, or the last window closed by its button."""
        return self._left

    def show(self, pictures: Mapping[str, U8]) -> None:
        """Show each picture (H, W, 3) BGR in the window of its title, and see what was pressed. Without pictures, windows stay alive by it."""
        if not self.can_show():
            return
        import cv2

        try:
            for title in [title for title in self._open if cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1]:
                self._open.discard(title)
                self._closed.add(title)
                self._left = not self._open
            for title, picture in pictures.items():
                if title in self._closed:
                    continue
                if title not in self._open:
                    self._open_window(title, picture)
                cv2.imshow(title, picture)
            if self._open and cv2.waitKey(1) & 0xFF == ord("q"):
                self._left = True
                self.close()
        except cv2.error as error:
            reason = str(error).strip().splitlines()[-1][:200]
            log.warning("nothing is shown any more, for OpenCV says: %s; the frames are processed all the same", reason)
            self._over = True

    def close(self) -> None:
        """Take all windows away, for good. Closing twice is harmless."""
        self._over = self._tried = True
        if not self._open:
            return
        import cv2

        while self._open:
            try:
                cv2.destroyWindow(self._open.pop())
            except cv2.error:
                log.debug("a window was gone already", exc_info=True)

    def _open_window(self, title: str, picture: U8) -> None:
        import cv2

        height, width = picture.shape[:2]
        scale = min(1.0, _LARGEST_PX[0] / width, _LARGEST_PX[1] / height)
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        self._open.add(title)
        cv2.resizeWindow(title, round(width * scale), round(height * scale))


def _why_not() -> str:
    """Why no window can be opened; '' when one can."""
    if sys.platform.startswith("linux"):
        if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
            return "this computer has no display (DISPLAY is not set)"
        # Where a display does not answer, OpenCV's Qt ends the whole process; so a child tries first.
        try:
            tried = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, timeout=_TRY_S, check=False).returncode
        except (OSError, subprocess.TimeoutExpired):
            tried = -1
        if tried:
            return "no window opens on the display, or this OpenCV is one without windows (opencv-python-headless)"
    return ""
