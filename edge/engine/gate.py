"""Whether a network in fewer bits still sees what the one it was made of sees. Two detectors and the same frames; how they run is theirs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge import geometry
from edge.data import Detections, Frame
from edge.engine.options import GateOptions
from edge.ports import Detector


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near a candidate is to its reference, over `frames`: sure boxes of each, and how many of all of them the other has too."""

    frames: int
    reference: int
    candidate: int
    found: int
    score_shift: float
    """Mean absolute difference of the scores of boxes that both have."""
    count_difference: float
    """Sum over frames of the difference between the numbers of boxes, as a share of the reference's boxes."""

    @property
    def found_share(self) -> float:
        both = self.reference + self.candidate
        return self.found / both if both else 0.0

    def __str__(self) -> str:
        return (
            f"{self.reference} and {self.candidate} boxes in {self.frames} frames, {self.found_share:.1%} of them in both,"
            f" scores {self.score_shift:.3f} apart, numbers a frame {self.count_difference:.1%} apart"
        )

    def refusal(self, options: GateOptions | None = None) -> str:
        """Why the candidate is not good enough, as the end of a sentence with the figures; '' when it is."""
        options = options or GateOptions()
        if self.reference < options.least_boxes:
            return (
                f"{self.frames} frames with {self.reference} boxes prove nothing, {options.least_boxes} are needed;"
                " give longer videos with people in them"
            )
        why = []
        if self.found_share < options.least_found:
            why.append(f"{self.found_share:.1%} of the boxes are in both, and {options.least_found:.0%} are needed")
        if self.score_shift > options.most_score_shift:
            why.append(f"scores are {self.score_shift:.3f} apart, and {options.most_score_shift:g} is allowed")
        if self.count_difference > options.most_count_difference:
            why.append(f"the numbers of boxes are {self.count_difference:.1%} apart, and {options.most_count_difference:.0%} is allowed")
        return "; ".join(why)


def compare(reference: Detector, candidate: Detector, frames: Iterable[Frame], options: GateOptions | None = None) -> Agreement:
    """Both detectors, entered, on the same frames, which are closed.

    A box is sure from `options.conf` on, and the other has it too if it sees it with half of that: a score that moves across a threshold
    is no lost object. So the detectors must give boxes from half of `conf` on.
    """
    options = options or GateOptions()
    count = ours = theirs = found = apart = 0
    shifts: list[float] = []
    for frame in frames:
        with frame:
            a, b = (_likely(detector.detect([frame])[0], options.conf / 2) for detector in (reference, candidate))
        rows = pairs(a, b, options.iou)
        sure_a, sure_b = a.score >= options.conf, b.score >= options.conf
        either = sure_a[rows[:, 0]] | sure_b[rows[:, 1]]
        shifts += np.abs(a.score[rows[either, 0]] - b.score[rows[either, 1]]).tolist()
        count, ours, theirs = count + 1, ours + int(sure_a.sum()), theirs + int(sure_b.sum())
        found += int(sure_a[rows[:, 0]].sum() + sure_b[rows[:, 1]].sum())
        apart += abs(int(sure_a.sum()) - int(sure_b.sum()))
    return Agreement(
        frames=count,
        reference=ours,
        candidate=theirs,
        found=found,
        score_shift=float(np.mean(shifts)) if shifts else 0.0,
        count_difference=apart / ours if ours else 0.0,
    )


def pairs(a: Detections, b: Detections, least_iou: float) -> NDArray[np.intp]:
    """Rows (K, 2) of `a` and of `b` that are the same object: of one class, the greatest overlap first, each row once."""
    overlap = geometry.iou(a.xyxy, b.xyxy) * (a.class_id[:, None] == b.class_id[None, :])
    rows, columns = np.nonzero(overlap >= least_iou)
    found: list[tuple[int, int]] = []
    for at in np.argsort(-overlap[rows, columns], kind="stable"):
        row, column = int(rows[at]), int(columns[at])
        if all(row != r and column != c for r, c in found):
            found.append((row, column))
    return np.array(found, np.intp).reshape(-1, 2)


def _likely(detections: Detections, conf: float) -> Detections:
    return detections[detections.score >= conf]
