"""How much of a camera is recorded: what its options allow, less while encoder, disk or processor do not keep up. No thread, no clock, no picture here.

Everything is in the frames' own time. A live camera's recording gives way in steps, and comes back step by step; a file's waits, and gives way never.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.health import Recording

_SECOND_NS = 1_000_000_000
_PRESSURE_S = 4.0
"""The share of time in which the queue was full is smoothed over so long: a disk that stalls for a second is no reason."""
_TOO_MUCH = 0.25
_LITTLE = 0.02
_SETTLE_S = 4.0
"""A step is given so long to help before the next is taken."""
_CALM_S, _LONGEST_CALM_S = 30.0, 600.0
_REST_S, _LONGEST_REST_S = 5.0, 60.0
_MENDED_S = 5.0
"""A failure is over when pictures were written for so long: the first of them fill memory only, and a full disk has a little room left."""


@dataclass(frozen=True, slots=True)
class Step:
    """At most `max_fps` pictures a second (None: all), their sides divided by `shrink`."""

    name: Recording
    says: str
    max_fps: float | None
    shrink: int = 1


STEPS = (
    Step("full", "every picture", None),
    Step("fewer", "at most 10 pictures a second", 10.0),
    Step("fewer", "at most 4 pictures a second", 4.0),
    Step("small", "at most 4 pictures a second, of half their width and height", 4.0, shrink=2),
    Step("paused", "nothing for a while", 0.0),
)


class Pace:
    """Decides for each frame, in order of time, whether its picture is wanted.

    Args:
        max_fps: at most so many pictures a second are kept, however well it goes; None: all.
        gives_way: False where pictures wait instead of being lost.
    """

    def __init__(self, *, max_fps: float | None = None, gives_way: bool = True) -> None:
        self._max_fps, self._gives_way = max_fps, gives_way
        self._at = 0
        self._since_ns: int | None = None  # when the present step began
        self._climbed = False  # whether it was reached from below
        self._calm_s = _CALM_S
        self._pressure = 0.0
        self._put_ns: int | None = None
        self._asked_ns: int | None = None
        self._due_ns: int | None = None
        self._rests_until_ns: int | None = None
        self._rest_s = 0.0
        self._well_ns: int | None = None  # since when pictures are written

    @property
    def step(self) -> Step:
        return STEPS[self._at]

    @property
    def recording(self) -> Recording:
        """As `health` tells it."""
        return "failed" if self._rests_until_ns is not None else self.step.name

    def wants(self, t_ns: int) -> bool:
        """Whether the picture of a frame is to be made and put. Once for each frame: the next due time follows from the answer."""
        if self._asked_ns is not None and t_ns < self._asked_ns:
            self._since_ns = self._put_ns = self._due_ns = self._well_ns = None  # another time: a file that begins anew
            if self._rests_until_ns is not None:
                self._rests_until_ns = t_ns
        self._asked_ns = t_ns
        self._climb(t_ns)
        return self.tries(t_ns) and self.step.max_fps != 0 and self._is_due(t_ns)

    def tries(self, t_ns: int) -> bool:
        """False while a recorder that failed is left alone."""
        return self._rests_until_ns is None or t_ns >= self._rests_until_ns

    def put(self, t_ns: int, *, full: bool) -> None:
        """A picture was put; `full`: another had to go for it."""
        if not self._gives_way or self._rests_until_ns is not None:
            return
        elapsed_s = 0.0 if self._put_ns is None else min(1.0, (t_ns - self._put_ns) * 1e-9)
        self._put_ns = t_ns
        self._pressure += (full - self._pressure) * (1 - math.exp(-elapsed_s / _PRESSURE_S))
        if self._pressure > _TOO_MUCH and self._lasts_s(t_ns) >= _SETTLE_S:
            if self._climbed and self._lasts_s(t_ns) < self._calm_s:
                self._calm_s = min(2 * self._calm_s, _LONGEST_CALM_S)  # what was tried too early is tried less often
            self._go(self._at + 1, t_ns)

    def failed(self, t_ns: int) -> float:
        """A picture could not be written; after how many seconds the next is tried. Failures soon after one another are tried less and less."""
        lasted_s = 0.0 if self._well_ns is None else (t_ns - self._well_ns) * 1e-9
        self._rest_s = _REST_S if not self._rest_s or lasted_s > _LONGEST_REST_S else min(2 * self._rest_s, _LONGEST_REST_S)
        self._rests_until_ns, self._well_ns = t_ns + round(self._rest_s * _SECOND_NS), None
        self._pressure = 0.0
        return self._rest_s

    def written(self, t_ns: int) -> bool:
        """A picture was written; whether that ends a failure."""
        self._well_ns = t_ns if self._well_ns is None else self._well_ns
        if self._rests_until_ns is None or (t_ns - self._well_ns) * 1e-9 < _MENDED_S:
            return False
        self._rests_until_ns = None
        return True

    def _climb(self, t_ns: int) -> None:
        if self._since_ns is None:
            self._since_ns = t_ns
        calm = self._pressure < _LITTLE and self._lasts_s(t_ns) >= self._calm_s
        if self._at and calm and self._rests_until_ns is None:
            self._go(self._at - 1, t_ns)
        elif not self._at and self._lasts_s(t_ns) >= _LONGEST_CALM_S:
            self._calm_s = _CALM_S

    def _go(self, to: int, t_ns: int) -> None:
        to = min(to, len(STEPS) - 1)
        self._climbed, self._at, self._since_ns, self._pressure = to < self._at, to, t_ns, 0.0

    def _lasts_s(self, t_ns: int) -> float:
        return 0.0 if self._since_ns is None else (t_ns - self._since_ns) * 1e-9

    def _is_due(self, t_ns: int) -> bool:
        rates = [fps for fps in (self._max_fps, self.step.max_fps) if fps]
        if not rates:
            return True
        step_ns = round(_SECOND_NS / min(rates))
        late_ns = None if self._due_ns is None else t_ns - self._due_ns + step_ns // 20  # the twentieth forgives a camera's jitter
        if late_ns is not None and -step_ns < late_ns < 0:
            return False
        # Due times keep the pace over a camera whose rate is no multiple of ours, and start anew after a gap.
        ahead = late_ns is not None and 0 <= late_ns < step_ns
        self._due_ns = (self._due_ns if ahead and self._due_ns is not None else t_ns) + step_ns
        return True
