"""The truth of the plaza: by itself, and against the counters fed with perfect sights. The scene's own tests are elsewhere."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge.count.lines import Lines
from edge.count.options import LineOptions, ZoneOptions
from edge.count.zones import Zones
from edge.data import Sights, Size
from edge.sources.synthetic import PlazaOptions, Scene, plaza_layout, truth

SIZE = Size(640, 360)
LAYOUT = plaza_layout(SIZE)
SPAN_S = 90.0


@pytest.fixture(scope="module")
def scene():
    return Scene(PlazaOptions(size=SIZE, people=12))


@pytest.fixture(scope="module")
def known(scene):
    return truth(scene, lines=LAYOUT.lines, zones=LAYOUT.zones, t1_s=SPAN_S)


def key(event):
    return event.place, event.verb, event.track, event.t_ns


def test_much_happens_at_the_suggested_lines_and_zone(known):
    for name in LAYOUT.lines:
        assert known.count(name, "in") > 2
        assert known.count(name, "out") > 2
    assert known.count("centre", "entered") > 10


def test_the_truth_does_not_know_the_frame_rate(scene, known):
    other = truth(Scene(PlazaOptions(size=SIZE, people=12, fps=3.7, seconds=60)), lines=LAYOUT.lines, zones=LAYOUT.zones, t1_s=SPAN_S)
    assert other.events == known.events
    assert np.array_equal(other.seconds, known.seconds)


def test_presence_sums_to_person_seconds(scene, known):
    """Against the mean number present, counted on a raster of its own."""
    present = np.mean([scene.at(t).visible.sum() for t in np.arange(0.05, SPAN_S, 0.1)])
    assert known.person_s == pytest.approx(present * SPAN_S, rel=0.005)


def test_two_halves_sum_to_the_whole(scene, known):
    first, second = truth(scene, t1_s=47.3), truth(scene, t0_s=47.3, t1_s=SPAN_S)
    assert np.abs(first.seconds + second.seconds - known.seconds).max() < 0.05
    assert first.person_s + second.person_s == pytest.approx(known.person_s, abs=0.04 * 12)


def test_occupancy_is_what_the_scene_shows(scene, known):
    """Within the band it is open who is inside, so the points at the border may differ by those who stand there."""
    from edge import geometry

    ring = np.array(LAYOUT.zones["centre"])
    for t in np.arange(10.0, SPAN_S, 10):
        people = scene.at(t)
        people = people[people.visible]
        inside = geometry.inside(people.foot, ring)
        near = geometry.border_distance(people.foot, ring) < 0.25 * (people.box[:, 3] - people.box[:, 1])
        assert (inside & ~near).sum() <= known.occupancy("centre", t) <= (inside | near).sum()


def test_occupancy_is_never_negative_and_ends_with_who_is_left(known):
    occupancy = [known.occupancy("centre", t) for t in np.arange(0, SPAN_S, 1.0)]
    assert min(occupancy) >= 0
    left = sum(e.dwell_ns is not None for e in known.events)
    assert left == known.count("centre", "exited") + known.count("centre", "vanished")
    assert all(e.dwell_ns > 0 for e in known.events if e.dwell_ns is not None)


def test_in_minus_out_of_a_fence_is_what_the_zone_says(scene):
    """Four lines round a zone, each with its inside on the right: whoever went in and came not out is there."""
    ring = LAYOUT.zones["centre"]
    fence = {str(k): (a, b) for k, (a, b) in enumerate(zip(ring, ring[1:] + ring[:1], strict=True))}
    found = truth(scene, lines=fence, zones=LAYOUT.zones, t1_s=SPAN_S)
    balance = sum(found.count(name, "in") - found.count(name, "out") for name in fence)
    moved = found.count("centre", "entered") - found.count("centre", "exited")
    assert abs(balance - moved) <= 2  # cutting a corner is a matter of the band


def test_a_turned_line_swaps_in_and_out(scene, known):
    (name, (start, end)), *_ = LAYOUT.lines.items()
    turned = truth(scene, lines={name: (end, start)}, t1_s=SPAN_S)
    assert turned.count(name, "in") == known.count(name, "out")
    assert turned.count(name, "out") == known.count(name, "in")


def test_an_empty_plaza_has_an_empty_truth():
    nothing = truth(Scene(PlazaOptions(people=0)), lines=LAYOUT.lines, zones=LAYOUT.zones, t1_s=10)
    assert nothing.events == ()
    assert nothing.person_s == 0


def test_a_span_that_is_none_is_refused(scene):
    with pytest.raises(ValueError, match="is none"):
        truth(scene, t0_s=5, t1_s=5)


@pytest.mark.parametrize("fps", [10, 30])
def test_the_counters_agree_with_the_truth_on_perfect_sights(scene, fps):
    span_s = 45.0
    known = truth(scene, lines=LAYOUT.lines, zones=LAYOUT.zones, t1_s=span_s)
    lines = Lines({name: LineOptions(*ends) for name, ends in LAYOUT.lines.items()})
    zones = Zones({name: ZoneOptions(ring) for name, ring in LAYOUT.zones.items()})
    counted, before = [], np.empty(0, np.int64)
    for index in range(round(span_s * fps) + 1):
        t_ns = round(index * 1e9 / fps)
        people = scene.at(t_ns / 1e9)
        people = people[people.visible]
        people = people[np.argsort(people.id)]
        box = np.clip(people.box, 0, np.tile(np.array(SIZE, float), 2))
        point = np.stack([(box[:, 0] + box[:, 2]) / 2, box[:, 3]], axis=1)
        wide, tall = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
        n = len(people)
        sights = Sights(people.id, np.full(n, t_ns), point, wide, tall, people.box[:, 3] < SIZE.height, np.zeros(n, np.int16))
        counted += lines.count(sights, t_ns) + zones.count(sights, t_ns)
        ended = np.setdiff1d(before, people.id)
        lines.end(ended)
        counted += zones.end(ended, t_ns)
        before = people.id
    theirs, ours = (Counter((e.place, e.verb, e.track) for e in events) for events in (counted, known.events))
    assert sum(((theirs - ours) + (ours - theirs)).values()) <= 0.05 * sum(ours.values())
