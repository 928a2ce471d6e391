"""Counts of a span as they are told: epochs apart, classes and sums agree, dwell of those who left in the span."""

from __future__ import annotations

from edge.count.tally import SEEN, Key, Tally
from edge.requests.numbers import camera_counts


def test_epochs_are_told_apart_and_places_without_numbers_are_there() -> None:
    before = Tally({Key("line", "gate", "person", "in"): 3, Key("line", "gate", "dog", "out"): 1, Key("line", "gone", "person", "in"): 9})
    now = Tally({Key("line", "gate", "person", "in"): 4, SEEN: 2_500_000})
    counts = camera_counts(
        {1: before, 2: now}, {("line", "gate"): 2, ("line", "back"): 1, ("zone", "till"): 1, ("heat", ""): 2}, from_=None, to=None
    )
    assert [(line.epoch, line.in_, line.out) for line in counts.lines["gate"]] == [(1, 3, 1), (2, 4, 0)]
    assert counts.lines["gate"][0].classes["dog"].out == 1
    assert [(line.epoch, line.in_) for line in counts.lines["back"]] == [(1, 0)]
    assert [(line.epoch, line.in_) for line in counts.lines["gone"]] == [(1, 9)]
    assert [(zone.epoch, zone.entered, zone.dwell.count) for zone in counts.zones["till"]] == [(1, 0, 0)]
    assert counts.seen_s == 2.5


def test_a_zones_dwell_is_of_those_who_left_in_the_span() -> None:
    tally = Tally({Key("zone", "till", "person", verb): n for verb, n in (("exited", 2), ("dwell_us", 5_000_000), ("dwell_le_5", 2))})
    tally[Key("zone", "till", "", "presence_us")] = 1_000_001
    (zone,) = camera_counts({1: tally}, {}, from_=None, to=None).zones["till"]
    assert (zone.exited, zone.dwell.count, zone.dwell.mean_s, zone.presence_s) == (2, 2, 2.5, 1.000001)
    assert zone.classes["person"].exited == 2
