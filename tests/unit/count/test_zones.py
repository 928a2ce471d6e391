"""Who is inside, since when, and as what. Confirmation, lost tracks and totals are tested elsewhere."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.count import ZoneOptions, Zones
from tests.unit.count.seen import S, sights, verbs, walk

ROOM = ZoneOptions(((100, 100), (300, 100), (300, 300), (100, 300)))
IDS = np.array([1], np.int64)


def room(options: ZoneOptions = ROOM) -> Zones:
    return Zones({"room": options})


def test_walking_in_and_out_is_entered_and_exited_dated_to_the_border() -> None:
    zones = room()
    path = [(50, 200), (90, 200), (98, 200), (106, 200), (109, 200), (150, 200), (250, 200), (305, 200), (325, 200)]
    entered, exited = walk(zones, path)
    assert (entered.verb, entered.t_ns, entered.t_counted_ns) == ("entered", 2 * S + S // 4, 5 * S)
    assert entered.point == pytest.approx((100, 200))
    assert entered.dwell_ns is None
    assert (exited.verb, exited.t_counted_ns) == ("exited", 8 * S)
    assert exited.point == pytest.approx((300, 200))
    assert exited.t_ns == 6 * S + round(50 / 55 * S)
    assert exited.dwell_ns == exited.t_ns - entered.t_ns
    assert zones.occupancy() == {"room": 0}


def test_first_seen_inside_is_appeared_and_last_seen_inside_is_vanished() -> None:
    zones = room()
    (appeared,) = walk(zones, [(200, 200), (210, 210), (220, 200)])
    assert (appeared.verb, appeared.t_ns) == ("appeared", 0)
    assert zones.occupancy() == {"room": 1}
    (vanished,) = zones.end(IDS, 9 * S)
    assert (vanished.verb, vanished.t_ns, vanished.t_counted_ns, vanished.dwell_ns) == ("vanished", 2 * S, 9 * S, 2 * S)
    assert vanished.point == (220, 200)
    assert zones.occupancy() == {"room": 0}


def test_first_seen_outside_and_ended_outside_is_nothing() -> None:
    zones = room()
    assert not walk(zones, [(20, 20), (30, 30)])
    assert not zones.end(IDS, S)
    assert not zones.end(IDS, S)


def test_a_spawn_and_a_pixel_of_jitter_on_the_border_is_nothing() -> None:
    zones = room()
    assert not walk(zones, [(100 + k % 3 - 1, 200) for k in range(50)])
    assert zones.occupancy() == {"room": 0}
    assert not zones.end(IDS, 60 * S)


def test_jitter_on_the_border_after_entering_keeps_who_is_inside() -> None:
    zones = room()
    assert verbs(walk(zones, [(50, 200), (200, 200), *((100 + 9 * (-1) ** k, 200) for k in range(100))])) == ["entered"]
    assert zones.occupancy() == {"room": 1}


def test_through_a_zone_in_one_step_is_nothing() -> None:
    assert not walk(room(), [(0, 200), (400, 200)])


def test_unsure_feet_change_nothing() -> None:
    zones = room()
    zones.count(sights(0, (1, 200, 200)), 0)
    assert not zones.count(sights(S, (1, 200, 400), sure=False), S)
    assert zones.occupancy() == {"room": 1}


def test_zones_may_overlap_and_each_tells_its_own() -> None:
    zones = Zones({"b": ROOM, "a": ZoneOptions(((150, 150), (400, 150), (400, 400), (150, 400)))})
    assert [(e.place, e.verb) for e in walk(zones, [(50, 200), (250, 200)])] == [("b", "entered"), ("a", "entered")]
    assert zones.occupancy() == {"b": 1, "a": 1}


def test_a_notch_of_a_concave_zone_is_outside() -> None:
    notched = room(ZoneOptions(((0, 0), (300, 0), (300, 300), (200, 300), (200, 100), (100, 100), (100, 300), (0, 300))))
    assert verbs(walk(notched, [(50, 200), (150, 200), (250, 200)])) == ["appeared", "exited", "entered"]


def test_a_step_across_several_borders_is_dated_to_the_last() -> None:
    notched = room(ZoneOptions(((0, 0), (300, 0), (300, 300), (200, 300), (200, 100), (100, 100), (100, 300), (0, 300))))
    (entered,) = walk(notched, [(-50, 200), (250, 200)])
    assert entered.t_ns == round(250 / 300 * S)
    assert entered.point == pytest.approx((200, 200))


def test_a_track_leaves_as_the_class_it_came_in_as() -> None:
    zones = room()
    zones.count(sights(0, (1, 200, 200), class_id=0), 0)
    zones.count(sights(S, (1, 210, 200), class_id=7), S)
    (exited,) = zones.count(sights(2 * S, (1, 400, 200), class_id=7), 2 * S)
    assert exited.class_id == 0
    (entered,) = zones.count(sights(3 * S, (1, 200, 200), class_id=7), 3 * S)
    assert entered.class_id == 7


world = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(1, 6), st.integers(0, 400), st.integers(0, 400)), max_size=4, unique_by=lambda row: row[0]),
        st.frozensets(st.integers(1, 6), max_size=2),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=25,
)


@given(world, st.integers(0, 25))
def test_occupancy_is_entered_and_appeared_less_exited_and_vanished_for_each_class(steps: list, restart: int) -> None:
    """After any sequence: the identity holds, no class is below nobody, times go forward, and a restart changes nothing."""
    sign = {"entered": 1, "appeared": 1, "exited": -1, "vanished": -1}
    zones, kept = room(), room()
    inside: Counter[int] = Counter()
    for k, (rows, ended, class_id, sure) in enumerate(steps):
        seen = sights(k * S, *rows, class_id=class_id, sure=sure)
        gone = np.array(sorted(ended), np.int64)
        events = zones.count(seen, k * S) + zones.end(gone, k * S)
        assert events == kept.count(seen, k * S) + kept.end(gone, k * S)
        for event in events:
            inside[event.class_id] += sign[event.verb]
            assert event.t_ns <= k * S
            assert (event.dwell_ns is None) == (sign[event.verb] > 0)
        assert zones.occupancy()["room"] == sum(inside.values())
        assert min(inside.values(), default=0) >= 0
        if k == restart:
            kept = room()
            kept.restore(zones.state())
    everyone = zones.state()["id"]
    for event in zones.end(everyone, 99 * S):
        inside[event.class_id] += sign[event.verb]
    assert not any(inside.values())
    assert len(zones.state()["id"]) == 0


def test_a_closed_ring_is_the_same_zone() -> None:
    closed = ZoneOptions((*ROOM.polygon, ROOM.polygon[0]))
    assert closed == ROOM
    assert closed.digest == ROOM.digest


@pytest.mark.parametrize(
    ("polygon", "reason"),
    [
        (((0, 0), (9, 0)), "at least three different points, here are 2"),
        (((0, 0), (9, 0), (0, 0), (9, 0)), "at least three different points, here are 2"),
        (((0, 0), (100, 100), (100, 0), (0, 100)), "must not cross or touch itself: Self-intersection"),
        (((0, 0), (50, 50), (100, 100)), "must not cross or touch itself"),
        (((0, 0), (float("nan"), 5), (100, 0)), "finite numbers"),
    ],
)
def test_a_polygon_that_is_none_is_refused_with_the_reason(polygon: tuple, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ZoneOptions(polygon)
