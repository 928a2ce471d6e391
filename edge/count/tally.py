"""Events become whole numbers that can only be added: the one form in which counts are kept, summed and sent.

A tally maps a `Key` to an integer. Durations are microseconds; the dwell histogram has one key a bin. Occupancy is never stored: it is
`entered + appeared - exited - vanished`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from edge.data import Event

DWELL_BINS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
"""Upper ends of the dwell histogram's bins in seconds; one more bin holds what lasted longer."""


class Key(NamedTuple):
    """What a number counts: `kind` is ``line``, ``zone`` or ``camera``; `class_name` '' stands for no class in particular."""

    kind: str
    place: str
    class_name: str
    field: str


class Tally(Counter[Key]):
    """Whole numbers by key; what was never counted is 0."""


SEEN = Key("camera", "", "", "seen_us")
"""Microseconds in which the camera saw."""


def dwell_field(dwell_s: float) -> str:
    """The histogram bin of a dwell time."""
    for end in DWELL_BINS_S:
        if dwell_s <= end:
            return f"dwell_le_{end}"
    return "dwell_longer"


def of_events(events: Iterable[Event], class_names: Sequence[str]) -> Tally:
    """What `events` add."""
    tally = Tally()
    for event in events:
        name = class_names[event.class_id]
        tally[Key(event.kind, event.place, name, event.verb)] += 1
        if event.dwell_ns is not None:
            tally[Key(event.kind, event.place, name, "dwell_us")] += event.dwell_ns // 1000
            tally[Key(event.kind, event.place, name, dwell_field(event.dwell_ns * 1e-9))] += 1
    return tally


def of_time(us: int, occupancy: Mapping[str, int]) -> Tally:
    """What `us` microseconds of seeing add, with so many people in each zone."""
    tally = Tally({SEEN: us})
    for zone, people in occupancy.items():
        if people:
            tally[Key("zone", zone, "", "presence_us")] += people * us
            tally[Key("zone", zone, "", "occupied_us")] += us
    return tally


_INSIDE = {"entered": 1, "appeared": 1, "exited": -1, "vanished": -1}
"""What each verb of a zone does to its occupancy."""


def occupancy_of(tally: Mapping[Key, int], zone: str, class_name: str | None = None) -> int:
    """How many are in a zone by its totals (of one class, or of all)."""
    return sum(n for key, n in left_inside(tally, (zone,)).items() if class_name in (None, key.class_name))


def crossings_of(tally: Mapping[Key, int], line: str) -> tuple[int, int]:
    """How many went in and out across a line by its totals."""
    in_, out = (sum(n for key, n in tally.items() if (key.kind, key.place, key.field) == ("line", line, verb)) for verb in ("in", "out"))
    return in_, out


def left_inside(tally: Mapping[Key, int], zones: Container[str]) -> Tally:
    """Who is in these zones by their totals, by zone and class, as what would bring each back to nobody: `vanished`."""
    inside = Tally()
    for key, n in tally.items():
        if key.kind == "zone" and key.place in zones and key.field in _INSIDE:
            inside[key._replace(field="vanished")] += n * _INSIDE[key.field]
    return Tally({key: n for key, n in inside.items() if n})
