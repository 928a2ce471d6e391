"""What one camera's results add up to until the next commit: tallies, heat, and the messages about them. No threads, no clock, no file.

`totals` are what the store held at the start plus all that was entered since; `change` is what the next commit will write. A commit that
fails changes nothing here: the same change grows on, and is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from edge.change import Change, Checkpoint, KnownScene, Reset
from edge.count.tally import SEEN, Tally, left_inside, of_events, of_time
from edge.data import Event, Message, Result
from edge.messages import CountsPayload, event_message, iso, line_payload, zone_payload
from edge.ports import Timeline
from edge.roll import Array


@dataclass(frozen=True, slots=True)
class BookOptions:
    """How the books of a camera are kept."""

    counts_every_s: float = 10.0
    """Seconds of an interval of counts."""
    max_gap_s: float = 1.0
    """A camera that gave no frame for longer did not see in between."""

    def __post_init__(self) -> None:
        for name, value in (("counts_every_s", self.counts_every_s), ("max_gap_s", self.max_gap_s)):
            if not 0 < value < 1e6:
                raise ValueError(f"{name} is {value:g}, it must be greater than 0")


class Books:
    """The books of one camera on one timeline."""

    def __init__(
        self,
        options: BookOptions,
        *,
        device: str,
        camera: str,
        boot_id: str,
        timeline: Timeline,
        class_names: Sequence[str],
        cells: int,
        epochs: Mapping[tuple[str, str], int],
        totals: Tally,
        resume: Checkpoint | None = None,
        unsaid: Tally | None = None,
        since: Mapping[tuple[str, str], int | None] | None = None,
    ) -> None:
        """`epochs` of each (kind, place) that is counted, and `since` when (UTC, ns) it runs; `resume` the checkpoint of this very timeline to go on from.

        `unsaid`: what a run on another timeline counted and could not say in a counts message any more; it goes into the first one.
        """
        self.totals = totals
        self.change = Change(camera, timeline.id)
        self._options = options
        self._head = {"device": device, "camera": camera, "boot_id": boot_id}
        self._timeline = timeline
        self._names = tuple(class_names)
        self._cells = cells
        self._epochs, self._since = epochs, since or {}
        self._unsaid: Tally = Tally(unsaid or {}) if resume is None else Tally(resume.unsaid)
        if resume is None:
            del self._unsaid[SEEN]  # seconds of another time say nothing of this one's quality
        self._said_ns: int | None = None if resume is None else resume.said_ns
        self._t_ns: int | None = None if resume is None else resume.t_ns

    def enter(self, result: Result, occupancy: Mapping[str, int], *, sees: bool = True) -> None:
        """All that one step found out; `occupancy` of the zones after it. Not `sees`: the time up to it is not time in which the camera saw."""
        t_ns = result.stamp.t_ns
        window = self.change.window(self._timeline.window(t_ns))
        tally = of_events(result.events, self._names)
        tally.update(of_time(self._saw_us(t_ns) if sees else 0, occupancy))
        self._add(window.tally, tally)
        for class_id in np.unique(result.warmth.class_id):
            rows = result.warmth.class_id == class_id
            grid = window.heat.setdefault(self._names[class_id], np.zeros(self._cells, np.int64))
            np.add.at(grid, result.warmth.cell[rows], result.warmth.us[rows])
        for event in result.events:
            utc = self._timeline.utc_ns
            times = {"t": iso(utc(event.t_ns)), "t_counted": iso(utc(event.t_counted_ns))}
            self.change.outbox.append(partial(_event_draft, event, self._names, times, self._head))
        self._t_ns = t_ns
        if self._said_ns is None:
            self._said_ns = t_ns
        elif (t_ns - self._said_ns) * 1e-9 >= self._options.counts_every_s:
            self.say_counts()

    def correct(self, tally: Tally, t_ns: int) -> None:
        """Numbers that no event tells of: who was in a zone when the device lost sight of everything vanished there."""
        self._add(self.change.window(self._timeline.window(t_ns)).tally, tally)

    def reset(self, utc_ns: int | None) -> None:
        """Begin a new epoch of everything: totals begin at nothing, and whoever is inside a zone is booked as appeared there, or leaving would
        make fewer than none. What was counted before must have been said and committed.
        """
        inside = left_inside(self.totals, [name for kind, name in self._epochs if kind == "zone"])
        self.change.reset = Reset(utc_ns)
        self._epochs = {key: epoch + 1 for key, epoch in self._epochs.items()}
        self._since = dict.fromkeys(self._epochs, utc_ns)
        for key in [key for key in self.totals if (key.kind, key.place) in self._epochs]:
            del self.totals[key]  # in place: pictures look at them too
        if inside and self._t_ns is not None:
            self.correct(Tally({key._replace(field="appeared"): n for key, n in inside.items()}), self._t_ns)

    def say_counts(self) -> None:
        """Queue a counts message for what was not said yet; nothing if there was no frame since."""
        if self._t_ns is None or self._said_ns is None or (self._t_ns == self._said_ns and not any(self._unsaid.values())):
            return
        lasted_ns = self._t_ns - self._said_ns
        seen_us, unsaid, totals = self._unsaid[SEEN], self._unsaid, self.totals
        payload = {
            "from_": iso(self._timeline.utc_ns(self._said_ns)),
            "to": iso(self._timeline.utc_ns(self._t_ns)),
            "t_ns": self._t_ns,
            "interval_s": round(lasted_ns * 1e-9, 6),
            "quality": round(min(1.0, seen_us * 1e3 / lasted_ns), 6) if lasted_ns else 1.0,
            "lines": {name: line_payload(name, n, unsaid, totals, since) for kind, name, n, since in self._running() if kind == "line"},
            "zones": {name: zone_payload(name, n, unsaid, totals, since) for kind, name, n, since in self._running() if kind == "zone"},
        }
        self.change.outbox.append(partial(_counts_draft, payload, self._head))
        self._unsaid, self._said_ns = Tally(), self._t_ns

    def say(self, *messages: Message) -> None:
        """Retained values that go with the next commit."""
        topics = {message.topic for message in messages}
        older = [message for message in self.change.last_values if message.topic not in topics]
        self.change.last_values = older + list(messages)

    def checkpoint(self, source: str, frame: int, digest: str, state: Mapping[str, Array], *, done: bool) -> None:
        """Put the camera's memory after `frame` into the change."""
        t_ns = self._t_ns or 0
        said_ns = t_ns if self._said_ns is None else self._said_ns
        self.change.checkpoint = Checkpoint(self._timeline.id, source, frame, t_ns, digest, state, self._unsaid.copy(), said_ns, done)

    def keep_view(self, digest: str, state: Mapping[str, Array]) -> None:
        """What of the scene is to be known again after a restart goes with the next commit."""
        self.change.view = KnownScene(digest, state)

    def committed(self) -> None:
        """The change is on the disk: begin the next."""
        self.change = Change(self.change.camera, self.change.timeline)

    def _running(self) -> list[tuple[str, str, int, str | None]]:
        """Kind, place, epoch and its beginning."""
        return [(kind, place, epoch, iso(self._since.get((kind, place)))) for (kind, place), epoch in self._epochs.items()]

    def _saw_us(self, t_ns: int) -> int:
        """Whole microseconds since the last frame, none of them if it is too long ago to say that the camera saw in between."""
        if self._t_ns is None:
            return 0
        us = t_ns // 1000 - self._t_ns // 1000
        return us if us <= self._options.max_gap_s * 1e6 else 0

    def _add(self, window: Tally, tally: Tally) -> None:
        for held in (window, self.totals, self._unsaid):
            held.update(tally)


def _event_draft(event: Event, names: Sequence[str], times: Mapping[str, Any], head: Mapping[str, str], stream: str, seq: int) -> Message:
    return event_message(event, names, **times, **head, stream=stream, seq=seq)


def _counts_draft(payload: Mapping[str, Any], head: Mapping[str, str], stream: str, seq: int) -> Message:
    counts = CountsPayload(**payload, **head, stream=stream, seq=seq)
    return Message(f"{counts.camera}/counts", counts.to_bytes(), retain=True)
