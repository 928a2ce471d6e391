"""A grid of heat as a picture: over a background, with places, numbers, a title and a legend. Whose grid it is, and who wants it, is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np

from edge.config import CameraConfig
from edge.count import LineOptions, ZoneOptions
from edge.count.tally import Key
from edge.data import F32, I64, U8, Size
from edge.heat import FloorOptions, grid_size, on_floor, top_of
from edge.overlay import snapshot
from edge.scene import EmptyScene
from edge.shapes import HeatLayer, Overlay
from edge.store import Covered

_WIDEST_PX = 960


@dataclass(frozen=True, slots=True)
class HeatPicture:
    """Knows how one camera's heat is shown; `zone` names the days in titles."""

    config: CameraConfig
    camera: str
    reference: Size
    zone: ZoneInfo

    @property
    def size(self) -> Size:
        """The reference picture, not wider than a phone or a dashboard shows."""
        scale = min(1.0, _WIDEST_PX / self.reference.width)
        return Size(round(self.reference.width * scale), round(self.reference.height * scale))

    @property
    def cells(self) -> Size:
        """Columns and rows of the grid."""
        return grid_size(self.reference, self.config.heat.cell)

    def seconds(self, grid: I64) -> F32:
        """Microseconds (cells,) as presence-seconds (rows, columns)."""
        return (grid.reshape(self.cells.height, self.cells.width) * 1e-6).astype(np.float32)

    def background(self, scene: EmptyScene | None) -> U8:
        """The scene with nobody in it, or a blank where that is wanted or nothing is known of it."""
        size = self.size
        if scene is None or (self.config.heatmap is not None and self.config.heatmap.background == "blank"):
            return _blank(size)
        return scene.picture(size)

    def still(self, background: U8, seconds: F32, covered: Covered, totals: Mapping[Key, int]) -> tuple[U8, float]:
        """The picture, and the presence-seconds per cell that have the last colour."""
        from edge.backends.cpu.painter import paint_still

        layer = self._layer(seconds)
        title = (f"{self.camera}  {self._when(covered)}", f"presence in all: {_duration(float(seconds.sum(dtype=np.float64)))}")
        overlay = snapshot(self.reference, self.config.lines, self.config.zones, totals, layer, title)
        return paint_still(background, overlay), layer.top

    def plan(self, floor: FloorOptions, seconds: F32, covered: Covered, totals: Mapping[Key, int]) -> tuple[U8, float]:
        """Heat on the floor plan, likewise, with the lines and zones that lie on it."""
        from edge.backends.cpu.painter import paint_still

        columns, rows = floor.size
        px = max(4, _WIDEST_PX // max(columns, rows))
        size = Size(columns * px, rows * px)

        def laid(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]] | None:
            cells = floor.cells(np.asarray(points, np.float64))
            on_it = np.isfinite(cells).all() and (cells.max(axis=0) > 0).all() and (cells.min(axis=0) < floor.size).all()
            return [(x, y) for x, y in (cells * px).tolist()] if on_it else None

        lines = {name: LineOptions(*ends) for name, line in self.config.lines.items() if (ends := laid(line.points))}
        zones = {name: ZoneOptions(tuple(ring)) for name, zone in self.config.zones.items() if (ring := laid(zone.points))}
        on_plan = on_floor(seconds, self.config.heat.cell, floor)
        layer = replace(self._layer(on_plan, f"time people stood here, per spot of {floor.cell_m:g} x {floor.cell_m:g} m"), cell=px)
        title = (f"{self.camera}  {self._when(covered)}", f"presence on this plan: {_duration(float(on_plan.sum(dtype=np.float64)))}")
        return paint_still(_blank(size), snapshot(size, lines, zones, totals, layer, title)), layer.top

    def over(self, picture: U8, overlay: Overlay, seconds: F32) -> tuple[U8, float]:
        """Heat and an overlay's shapes on a picture of the moment, likewise."""
        from edge.backends.cpu.painter import paint_still

        layer = self._layer(seconds)
        return paint_still(picture, replace(overlay, heat=layer)), layer.top

    def _layer(self, seconds: F32, legend: str = "") -> HeatLayer:
        from edge.backends.cpu.heat import blurred, layer_of

        heat = self.config.heat
        smooth = blurred(seconds, heat.blur / heat.cell)
        legend = legend or f"time people stood here, per spot of {heat.cell}x{heat.cell} px"
        return layer_of(smooth, heat.cell, heat, heat.top_s or top_of(smooth), legend)

    def _when(self, covered: Covered) -> str:
        if covered.from_ns is None or covered.to_ns is None:
            return ""
        first, last = (
            datetime.fromtimestamp(ns // 1_000_000_000, timezone.utc).astimezone(self.zone) for ns in (covered.from_ns, covered.to_ns)
        )
        same_day = (last - timedelta(seconds=1)).date() == first.date()
        return f"{first:%Y-%m-%d %H:%M} to {last:%H:%M}" if same_day else f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"


def _blank(size: Size) -> U8:
    return np.full((size.height, size.width, 3), 40, np.uint8)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
