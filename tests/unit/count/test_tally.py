"""Events become numbers that add up. Which events there are is tested elsewhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.count.tally import DWELL_BINS_S, SEEN, Key, dwell_field, occupancy_of, of_events, of_time
from edge.data import Event

NAMES = ("person", "car")


def event(kind: str, verb: str, *, class_id: int = 0, dwell_ns: int | None = None, place: str = "a") -> Event:
    return Event(kind, place, verb, 1, class_id, 0, 0, (0.0, 0.0), dwell_ns)  # type: ignore[arg-type]


def test_each_event_counts_once_under_its_class() -> None:
    tally = of_events([event("line", "in"), event("line", "in"), event("line", "out", class_id=1)], NAMES)
    assert tally == {Key("line", "a", "person", "in"): 2, Key("line", "a", "car", "out"): 1}


def test_a_dwell_adds_its_microseconds_and_one_to_its_bin() -> None:
    tally = of_events([event("zone", "exited", dwell_ns=2_500_000_999)], NAMES)
    assert tally[Key("zone", "a", "person", "dwell_us")] == 2_500_000
    assert tally[Key("zone", "a", "person", "dwell_le_5")] == 1
    assert tally[Key("zone", "a", "person", "exited")] == 1


@given(st.floats(0, 1e5))
def test_every_dwell_has_one_bin_whose_end_it_does_not_pass(dwell_s: float) -> None:
    field = dwell_field(dwell_s)
    if field == "dwell_longer":
        assert dwell_s > DWELL_BINS_S[-1]
    else:
        end = int(field.removeprefix("dwell_le_"))
        assert dwell_s <= end
        assert all(dwell_s > lower for lower in DWELL_BINS_S if lower < end)


def test_seeing_adds_time_and_presence_where_somebody_is() -> None:
    tally = of_time(1000, {"a": 3, "b": 0})
    assert tally == {SEEN: 1000, Key("zone", "a", "", "presence_us"): 3000, Key("zone", "a", "", "occupied_us"): 1000}


def test_occupancy_is_of_one_zone_and_of_one_class_if_asked() -> None:
    events = [
        event("zone", "entered"), event("zone", "appeared"), event("zone", "appeared", class_id=1), event("zone", "exited", dwell_ns=0),
        event("zone", "entered", place="b"), event("line", "in"),
    ]  # fmt: skip
    tally = of_events(events, NAMES)
    assert occupancy_of(tally, "a") == 2
    assert occupancy_of(tally, "a", "person") == 1
    assert occupancy_of(tally, "a", "car") == 1
    assert occupancy_of(tally, "nowhere") == 0
