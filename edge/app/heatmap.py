"""The heatmap picture of a camera and what is said with it, made of the ledger's committed sums. When it is made is the session's business."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from edge.config import CameraConfig
from edge.count.tally import Tally
from edge.data import F32, U8, Message, Size
from edge.heat import COLORMAPS, colormap_number, grid_size, top_of
from edge.messages import HeatmapPayload, iso
from edge.overlay import snapshot
from edge.ports import Timeline
from edge.scene import EmptyScene
from edge.store import Covered, Store

log = logging.getLogger(__name__)

_WIDEST_PX = 960


class HeatmapMaker:
    """Makes a camera's periodic picture: heat over the scene with nobody in it, places with their totals, a legend."""

    def __init__(
        self,
        config: CameraConfig,
        *,
        device: str,
        camera: str,
        reference: Size,
        timeline: Timeline,
        store: Store,
        totals: Tally,
        folder: Path,
        zone: str,
    ) -> None:
        assert config.heatmap is not None
        self._config, self._options = config, config.heatmap
        self._device, self._camera = device, camera
        self._reference = reference
        self._timeline, self._store, self._totals = timeline, store, totals
        self._file = folder / f"{camera}-heatmap.{'jpg' if self._options.format == 'jpeg' else self._options.format}"
        self._zone = ZoneInfo(zone)
        self._live = True

    def everything(self) -> HeatmapMaker:
        """A file's pictures show all of the file."""
        self._live = False
        return self

    def make(self, scene: EmptyScene, t_ns: int) -> tuple[Message, ...]:
        """The picture at `t_ns` and its meta, as retained messages; the picture also lies in the state folder."""
        from edge.sinks.picture import decode, encode

        size = self._picture_size()
        cells = grid_size(self._reference, self._config.heat.cell)
        grid, covered = self._store.heat(self._camera, cells.width * cells.height, span=self._span(t_ns))
        seconds = (grid.reshape(cells.height, cells.width) * 1e-6).astype(np.float32)
        background = scene.picture(size) if self._options.background == "empty" else np.full((size.height, size.width, 3), 40, np.uint8)
        picture, top = self._painted(background, seconds, covered)
        payload, content_type = encode(picture, max_bytes=self._options.max_bytes, format=self._options.format)
        self._keep(payload)
        height, width = decode(payload).shape[:2]  # a small budget may have shrunk it
        heat = self._config.heat
        meta = HeatmapPayload(
            device=self._device,
            camera=self._camera,
            from_=iso(covered.from_ns),
            to=iso(covered.to_ns),
            presence_s=round(int(grid.sum()) * 1e-6, 6),
            top=round(top, 6),
            colormap=COLORMAPS[colormap_number(heat.colormap)],
            blur_px=heat.blur,
            cell=heat.cell,
            reference=(self._reference.width, self._reference.height),
            width=width,
            height=height,
            content_type=content_type,
            bytes=len(payload),
            sha256=hashlib.sha256(payload).hexdigest(),
        )
        topic = f"{self._camera}/heatmap"
        return Message(topic, payload, retain=True, content_type=content_type), Message(f"{topic}/meta", meta.to_bytes(), retain=True)

    def _painted(self, background: U8, seconds: F32, covered: Covered) -> tuple[U8, float]:
        from edge.backends.cpu.heat import blurred, layer_of
        from edge.backends.cpu.painter import paint_still

        heat = self._config.heat
        total_s = float(seconds.sum(dtype=np.float64))
        smooth = blurred(seconds, heat.blur / heat.cell)
        top = heat.top_s or top_of(smooth)
        legend = f"time people stood here, per spot of {heat.cell}x{heat.cell} px"
        layer = layer_of(smooth, heat.cell, heat, top, legend)
        title = (f"{self._camera}  {self._when(covered)}", f"presence in all: {_duration(total_s)}")
        return paint_still(background, snapshot(self._reference, self._config.lines, self._config.zones, self._totals, layer, title)), top

    def _picture_size(self) -> Size:
        """The reference picture, not wider than a phone or a dashboard shows."""
        scale = min(1.0, _WIDEST_PX / self._reference.width)
        return Size(round(self._reference.width * scale), round(self._reference.height * scale))

    def _span(self, t_ns: int) -> tuple[int, int] | None:
        """UTC nanoseconds from and to; None for all time."""
        now_ns = self._timeline.utc_ns(t_ns)
        if not self._live or now_ns is None or self._options.span == "all":
            return None
        if self._options.span == "hour":
            return now_ns - 3_600_000_000_000, now_ns + 60_000_000_000
        here = datetime.fromtimestamp(now_ns // 1_000_000_000, self._zone)
        midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
        return round(midnight.timestamp()) * 1_000_000_000, now_ns + 60_000_000_000

    def _when(self, covered: Covered) -> str:
        if covered.from_ns is None or covered.to_ns is None:
            return ""
        first, last = (
            datetime.fromtimestamp(ns // 1_000_000_000, timezone.utc).astimezone(self._zone) for ns in (covered.from_ns, covered.to_ns)
        )
        same_day = (last - timedelta(seconds=1)).date() == first.date()
        return f"{first:%Y-%m-%d %H:%M} to {last:%H:%M}" if same_day else f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"

    def _keep(self, payload: bytes) -> None:
        """Put the picture into its file at once or not at all: somebody may be looking at it. A full disk costs the file, nothing else."""
        draft = self._file.with_name(self._file.name + ".part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(payload)
            os.replace(draft, self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            log.error("%s: the picture %s cannot be written (%s); counting goes on", self._camera, self._file, error.strerror)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
