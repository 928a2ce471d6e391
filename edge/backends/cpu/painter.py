"""The painter of a camera and the painter of stills, by OpenCV: heat first, then shapes in order. How a shape is drawn is the pen's."""

from __future__ import annotations

import cv2
import numpy as np

from edge.backends.cpu.heat import LiveHeat, Redraw, Tint
from edge.backends.pen import FONT, INK, PLATE, draw_shapes
from edge.data import U8, Frame, Size, Stamp, Warmth
from edge.heat import HeatOptions, colormap_table
from edge.shapes import HeatLayer, Overlay


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
        if self._redraw is None:
            return draw_shapes(frame.bgr.copy(), overlay)
        return draw_shapes(self._redraw.tint(frame.stamp.t_ns, frame.stamp.size, overlay.reference).over(frame.bgr), overlay)


def paint_still(background: U8, overlay: Overlay) -> U8:
    """A picture of its own over `background` (H, W, 3), with the overlay's own heat layer, its legend, and its shapes."""
    size = Size(background.shape[1], background.shape[0])
    if overlay.heat is None:
        return draw_shapes(background.copy(), overlay)
    picture = draw_shapes(Tint().draw(overlay.heat, size, overlay.reference).over(background), overlay)
    return _with_legend(picture, overlay.heat) if overlay.heat.legend else picture


def _with_legend(picture: U8, heat: HeatLayer) -> U8:
    """`picture` with a strip below it: the colours, the numbers at their ends and middle, what they mean."""
    width = picture.shape[1]
    letter = max(0.38, width / 1500)
    thick = max(1, round(letter * 1.6))
    (_, text), base = cv2.getTextSize("Ag0", FONT, letter, thick)
    bar, pad = max(8, text), 8
    strip = np.full((pad * 3 + bar + (text + base) * 2 + 4, width, 3), PLATE, np.uint8)
    cv2.putText(strip, heat.legend, (pad, pad + text), FONT, letter, INK, thick, cv2.LINE_AA)
    top = pad + text + base + 4
    left, right = pad, width - pad
    ramp = colormap_table()[heat.style.colormap][np.linspace(0, 255, right - left).astype(int)]
    strip[top : top + bar, left:right] = ramp
    for part in (0.0, 0.5, 1.0):
        number = _seconds(heat.top * part) + ("+" if part == 1 else "")
        (w, _), _ = cv2.getTextSize(number, FONT, letter, thick)
        x = int(left + part * (right - left) - part * w)
        cv2.putText(strip, number, (x, top + bar + text + 5), FONT, letter, INK, thick, cv2.LINE_AA)
    return np.concatenate([picture, strip])


def _seconds(value: float) -> str:
    """A duration for a legend: three digits at most, in seconds, minutes or hours."""
    for size, unit in ((3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"
