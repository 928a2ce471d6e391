"""Whether a camera that gives pictures sees: clear, blind or moved, by frames' own time. What follows from it for counts and heat is not decided here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.data import F32, U8, Size
from edge.scene.blind import Stillness, Structure
from edge.scene.moved import Directions, KnownView, Shift, directions
from edge.scene.options import SightOptions
from edge.scene.sample import GRID, Sampler

Eyesight = Literal["clear", "blind", "moved"]

_EVERY_NS = 250_000_000
_VIEW_S = 2.0
"""A view is of the mean of so many seconds: noise and walkers are weaker in it. No longer, for a scene that shifts meanwhile lies in it twice."""
_LONGEST_STEP_S = 1.0
"""A camera that was away does not grow blinder meanwhile: a longer pause counts as this."""
_GRACE_S = 1.0
"""What looks wrong for less is a flicker; from then on it is no longer said that the camera sees."""
_CLEAR_S = 2.0
"""So long nothing must look wrong until a state is over."""
_KEPT_AFTER = 15
_SETTLED = 60
"""Of a younger view it is not certain that it was of the scene at all."""
_KEPT_EVERY_S = 3600.0
"""The known view is worth keeping after `_KEPT_AFTER` views, and again after so many seconds."""


class _Doubt:
    """A suspicion, which becomes a finding when it lasts, and a finding, which goes when nothing speaks for it any longer."""

    def __init__(self) -> None:
        self.found = ""
        self.lasted_s = 0.0
        self._clear_s = 0.0

    @property
    def serious(self) -> bool:
        return bool(self.found) or self.lasted_s >= _GRACE_S

    def weigh(self, why: str, patience_s: float, dt_s: float) -> None:
        """`why`: what looks wrong now, '' for nothing. The first reason of a finding is kept until it is over."""
        if not why:
            self.lasted_s = 0.0
            self._clear_s += dt_s
            if self._clear_s >= _CLEAR_S:
                self.found = ""
            return
        self._clear_s = 0.0
        self.lasted_s += dt_s
        if not self.found and self.lasted_s >= patience_s:
            self.found = why


class SightWatch:
    """Watches one camera's pictures."""

    def __init__(self, options: SightOptions, *, known: Mapping[str, NDArray[Any]] | None = None) -> None:
        """`known`: what an earlier run of this very camera, before the same lines and zones, had to keep."""
        self._options = options
        self._sampler = Sampler()
        self._t_ns: int | None = None
        self._structure, self._stillness = Structure(), Stillness()
        self._known = KnownView(known)
        self._levels: list[F32] = []
        self._view_s = 0.0
        self._since_kept_s = 0.0 if self._known.views >= _KEPT_AFTER else _KEPT_EVERY_S
        self._shift: Shift | None = None
        self._empty, self._frozen, self._moved = _Doubt(), _Doubt(), _Doubt()

    @property
    def state(self) -> Eyesight:
        return "blind" if self._empty.found or self._frozen.found else "moved" if self._moved.found else "clear"

    @property
    def why(self) -> str:
        """The state in a sentence; '' when it is clear."""
        return self._empty.found or self._frozen.found or self._moved.found

    @property
    def blind(self) -> bool:
        """Whether a picture of now is not worth learning from, found or suspected."""
        return self._empty.lasted_s > 0 or self._empty.serious or self._frozen.serious

    @property
    def sees(self) -> bool:
        """Whether it may be said of this moment that the camera sees what it was set up to see."""
        return not (self._empty.serious or self._frozen.serious or self._moved.serious)

    def wants(self, t_ns: int) -> bool:
        """Whether a picture at `t_ns` would be looked at: four a second are."""
        return self._t_ns is None or not 0 <= t_ns - self._t_ns < _EVERY_NS

    def look(self, picture: U8, t_ns: int) -> None:
        """Take a sample of `picture` (H, W, 3)."""
        dt_s = 0.0 if self._t_ns is None else min(max(0.0, (t_ns - self._t_ns) * 1e-9), _LONGEST_STEP_S)
        self._t_ns = t_ns
        options, sample = self._options, self._sampler.take(picture)
        self._empty.weigh(self._structure.find(sample), options.blind_s, dt_s)
        self._weigh_stillness(sample, dt_s)
        if options.moved:
            self._weigh_view(sample.mean(axis=0), Size(picture.shape[1], picture.shape[0]), dt_s)

    def to_keep(self) -> dict[str, NDArray[Any]] | None:
        """What a later run needs to notice a camera that was knocked in between; None while that is kept already, or not yet worth it."""
        if self._known.views < _KEPT_AFTER or self._since_kept_s < _KEPT_EVERY_S:
            return None
        self._since_kept_s = 0.0
        return self._known.state()

    def accept(self) -> dict[str, NDArray[Any]]:
        """The camera looks where it shall from now on: learn the scene anew; what is to be kept of it now: nothing."""
        self._known, self._moved, self._shift, self._levels = KnownView(), _Doubt(), None, []
        self._since_kept_s = _KEPT_EVERY_S
        return self._known.state()

    def _weigh_stillness(self, sample: F32, dt_s: float) -> None:
        still, options = self._stillness, self._options
        still.note(sample, dt_s)
        # Of a quiet camera a picture that stays the same is no suspicion: nobody may be there.
        patience_s, suspected_s = (options.frozen_s, 0.0) if still.unusual else (options.still_s, options.still_s)
        same = still.same_s > 0 and still.same_s >= suspected_s
        why = f"frozen: the very same picture for {patience_s:g} s" if same else ""
        self._frozen.weigh(why, patience_s - suspected_s, dt_s)

    def _weigh_view(self, levels: F32, size: Size, dt_s: float) -> None:
        if self.blind:
            self._levels, self._view_s = [], 0.0  # what cannot be seen has not moved; and a half of a hand is no view
            return
        self._levels.append(levels)
        self._view_s += dt_s
        self._since_kept_s += dt_s
        if self._view_s >= _VIEW_S:
            self._weigh_shift(directions(np.mean(self._levels, axis=0)), size, self._view_s)
            self._levels, self._view_s = [], 0.0

    def _weigh_shift(self, view: Directions, size: Size, dt_s: float) -> None:
        options = self._options
        if not self._known.known:
            self._known.learn(view)
            return
        before, shift = self._shift, self._known.find(view)
        self._shift = shift
        if shift is not None and math.hypot(shift.right, shift.down * size.height / size.width) < options.least_shift:
            self._moved.weigh("", 0.0, dt_s)
            if not self._moved.found:
                self._known.learn(view)
        elif shift is None:
            self._moved.weigh(_ELSEWHERE, options.hidden_s, dt_s)
            if self._moved.found == _ELSEWHERE and self._known.views < _SETTLED:
                self.accept()  # it began with a lorry or a shutter before the lens, or while somebody set the camera up
        else:
            steady = before is not None and _apart(before, shift) <= 2
            if not steady and not self._moved.found:
                self._moved.lasted_s = 0.0  # it is still on its way, or was never found: a finding stands on one place
            self._moved.weigh(_shifted(shift, size), options.moved_s, dt_s)


_REMEDY = "set the camera right, or reset it if that is meant"
_ELSEWHERE = f"the scene is not to be found: the camera was turned or zoomed, or nearly all is hidden; {_REMEDY}"


def _shifted(shift: Shift, size: Size) -> str:
    right, down = round(shift.right * size.width), round(shift.down * size.height)
    ways = [
        f"{abs(n)} px {way}"
        for n, way in ((right, "to the right" if right > 0 else "to the left"), (down, "down" if down > 0 else "up"))
        if n
    ]
    return f"the scene lies about {' and '.join(ways)} of where it was in the picture of {size}; {_REMEDY}"


def _apart(a: Shift, b: Shift) -> float:
    """Cells between two shifts."""
    return max(abs(a.right - b.right) * GRID.width, abs(a.down - b.down) * GRID.height)
