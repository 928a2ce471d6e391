"""A window that shows frames while somebody looks, and is silently absent where nobody can. What is in the frames is not known here."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from edge.data import U8

log = logging.getLogger(__name__)

_TRY = "import cv2; cv2.namedWindow('edge'); cv2.destroyAllWindows()"
_TRY_S = 20


class Window:
    """One window. `q`, or its own button, closes it: frames that come later are still made, and the window stays closed.

    Without a display, or with an OpenCV that has no windows, one sentence is logged and nothing is ever shown.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._opened = self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def show(self, picture: U8) -> None:
        """Show `picture` (H, W, 3) BGR, and look whether `q` was pressed."""
        if self._closed:
            return
        import cv2

        if not self._opened:
            why = _why_not()
            if why:
                log.warning("nothing is shown: %s; the frames are processed all the same", why)
                self._closed = True
                return
        try:
            if self._opened and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
                self._closed = True  # by its own button
                return
            cv2.imshow(self._title, picture)
            self._opened = True
            if cv2.waitKey(1) & 0xFF == ord("q"):
                self.close()
        except cv2.error as error:
            reason = str(error).strip().splitlines()[-1][:200]
            log.warning("nothing is shown any more, for OpenCV says: %s; the frames are processed all the same", reason)
            self._closed = True

    def close(self) -> None:
        """Take the window away. Closing twice is harmless."""
        import cv2

        if self._opened and not self._closed:
            try:
                cv2.destroyWindow(self._title)
            except cv2.error:
                log.debug("the window was gone already", exc_info=True)
        self._closed = True


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
