"""What is to be drawn, as values. How it looks is the painters' contract."""

from __future__ import annotations

import numpy as np

from edge import overlay
from edge.count import LineOptions, ZoneOptions
from edge.count.tally import Key
from edge.data import Backlog, Size, Tracks
from edge.shapes import Boxes, HeatLayer, HeatStyle, Label, Outline, Panel, Segment

REFERENCE = Size(1280, 720)
LINES = {"door": LineOptions((0, 100), (200, 100))}
ZONES = {"room": ZoneOptions(((0, 0), (90, 0), (90, 90), (0, 90)))}
TOTALS = {
    Key("line", "door", "person", "in"): 3,
    Key("line", "door", "car", "in"): 2,
    Key("line", "door", "person", "out"): 1,
    Key("line", "gate", "person", "out"): 9,
    Key("zone", "room", "person", "entered"): 5,
    Key("zone", "room", "person", "vanished"): 1,
}
TRACKS = Tracks([4, 9], [[0, 0, 9, 9], [5, 5, 20, 50]], [0.5, 0.9], [0, 1], [0, 1], Backlog.empty(), [])
NAMES = ("person", "car")


def live(options: overlay.OverlayOptions, tracks: Tracks = TRACKS, clock: str = "") -> list:
    drawn = overlay.live(options, REFERENCE, LINES, ZONES, TOTALS, tracks, NAMES, clock)
    assert drawn.reference == REFERENCE
    assert drawn.heat is None
    return list(drawn.shapes)


def only(shapes: list, kind: type) -> list:
    return [shape for shape in shapes if isinstance(shape, kind)]


def test_places_tracks_and_numbers_are_drawn_numbers_last() -> None:
    shapes = live(overlay.OverlayOptions(), clock="12:00:00")
    assert [type(shape) for shape in shapes] == [Outline, Segment, Boxes, Label, Label, Panel]
    (boxes,) = only(shapes, Boxes)
    assert boxes.tag == ("person 4", "car 9")
    np.testing.assert_array_equal(boxes.xyxy, TRACKS.xyxy)
    assert [label.text for label in only(shapes, Label)] == ["room: 4 now", "door: in 5 out 1"]
    assert only(shapes, Panel)[0].rows == ("12:00:00",)
    assert only(shapes, Label)[0].at == (45, 45)


def test_what_a_viewer_does_not_want_is_left_out() -> None:
    assert only(live(overlay.OverlayOptions(labels=False)), Boxes)[0].tag == ("", "")
    assert not only(live(overlay.OverlayOptions(boxes=False)), Boxes)
    assert not only(live(overlay.OverlayOptions(counts=False)), Label)
    assert not only(live(overlay.OverlayOptions(), Tracks.empty()), Boxes)
    assert not only(live(overlay.OverlayOptions()), Panel)


def test_a_snapshot_has_heat_and_numbers_and_nobody() -> None:
    heat = HeatLayer(np.zeros((90, 160), np.float32), 8, 1.0, HeatStyle(2, 0.6, 16), "presence")
    drawn = overlay.snapshot(REFERENCE, LINES, ZONES, TOTALS, heat, ("hall", "today"))
    assert drawn.heat is heat
    assert not only(list(drawn.shapes), Boxes)
    assert only(list(drawn.shapes), Panel)[0].rows == ("hall", "today")
    assert [label.text for label in only(list(drawn.shapes), Label)] == ["room: 4 now", "door: in 5 out 1"]
    assert not only(list(overlay.snapshot(REFERENCE, {}, {}, {}, heat, ()).shapes), Panel)
