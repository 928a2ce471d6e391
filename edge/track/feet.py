"""Which boxes have lost their feet behind something. It compares boxes; what a track does about it is bytetrack's matter.

A count hangs on the feet, and they are what is hidden first: who passes behind another person or a car is seen from the waist up, and the lower
edge of the box leaps by half a height while its top stays. People do not shrink so between two sights.
"""

from __future__ import annotations

from edge.data import Bools
from edge.track.kalman import F64

_WHOLE = 0.7
"""Of the foreseen height: a box as high as this shows its feet. A stride and the detector's own noise stay within a tenth or two."""
_TOP = 0.15
"""Of the foreseen height: a top edge farther off than this says that the whole box is elsewhere, not that its feet are hidden."""


def hidden(foreseen: F64, seen: F64) -> Bools:
    """Which of the boxes `seen` (N, 4) end well above the feet of the boxes `foreseen` (N, 4), from the same top -> (N,)."""
    height = foreseen[:, 3] - foreseen[:, 1]
    lower = seen[:, 3] - seen[:, 1] < _WHOLE * height
    same_top = abs(seen[:, 1] - foreseen[:, 1]) < _TOP * height
    cut: Bools = lower & same_top
    return cut
