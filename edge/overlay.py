"""What to draw on a picture: shapes and a heat layer, in reference pixels; never how. Painters know the how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.count import LineOptions, ZoneOptions
from edge.count.tally import Key, crossings_of, occupancy_of
from edge.data import Size, Tracks
from edge.shapes import Boxes, HeatLayer, Label, Outline, Overlay, Panel, Segment, Shape

LINE_COLOUR = (60, 190, 255)
ZONE_COLOUR = (190, 200, 60)


@dataclass(frozen=True, slots=True)
class OverlayOptions:
    """What a viewer wants to see."""

    boxes: bool = True
    labels: bool = True
    """Class and id at each box."""
    counts: bool = True
    """Numbers at each line and zone."""
    heat: bool = True


def live(
    options: OverlayOptions,
    reference: Size,
    lines: Mapping[str, LineOptions],
    zones: Mapping[str, ZoneOptions],
    totals: Mapping[Key, int],
    tracks: Tracks,
    class_names: Sequence[str],
    clock: str = "",
) -> Overlay:
    """The picture of one moment: places, numbers, tracks."""
    shapes = _places(lines, zones)
    if options.boxes and len(tracks):
        tags = tuple(f"{class_names[c]} {i}" if options.labels else "" for c, i in zip(tracks.class_id, tracks.id, strict=True))
        shapes.append(Boxes(tracks.xyxy, tracks.id, tags))
    if options.counts:
        shapes += _numbers(lines, zones, totals)
    if clock:
        shapes.append(Panel((clock,), "bottom left"))
    return Overlay(reference, tuple(shapes))


def snapshot(
    reference: Size,
    lines: Mapping[str, LineOptions],
    zones: Mapping[str, ZoneOptions],
    totals: Mapping[Key, int],
    heat: HeatLayer,
    title: Sequence[str],
) -> Overlay:
    """A heatmap to be looked at on its own: places, totals, a title of one or more rows, a legend."""
    shapes = _places(lines, zones) + _numbers(lines, zones, totals)
    if title:
        shapes.append(Panel(tuple(title), "top left"))
    return Overlay(reference, tuple(shapes), heat)


def _places(lines: Mapping[str, LineOptions], zones: Mapping[str, ZoneOptions]) -> list[Shape]:
    shapes: list[Shape] = [Outline(zone.polygon, ZONE_COLOUR) for zone in zones.values()]
    shapes += [Segment(line.start, line.end, LINE_COLOUR) for line in lines.values()]
    return shapes


def _numbers(lines: Mapping[str, LineOptions], zones: Mapping[str, ZoneOptions], totals: Mapping[Key, int]) -> list[Shape]:
    shapes: list[Shape] = []
    for name, zone in zones.items():
        middle = (sum(p[0] for p in zone.polygon) / len(zone.polygon), sum(p[1] for p in zone.polygon) / len(zone.polygon))
        shapes.append(Label(f"{name}: {occupancy_of(totals, name)} now", middle, ZONE_COLOUR, centred=True))
    for name, line in lines.items():
        in_, out = crossings_of(totals, name)
        shapes.append(Label(f"{name}: in {in_} out {out}", line.end, LINE_COLOUR))
    return shapes
