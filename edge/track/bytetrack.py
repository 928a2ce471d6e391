"""The life of tracks: born, confirmed, lost, found again, ended. The motion model, the pairing and the columns are this room's other files.

Source: Zhang et al., ByteTrack: Multi-Object Tracking by Associating Every Detection Box (ECCV 2022), and its MIT-licensed code.
What differs, and why, is in DESIGN.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge import geometry
from edge.data import I64, Backlog, Bools, Detections, Tracks
from edge.roll import find
from edge.track import feet, kalman, stitch
from edge.track.assignment import Rows
from edge.track.association import associate
from edge.track.kalman import F64
from edge.track.options import TrackOptions
from edge.track.population import Population

_NO_IDS: I64 = np.empty(0, np.int64)
_NS = 1_000_000_000


class ByteTrack:
    """Follows the objects of one camera. Instances share nothing; ids ascend from `first_id` and are never given out twice."""

    def __init__(self, options: TrackOptions | None = None, *, first_id: int = 1) -> None:
        self._options = options or TrackOptions()
        self._horizon_ns = max(self._options.lost_s, self._options.stitch_s) * _NS
        self._all = Population.empty()
        self._early = Backlog.empty()  # sights of the unconfirmed; `id` is their key here
        self._t_ns: int | None = None
        self._next_id = first_id
        self._next_key = 0

    def follow(self, detections: Detections, t_ns: int) -> Tracks:
        """The confirmed tracks in sight in the frame of `t_ns`, which sees `detections`; the order of those does not matter.

        Raises ValueError when `t_ns` lies before the last frame's.
        """
        first_frame = self._t_ns is None
        ended = [self._carry_to(t_ns)]
        order = _order(detections)
        seen = detections[order]
        foreseen = kalman.to_xyxy(self._all.mean)
        free = associate(self._all, foreseen, seen, self._options)
        self._update(seen, foreseen, t_ns)
        ended.append(self._end_unseen(t_ns))
        self._bear(seen, self._newborn(seen, free), t_ns)
        ended.append(self._end_duplicates())
        backlog = self._confirm(seen, t_ns, at_once=first_frame and self._options.confirm_first_frame)
        return self._report(seen, order, backlog, np.sort(np.concatenate(ended)) if any(map(len, ended)) else _NO_IDS)

    def end(self) -> I64:
        """Forget all tracks and the time, and return the ids that were out: for when what comes next has nothing to do with what was."""
        self._t_ns = None
        self._early = Backlog.empty()
        return np.sort(self._drop(np.ones(len(self._all), np.bool_)))

    def state(self) -> dict[str, NDArray[Any]]:
        """Plain arrays that `restore` continues from, bit for bit. Their size is bounded by who is alive."""
        columns = {name: column.copy() for name, column in self._all.columns().items()}
        started = self._t_ns is not None
        clock = np.array([started, self._t_ns or 0, self._next_id, self._next_key], np.int64)
        early = {"early_key": self._early.id, "early_t_ns": self._early.t_ns, "early_xyxy": self._early.xyxy}
        return {**columns, **early, "clock": clock}

    @staticmethod
    def next_id(state: Mapping[str, NDArray[Any]]) -> int:
        """The first id that the tracker of `state()` had not given out."""
        return int(state["clock"][2])

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become the tracker whose `state` this is. Raises ValueError where it is not one's; then nothing has changed."""
        missing = sorted({"clock", "early_key", "early_t_ns", "early_xyxy"} - set(state))
        if missing:
            raise ValueError(f"a tracker's state needs {missing[0]!r}, which is missing")
        everyone = Population.of(state)
        early = Backlog(np.array(state["early_key"]), np.array(state["early_t_ns"]), np.array(state["early_xyxy"]))
        started, t_ns, next_id, next_key = (int(value) for value in state["clock"])
        self._all, self._early, self._next_id, self._next_key = everyone, early, next_id, next_key
        self._t_ns = t_ns if started else None

    def _drop(self, gone: Bools) -> I64:
        """Forget the tracks `gone` (N,) and return the ids among them."""
        if not gone.any():
            return _NO_IDS
        ids = self._all.id[gone]
        self._all.keep(~gone)
        return ids[ids > 0]

    def _carry_to(self, t_ns: int) -> I64:
        """Move all tracks to `t_ns`; over a gap that nobody can be followed across, end them and return their ids."""
        last_ns, self._t_ns = self._t_ns, t_ns
        if last_ns is None:
            return _NO_IDS
        if t_ns < last_ns:
            self._t_ns = last_ns
            raise ValueError(
                f"frames must come in order of time, this one is {(last_ns - t_ns) / _NS:.3f} s before the last; "
                "where a camera's time starts anew, call end() first"
            )
        everyone = self._all
        if t_ns - last_ns > self._horizon_ns:
            return self._drop(np.ones(len(everyone), np.bool_))
        if t_ns - last_ns > self._options.lost_s * _NS:
            everyone.keep(everyone.id > 0)
            everyone.past[:] = True
        if not len(everyone):
            return _NO_IDS
        # Out of sight, a box that grew or shrank while it was being hidden must not go on doing so.
        everyone.mean[everyone.row < 0, 1, 3] = 0
        ticks = (t_ns - last_ns) / _NS * kalman.TICKS_PER_S
        options = self._options
        mean, cov = kalman.predict(everyone.mean, everyone.cov, ticks, value=options.position_noise, velocity=options.velocity_noise)
        if not options.predict_young:
            young = everyone.id == 0
            mean[young], cov[young] = everyone.mean[young], everyone.cov[young]
        everyone.mean, everyone.cov = mean, cov
        return _NO_IDS

    def _update(self, seen: Detections, foreseen: F64, t_ns: int) -> None:
        """Let the matched tracks, foreseen at (N, 4), learn from their detections."""
        everyone = self._all
        rows = (everyone.row >= 0).nonzero()[0]
        if not len(rows):
            return
        match = everyone.row[rows]
        boxes = self._with_feet(rows, seen.xyxy[match].astype(np.float64), foreseen[rows], t_ns)
        class_id, score = seen.class_id[match], seen.score[match]
        # A detector that sees half of somebody guesses where the rest is, and says so by the score.
        doubt = np.maximum((1 - score.astype(np.float64)) / (1 - self._options.sure_score), 1.0)
        everyone.mean[rows], everyone.cov[rows] = kalman.update(everyone.mean[rows], everyone.cov[rows], kalman.to_xyah(boxes), doubt)
        everyone.seen_ns[rows] = t_ns
        # The class is what most of the score went to; one running lead is enough to know (Boyer and Moore's majority vote).
        lead = everyone.vote[rows] + np.where(class_id == everyone.class_id[rows], score, -score)
        lost = lead < 0
        everyone.class_id[rows[lost]] = class_id[lost]
        everyone.vote[rows] = np.abs(lead)

    def _with_feet(self, rows: Rows, boxes: F64, foreseen: F64, t_ns: int) -> F64:
        """The boxes (K, 4) seen of the tracks `rows` (K,), completed down to the `foreseen` (K, 4) feet where those are hidden for a moment."""
        everyone = self._all
        cut = feet.hidden(foreseen, boxes)
        if cut.any():
            # A height is believed against the eyes for no longer than it was watched before.
            while_ns = self._options.hidden_feet_s * _NS
            whole_ns = everyone.whole_ns[rows]
            cut &= (t_ns - whole_ns < while_ns) & (whole_ns - everyone.born_ns[rows] >= while_ns)
            boxes[cut, 3] = foreseen[cut, 3]
        everyone.whole_ns[rows[~cut]] = t_ns
        return boxes

    def _end_unseen(self, t_ns: int) -> I64:
        """Drop unconfirmed tracks that missed this frame and confirmed ones that are out of sight for too long; returns the ids of the latter."""
        everyone = self._all
        unseen = everyone.row < 0
        if not unseen.any():
            return _NO_IDS
        unseen_ns = t_ns - everyone.seen_ns
        everyone.past |= unseen_ns > self._options.lost_s * _NS
        return self._drop(unseen & ((everyone.id == 0) | (unseen_ns > self._horizon_ns)))

    def _newborn(self, seen: Detections, free: Bools) -> Rows:
        """The rows of `seen`, of those that are `free` (D,), at which a track begins: good ones, that are no second box on who is followed."""
        rows = (free & (seen.score >= self._options.new_score)).nonzero()[0]
        taken = self._all.row[self._all.row >= 0]
        if self._options.new_iou >= 1 or not len(rows) or not len(taken):
            return rows
        boxes = seen.xyxy.astype(np.float64)
        i, _, overlap = geometry.overlaps(boxes[rows], boxes[taken])
        again = np.zeros(len(rows), np.bool_)
        again[i[overlap > self._options.new_iou]] = True
        return rows[~again]

    def _bear(self, seen: Detections, rows: NDArray[np.intp], t_ns: int) -> None:
        """Begin a track at each detection of `rows` (K,)."""
        n = len(rows)
        if not n:
            return
        mean, cov = kalman.begin(kalman.to_xyah(seen.xyxy[rows]))
        now = np.full(n, t_ns, np.int64)
        keys = np.arange(self._next_key, self._next_key + n, dtype=np.int64)
        self._next_key += n
        self._all.join(
            Population(
                key=keys,
                id=np.zeros(n, np.int64),
                mean=mean,
                cov=cov,
                row=rows.astype(np.int32),
                born_ns=now,
                seen_ns=now.copy(),
                whole_ns=now.copy(),
                class_id=seen.class_id[rows],
                vote=seen.score[rows].astype(np.float64),
                past=np.zeros(n, np.bool_),
            )
        )

    def _end_duplicates(self) -> I64:
        """Where a track in sight lies on a lost one, drop the one with the shorter life; returns the ids among them."""
        everyone = self._all
        in_sight = everyone.row >= 0
        lost = (~in_sight & ~everyone.past).nonzero()[0]
        if not len(lost):
            return _NO_IDS
        here = in_sight.nonzero()[0]
        i, j, overlap = geometry.overlaps(kalman.to_xyxy(everyone.mean[here]), kalman.to_xyxy(everyone.mean[lost]))
        same = overlap > self._options.duplicate_iou
        if not same.any():
            return _NO_IDS
        i, j = i[same], j[same]
        life = everyone.seen_ns - everyone.born_ns
        older = life[here[i]] > life[lost[j]]
        gone = np.zeros(len(everyone), np.bool_)
        gone[np.where(older, lost[j], here[i])] = True
        return self._drop(gone)

    def _confirm(self, seen: Detections, t_ns: int, *, at_once: bool) -> Backlog:
        """Give ids to the tracks that have proved themselves; returns what was seen of them before this frame."""
        everyone = self._all
        unconfirmed = everyone.id == 0
        if not unconfirmed.any():
            self._early = Backlog.empty()
            return self._early
        age = t_ns - everyone.born_ns
        proved = unconfirmed & (at_once | ((age > 0) & (age >= self._options.confirm_s * _NS)))
        continued = self._stitch(proved.nonzero()[0], t_ns)
        new = (proved & (everyone.id == 0)).nonzero()[0]
        everyone.id[new] = np.arange(self._next_id, self._next_id + len(new))
        self._next_id += len(new)
        early = self._early
        backlog = Backlog.empty()
        if len(early) and proved.any():
            at, told = find(everyone.key[proved], early.id)
            ids = everyone.id[proved][at[told]]
            by_id = np.argsort(ids, kind="stable")
            backlog = Backlog(ids[by_id], early.t_ns[told][by_id], early.xyxy[told][by_id])
        waiting = (unconfirmed & ~proved).nonzero()[0]
        keys = everyone.key[waiting]
        _, still = find(keys, early.id)
        self._early = Backlog(
            np.concatenate([early.id[still], keys]),
            np.concatenate([early.t_ns[still], np.full(len(waiting), t_ns, np.int64)]),
            np.concatenate([early.xyxy[still], seen.xyxy[everyone.row[waiting]]]),
        )
        if len(continued):
            everyone.keep(~np.isin(np.arange(len(everyone)), continued))
        return backlog

    def _stitch(self, born: Rows, t_ns: int) -> Rows:
        """Let those of the newborn rows `born` that continue a lost track take over its id and its past; returns the rows of what they continue."""
        everyone = self._all
        if not self._options.stitch_s or not len(born):
            return born[:0]
        lost = ((everyone.id > 0) & (everyone.row < 0) & (t_ns - everyone.seen_ns <= self._options.stitch_s * _NS)).nonzero()[0]
        if not len(lost):
            return lost
        old, new = stitch.continuations(everyone, lost, born)
        everyone.id[new], everyone.born_ns[new] = everyone.id[old], everyone.born_ns[old]
        everyone.vote[new] += everyone.vote[old]  # both are led by the same class
        return old

    def _report(self, seen: Detections, order: NDArray[np.intp], backlog: Backlog, ended: I64) -> Tracks:
        everyone = self._all
        rows = ((everyone.row >= 0) & (everyone.id > 0)).nonzero()[0]
        rows = rows[np.argsort(everyone.id[rows])]
        match = everyone.row[rows]
        xyxy = kalman.to_xyxy(everyone.mean[rows]).astype(np.float32)
        return Tracks(everyone.id[rows], xyxy, seen.score[match], everyone.class_id[rows], order[match].astype(np.int32), backlog, ended)


def _order(detections: Detections) -> Rows:
    """By the lower edge, then by all else, so that the order in which they come cannot decide anything."""
    order = np.argsort(detections.xyxy[:, 3])
    edge = detections.xyxy[order, 3]
    if (edge[1:] == edge[:-1]).any():  # seldom, and sorting by five keys is slow
        return np.lexsort((detections.score, *detections.xyxy.T))
    return order
