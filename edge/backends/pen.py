"""How shapes are drawn with OpenCV, in reference pixels, onto a picture of any size in host memory: both back-ends' painters end here.

What is drawn was decided in `edge.overlay`; heat is each painter's own.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from edge.data import I32, U8, Size
from edge.shapes import Boxes, Colour, Label, Outline, Overlay, Panel, Segment, Shape

FONT = cv2.FONT_HERSHEY_SIMPLEX
INK: Colour = (250, 250, 250)
PLATE: Colour = (32, 28, 24)


def _hue(hue: int) -> Colour:
    b, g, r = cv2.cvtColor(np.array([[[hue, 150, 245]]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0].tolist()
    return b, g, r


_PALETTE = tuple(_hue(i * 67 % 180) for i in range(24))


def draw_shapes(picture: U8, overlay: Overlay) -> U8:
    """`picture` (H, W, 3) with the shapes of `overlay` drawn into it, in their order; its heat layer is not drawn here."""
    pen = Pen(picture, overlay.reference, overlay.stroke_px)
    for shape in overlay.shapes:
        pen.draw(shape)
    return picture


class Pen:
    """Draws shapes in reference pixels onto a picture of any size; strokes and letters grow with the picture."""

    def __init__(self, picture: U8, reference: Size, stroke_px: int | None = None) -> None:
        self._picture = picture
        height, width = picture.shape[:2]
        self._scale = np.array([width / reference.width, height / reference.height])
        self._stroke = stroke_px or max(1, round(height / 400))
        self._letter = max(0.35, height / 1300)

    def draw(self, shape: Shape) -> None:
        match shape:
            case Boxes():
                self._boxes(shape)
            case Segment():
                self._segment(shape)
            case Outline():
                self._outline(shape)
            case Label():
                x, y = self._at(shape.at)
                self._plate(shape.text, x, y, shape.colour, centred=shape.centred)
            case Panel():
                self._panel(shape)

    def _at(self, point: tuple[float, float]) -> tuple[int, int]:
        return round(point[0] * float(self._scale[0])), round(point[1] * float(self._scale[1]))

    def _boxes(self, shape: Boxes) -> None:
        corners = np.rint(shape.xyxy * np.tile(self._scale, 2)).astype(int).tolist()
        for (x1, y1, x2, y2), track, tag in zip(corners, shape.id.tolist(), shape.tag, strict=True):
            colour = _PALETTE[track % len(_PALETTE)]
            cv2.rectangle(self._picture, (x1, y1), (x2, y2), colour, self._stroke)
            if tag:
                self._plate(tag, x1, y1, colour, small=True)

    def _segment(self, shape: Segment) -> None:
        start, end = self._at(shape.start), self._at(shape.end)
        cv2.line(self._picture, start, end, PLATE, self._stroke + 3)  # not smoothed: it only sets the line off, and smoothing costs
        cv2.line(self._picture, start, end, shape.colour, self._stroke + 1, cv2.LINE_AA)
        cv2.fillPoly(self._picture, [_arrow(start, end, 9 * self._stroke + 4)], shape.colour, cv2.LINE_AA)

    def _outline(self, shape: Outline) -> None:
        ring = np.rint(np.array(shape.points) * self._scale).astype(np.int32)
        x, y, w, h = cv2.boundingRect(ring)
        x1, y1 = max(x, 0), max(y, 0)
        x2, y2 = min(x + w, self._picture.shape[1]), min(y + h, self._picture.shape[0])
        if x2 > x1 and y2 > y1:
            part = self._picture[y1:y2, x1:x2]
            tinted = part.copy()
            cv2.fillPoly(tinted, [ring - (x1, y1)], shape.colour)
            cv2.addWeighted(tinted, 0.12, part, 0.88, 0, part)
        cv2.polylines(self._picture, [ring], True, shape.colour, self._stroke, cv2.LINE_AA)

    def _plate(self, text: str, x: int, y: int, colour: Colour, *, centred: bool = False, small: bool = False) -> None:
        """A plate with text; a `small` one stands on (x, y), another begins there or is `centred` on it; moved and cut to fit into the picture."""
        plate = _plate(text, colour, self._letter * (0.8 if small else 1.0), small)
        (h, w), (height, width) = plate.shape[:2], self._picture.shape[:2]
        if centred:
            x, y = x - w // 2, y - h // 2
        elif small:
            y -= h
        x, y = max(0, min(x, width - w)), max(0, min(y, height - h))
        self._picture[y : y + h, x : x + w] = plate[:height, :width]

    def _panel(self, shape: Panel) -> None:
        thick = max(1, round(self._letter * 1.6))
        step = cv2.getTextSize("Ag", FONT, self._letter, thick)[0][1] + 8
        height, width = self._picture.shape[:2]
        block = max(cv2.getTextSize(row, FONT, self._letter, thick)[0][0] for row in shape.rows) + 14
        x = 0 if "left" in shape.corner else max(0, width - block)
        y = 0 if "top" in shape.corner else max(0, height - step * len(shape.rows) - 8)
        part = self._picture[y : y + step * len(shape.rows) + 8, x : x + block]
        cv2.addWeighted(part, 0.3, np.full_like(part, PLATE), 0.7, 0, part)
        for number, row in enumerate(shape.rows, 1):
            cv2.putText(self._picture, row, (x + 7, y + step * number), FONT, self._letter, INK, thick, cv2.LINE_AA)


@lru_cache(maxsize=256)
def _arrow(start: tuple[int, int], end: tuple[int, int], size: int) -> I32:
    """Corners (3, 2) of an arrowhead in the middle of a line; it points to the right hand of who walks along it (y down), where `in` leads."""
    along = np.subtract(end, start).astype(np.float64)
    along /= max(float(np.hypot(*along)), 1.0)
    middle = np.add(start, end) / 2
    right = np.array([-along[1], along[0]])
    return np.rint([middle + right * size, middle + along * size / 2, middle - along * size / 2]).astype(np.int32)


@lru_cache(maxsize=128)
def _plate(text: str, colour: Colour, letter: float, small: bool) -> U8:
    """Text on a dark plate with an edge of `colour`, or, `small`, dark on a plate of it. Most are drawn a thousand times: the last are kept.

    Not many: of 1080p one takes 10 KB, and counts and identities make new ones all day long.
    """
    thick = max(1, round(letter * 1.6))
    (w, h), base = cv2.getTextSize(text, FONT, letter, thick)
    w, h, edge = w + 7, h + base + 3, 0 if small else 1
    plate = np.full((h + 2 * edge, w + 2 * edge, 3), colour, np.uint8)
    if not small:
        plate[edge:-edge, edge:-edge] = PLATE
    cv2.putText(plate, text, (edge + 3, edge + h - base - 1), FONT, letter, PLATE if small else INK, thick, cv2.LINE_AA)
    plate.flags.writeable = False
    return plate
