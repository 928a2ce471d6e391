"""From presentation times to the camera's timeline: pure arithmetic on nanoseconds. No clock is read here, the caller says what time it is."""

from __future__ import annotations

SECOND_NS = 1_000_000_000


class MediaTime:
    """The time of a file's pictures: the first is at 0, each later than the one before, whatever the file says.

    A time that is missing, repeated or a little back is replaced by one frame after the last. A jump back of more than a second
    is a new recording glued behind the old: the timeline goes on across it.
    """

    def __init__(self, *, fps: float) -> None:
        self._step_ns = max(1, round(SECOND_NS / fps))
        self._zero_ns: int | None = None
        self._last_ns = -1

    def t_ns(self, pts_ns: int | None) -> int:
        """The picture's time; call it once a picture, in order."""
        following_ns = self._last_ns + self._step_ns if self._last_ns >= 0 else 0
        if pts_ns is None:
            self._last_ns = following_ns
            return following_ns
        if self._zero_ns is None or pts_ns - self._zero_ns < self._last_ns - SECOND_NS:
            self._zero_ns = pts_ns - following_ns
        raw_ns = pts_ns - self._zero_ns
        self._last_ns = raw_ns if raw_ns > self._last_ns else following_ns
        return self._last_ns


class ArrivalTime:
    """The capture time of a live camera's pictures on this machine's monotonic clock.

    A picture cannot arrive before it was taken, so the least of (arrival - presentation time) over the last seconds is the best guess of how the
    camera's clock relates to ours; what arrives later than that was held up on the way. Jitter of network and decoder so stays out of the times,
    and a drifting camera clock is followed. Times grow strictly and are never ahead of the arrival. Where presentation times make no sense
    (missing, running back, seconds away), the arrival is the time.
    """

    WINDOW_NS = 10 * SECOND_NS
    STALE_NS = 5 * SECOND_NS

    def __init__(self) -> None:
        self._least_ns: int | None = None  # within the present window
        self._least_before_ns: int | None = None  # within the window before it
        self._window_end_ns = 0
        self._last_ns = -1

    def arrived(self, pts_ns: int | None, *, now_ns: int) -> None:
        """A packet with this presentation time came in now."""
        if pts_ns is None:
            return
        late_ns = now_ns - pts_ns
        if self._least_ns is None:
            self._anchor(late_ns, now_ns)
        elif now_ns >= self._window_end_ns:
            self._least_before_ns, self._least_ns = self._least_ns, late_ns
            self._window_end_ns = now_ns + self.WINDOW_NS
        else:
            self._least_ns = min(self._least_ns, late_ns)

    def t_ns(self, pts_ns: int | None, *, now_ns: int) -> int:
        """The time of a picture that was decoded now; call it once a picture, in order."""
        t_ns = now_ns
        if pts_ns is not None and self._least_ns is not None:
            offset_ns = self._least_ns if self._least_before_ns is None else min(self._least_ns, self._least_before_ns)
            t_ns = min(pts_ns + offset_ns, now_ns)
            if t_ns <= self._last_ns or now_ns - t_ns > self.STALE_NS:
                self._anchor(now_ns - pts_ns, now_ns)
                t_ns = now_ns
        self._last_ns = max(t_ns, self._last_ns + 1)
        return self._last_ns

    def _anchor(self, late_ns: int, now_ns: int) -> None:
        self._least_ns, self._least_before_ns = late_ns, None
        self._window_end_ns = now_ns + self.WINDOW_NS


class PipelineTime:
    """The capture time of a pipeline's pictures, which the pipeline itself tells on this machine's monotonic clock.

    It is taken at its word, however late a picture is fetched, unless it makes no sense (missing, running back, ahead, seconds old): then the
    moment of fetching is the time. Times grow strictly.
    """

    STALE_NS = 5 * SECOND_NS

    def __init__(self) -> None:
        self._last_ns = -1

    def t_ns(self, captured_ns: int | None, *, now_ns: int) -> int:
        """The time of a picture that is fetched now; call it once a picture, in order."""
        sound = captured_ns is not None and self._last_ns < captured_ns <= now_ns and now_ns - captured_ns <= self.STALE_NS
        self._last_ns = captured_ns if sound and captured_ns is not None else max(now_ns, self._last_ns + 1)
        return self._last_ns
