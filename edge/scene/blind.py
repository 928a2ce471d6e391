"""Whether there is anything to be seen in a picture, and whether it is a new one. Where the camera looks, and for how long it must last, is elsewhere."""

from __future__ import annotations

from collections import deque

import numpy as np

from edge.data import F32

DARK = "dark: there is no light in the picture"
COVERED = "covered: there is nothing to be seen in the picture"
BLURRED = "blurred: the picture has no sharp edge; the lens is covered, fogged, dirty or out of focus"

_DARK = 16.0
"""Mean level of a picture that has no light: black is 0, or 16 where a range was mistaken."""
_LEAST_CONTRAST = 1.0
"""Levels (rms over eight cells) below which nothing can be told from anything. Real and drawn scenes at a sixteenth of their light have 1.4 to 2.6."""
_LEAST_SHARPNESS = 0.25
"""Contrast from cell to cell as a share of that over eight cells. A step has 0.35, a ramp 0.13; real and drawn scenes 0.41 to 0.64, also
through a poor lens, and 0.22 to 0.26 behind a Gaussian blur of 1/128 of the picture's width."""
_FAR = 8
_SAMPLES = 5
_LIVELY = 0.25
"""Where usually more than this share of a sample differs from the last one, a picture that does not differ at all is no picture of now."""
_USUAL_S = 120.0
_KNOWN_S = 10.0
"""What is usual is known after so many seconds of pictures that differ, and is of the last `_USUAL_S` of them."""


class Structure:
    """Light and edges, of about the last second: the middle one of the last samples, so that one torn picture or a lightning says nothing."""

    def __init__(self) -> None:
        self._last: deque[tuple[float, float, float]] = deque(maxlen=_SAMPLES)

    def find(self, sample: F32) -> str:
        """What is wrong with the samples up to this one (2, 90, 160); '' when there is something to be seen in them."""
        upper, lower = sample
        self._last.append((float(sample.mean()), _contrast(upper, lower, 1), _contrast(upper, lower, _FAR)))
        light, near, far = (float(value) for value in np.median(self._last, axis=0))
        if far < _LEAST_CONTRAST**2:
            return DARK if light < _DARK else COVERED
        return BLURRED if near < _LEAST_SHARPNESS**2 * far else ""


class Stillness:
    """For how long the picture has been the very same, and whether that is unusual.

    Only the very same counts. Pictures that went through an encoder do not tell a frozen sensor from a still scene: of a still one with a noise
    of one level, x264 at its ordinary quality leaves more than nine in ten cells as they were within a second, for the one as for the other.
    """

    def __init__(self) -> None:
        self._last: F32 | None = None
        self._usual = self._differed_s = 0.0
        self.same_s = 0.0

    @property
    def unusual(self) -> bool:
        """Whether this camera's pictures otherwise differ, if only by noise."""
        return self._usual >= _LIVELY and self._differed_s >= _KNOWN_S

    def note(self, sample: F32, dt_s: float) -> None:
        """A sample (2, 90, 160), taken `dt_s` after the last."""
        last, self._last = self._last, sample
        if last is None:
            return
        differing = float(np.count_nonzero(sample != last)) / sample.size
        if differing == 0:
            self.same_s += dt_s  # and what is usual stays: a camera that is frozen for a day has not become a quiet one
            return
        self.same_s = 0.0
        self._differed_s += dt_s
        self._usual += (differing - self._usual) * min(1.0, dt_s / min(self._differed_s, _USUAL_S))


def _contrast(upper: F32, lower: F32, lag: int) -> float:
    """Mean square of the differences between cells `lag` apart, as far as both halves show them: their noise is not the same, and drops out."""
    across = np.vdot(upper[:, lag:] - upper[:, :-lag], lower[:, lag:] - lower[:, :-lag])
    down = np.vdot(upper[lag:] - upper[:-lag], lower[lag:] - lower[:-lag])
    return float(across + down) / (upper[:, lag:].size + upper[lag:].size)
