"""How far a build is, from the nested phases that TensorRT's builder reports. Numbers only: who shows them is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

_TRUSTED_SHARE = 0.02
"""Before this share is done, what is left cannot be told from what was needed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`share` of the work that is done, 0 to 1; `left_s` seconds of it still to come, None while that cannot be told; `what` it is at."""

    share: float
    left_s: float | None
    what: str


OnProgress = Callable[[Progress], None]
"""Is told how far something is, as often as there is news."""


@dataclass(slots=True)
class _Phase:
    parent: str | None
    steps: int
    done: int = 0
    inner: dict[str, _Phase] = field(default_factory=dict)

    def share(self) -> float:
        """A phase that runs inside a step is so much of that step."""
        if self.steps <= 0:
            return 0.0
        within = max((phase.share() for phase in self.inner.values()), default=0.0)
        return min(1.0, (self.done + within) / self.steps)


class Phases:
    """Phases of known numbers of steps, one inside another, as one share that never goes back."""

    def __init__(self, now_s: float) -> None:
        self._began_s = now_s
        self._open: dict[str, _Phase] = {}
        self._share = 0.0
        self._what = ""

    def start(self, name: str, parent: str | None, steps: int) -> None:
        phase = self._open[name] = _Phase(parent, steps)
        if parent in self._open:
            self._open[parent].inner[name] = phase
        self._what = name

    def step(self, name: str, step: int) -> None:
        """Step number `step` (from 0) of a phase is complete."""
        phase = self._open.get(name)
        if phase is not None:
            phase.done = max(phase.done, step + 1)
            phase.inner.clear()

    def finish(self, name: str) -> None:
        phase = self._open.pop(name, None)
        if phase is not None and phase.parent in self._open:
            self._open[phase.parent].inner.pop(name, None)

    def progress(self, now_s: float) -> Progress:
        roots = [phase for phase in self._open.values() if phase.parent not in self._open]
        self._share = max(self._share, max((phase.share() for phase in roots), default=0.0))
        took_s = now_s - self._began_s
        left_s = took_s * (1 - self._share) / self._share if self._share >= _TRUSTED_SHARE else None
        return Progress(self._share, left_s, self._what)
