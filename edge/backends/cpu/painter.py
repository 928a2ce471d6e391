"""Draws overlays with OpenCV: heat first, then shapes in order. What is drawn was decided in `edge.overlay`."""

from __future__ import annotations

import cv2
import numpy as np

from edge.backends.cpu.heat import LiveHeat, Redraw, Tint
from edge.data import U8, Frame, Size, Stamp, Warmth
from edge.heat import HeatOptions, colormap_table
from edge.shapes import Boxes, Colour, HeatLayer, Label, Outline, Overlay, Panel, Segment, Shape

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_INK = (250, 250, 250)
_PLATE = (32, 28, 24)
_PALETTE = tuple(
    tuple(int(v) for v in cv2.cvtColor(np.array([[[hue, 150, 245]]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0])
    for hue in (i * 67 % 180 for i in range(24))
)


class CpuPainter:
    """ports.Painter of one camera."""

    def __init__(self, options: HeatOptions, reference: Size, *, show_heat: bool = True, redraw_s: float = 0.25) -> None:
        self._heat = LiveHeat(options, reference)
        self._redraw = Redraw(options, self._heat, every_s=redraw_s) if show_heat else None

    def __enter__(self) -> CpuPainter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def warm(self, stamp: Stamp, warmth: Warmth) -> None:
        if self._redraw is not None:
            self._heat.warm(stamp.t_ns, warmth)

    def paint(self, frame: Frame, overlay: Overlay) -> U8:
        """The frame with live heat and the overlay's shapes on it, (H, W, 3) BGR; the frame's own pixels stay untouched."""
        picture = frame.bgr.copy()
        if self._redraw is not None:
            self._redraw.tint(frame.stamp.t_ns, frame.stamp.size, overlay.reference).blend(picture)
        return _draw(picture, overlay)


def paint_still(background: U8, overlay: Overlay) -> U8:
    """A picture of its own over `background` (H, W, 3), with the overlay's own heat layer, its legend, and its shapes."""
    picture = background.copy()
    size = Size(picture.shape[1], picture.shape[0])
    if overlay.heat is not None:
        Tint().draw(overlay.heat, size, overlay.reference).blend(picture)
    picture = _draw(picture, overlay)
    return _with_legend(picture, overlay.heat) if overlay.heat is not None and overlay.heat.legend else picture


def _draw(picture: U8, overlay: Overlay) -> U8:
    pen = _Pen(picture, overlay.reference, overlay.stroke_px)
    for shape in overlay.shapes:
        pen.draw(shape)
    return picture


class _Pen:
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
        x, y = np.rint(np.array(point) * self._scale).astype(int)
        return int(x), int(y)

    def _boxes(self, shape: Boxes) -> None:
        corners = np.rint(shape.xyxy * np.tile(self._scale, 2)).astype(int).tolist()
        for (x1, y1, x2, y2), track, tag in zip(corners, shape.id.tolist(), shape.tag, strict=True):
            colour = _PALETTE[track % len(_PALETTE)]
            cv2.rectangle(self._picture, (x1, y1), (x2, y2), colour, self._stroke)
            if tag:
                self._plate(tag, x1, y1, colour, small=True)

    def _segment(self, shape: Segment) -> None:
        start, end = self._at(shape.start), self._at(shape.end)
        cv2.line(self._picture, start, end, _PLATE, self._stroke + 3, cv2.LINE_AA)
        cv2.line(self._picture, start, end, shape.colour, self._stroke + 1, cv2.LINE_AA)
        along = np.subtract(end, start).astype(float)
        length = np.hypot(*along)
        if length < 1:
            return
        right = np.array([-along[1], along[0]]) / length  # the right hand of who walks along it, y down: where `in` leads
        middle = (np.array(start) + end) / 2
        size = 9 * self._stroke + 4
        tip = middle + right * size
        base = along / length * size * 0.5
        arrow = np.rint([tip, middle + base, middle - base]).astype(np.int32)
        cv2.fillPoly(self._picture, [arrow], shape.colour, cv2.LINE_AA)

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

    def _plate(self, text: str, x: int, y: int, colour: Colour | tuple[int, ...], *, centred: bool = False, small: bool = False) -> None:
        """Text on a dark plate with an edge of `colour`; `small` stands above (x, y), otherwise it begins there; kept inside the picture."""
        letter = self._letter * (0.8 if small else 1.0)
        thick = max(1, round(letter * 1.6))
        (w, h), base = cv2.getTextSize(text, _FONT, letter, thick)
        w, h, pad = w + 6, h + base + 2, 3
        if centred:
            x, y = x - w // 2, y - h // 2
        elif small:
            y -= h
        height, width = self._picture.shape[:2]
        x, y = max(0, min(x, width - w)), max(0, min(y, height - h))
        if not small:
            cv2.rectangle(self._picture, (x - 1, y - 1), (x + w + 1, y + h + 1), colour, -1)
        cv2.rectangle(self._picture, (x, y), (x + w, y + h), _PLATE if not small else colour, -1)
        ink = _INK if not small else _PLATE
        cv2.putText(self._picture, text, (x + pad, y + h - base), _FONT, letter, ink, thick, cv2.LINE_AA)

    def _panel(self, shape: Panel) -> None:
        thick = max(1, round(self._letter * 1.6))
        step = cv2.getTextSize("Ag", _FONT, self._letter, thick)[0][1] + 8
        height, width = self._picture.shape[:2]
        block = max(cv2.getTextSize(row, _FONT, self._letter, thick)[0][0] for row in shape.rows) + 14
        x = 0 if "left" in shape.corner else max(0, width - block)
        y = 0 if "top" in shape.corner else max(0, height - step * len(shape.rows) - 8)
        part = self._picture[y : y + step * len(shape.rows) + 8, x : x + block]
        cv2.addWeighted(part, 0.3, np.full_like(part, _PLATE), 0.7, 0, part)
        for number, row in enumerate(shape.rows, 1):
            cv2.putText(self._picture, row, (x + 7, y + step * number), _FONT, self._letter, _INK, thick, cv2.LINE_AA)


def _with_legend(picture: U8, heat: HeatLayer) -> U8:
    """`picture` with a strip below it: the colours, the numbers at their ends and middle, what they mean."""
    width = picture.shape[1]
    letter = max(0.38, width / 1500)
    thick = max(1, round(letter * 1.6))
    (_, text), base = cv2.getTextSize("Ag0", _FONT, letter, thick)
    bar, pad = max(8, text), 8
    strip = np.full((pad * 3 + bar + (text + base) * 2 + 4, width, 3), _PLATE, np.uint8)
    cv2.putText(strip, heat.legend, (pad, pad + text), _FONT, letter, _INK, thick, cv2.LINE_AA)
    top = pad + text + base + 4
    left, right = pad, width - pad
    ramp = colormap_table()[heat.style.colormap][np.linspace(0, 255, right - left).astype(int)]
    strip[top : top + bar, left:right] = ramp
    for part in (0.0, 0.5, 1.0):
        number = _seconds(heat.top * part) + ("+" if part == 1 else "")
        (w, _), _ = cv2.getTextSize(number, _FONT, letter, thick)
        x = int(left + part * (right - left) - part * w)
        cv2.putText(strip, number, (x, top + bar + text + 5), _FONT, letter, _INK, thick, cv2.LINE_AA)
    return np.concatenate([picture, strip])


def _seconds(value: float) -> str:
    """A duration for a legend: three digits at most, in seconds, minutes or hours."""
    for size, unit in ((3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"
