"""What can be drawn on a picture, as values; never how. Coordinates are reference pixels; the painter scales them to the frame.

Kept apart from `data` because nothing that reasons or counts may know of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.data import F32, I64, Size

Colour = tuple[int, int, int]
"""Blue, green, red, each 0..255."""


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Outlined boxes with a tag each: ``xyxy (N, 4) f32``, ``id (N,) i64`` (picks the colour), `tag` one short text a box ('' for none)."""

    xyxy: F32
    id: I64
    tag: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A counting line: an arrowhead at its middle points to the side that `in` leads to."""

    start: tuple[float, float]
    end: tuple[float, float]
    colour: Colour


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed polygon, lightly filled."""

    points: tuple[tuple[float, float], ...]
    colour: Colour


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text on a plate, its anchor point at the plate's `left top` corner or `centre`; kept inside the picture."""

    text: str
    at: tuple[float, float]
    colour: Colour
    centred: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows of text in a corner of the picture: the totals."""

    rows: tuple[str, ...]
    corner: str = "top left"


Shape = Boxes | Segment | Outline | Label | Panel


@dataclass(frozen=True, slots=True)
class HeatStyle:
    """How heat becomes colour: `colormap` one of OpenCV's 22 by number, `alpha` 0..1 at full heat, blur (sigma) in reference px."""

    colormap: int
    alpha: float
    blur_px: float


@dataclass(frozen=True, slots=True, eq=False)
class HeatLayer:
    """A grid of presence to lay over a picture.

    ``seconds (rows, columns) f32``, already blurred; `cell` px a cell, `top` the value in seconds that gets the last colour;
    `legend` says on the picture what the colours mean ('' for no legend).
    """

    seconds: F32
    cell: int
    top: float
    style: HeatStyle
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Overlay:
    """All that is drawn on one picture: shapes in order, over a heat layer if there is one, in the frame of `reference`.

    `stroke_px`: how thick boxes and lines are, in pixels of the picture; None lets it grow with the picture.
    """

    reference: Size
    shapes: tuple[Shape, ...]
    heat: HeatLayer | None = None
    stroke_px: int | None = None
