"""The heatmap picture of a camera and what is said with it, made of the ledger's committed sums. When it is made is the session's business."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.app.heat_picture import HeatPicture
from edge.config import CameraConfig
from edge.count.tally import Tally
from edge.data import Message, Size
from edge.heat import COLORMAPS, colormap_number
from edge.messages import HeatmapPayload, iso
from edge.ports import Timeline
from edge.scene import EmptyScene
from edge.store import Store, StoreReader

log = logging.getLogger(__name__)

_LEAST_BYTES = 4_000


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
        most_bytes: Callable[[], int | None],
    ) -> None:
        assert config.heatmap is not None
        self._config, self._options = config, config.heatmap
        self._device, self._camera = device, camera
        self._picture = HeatPicture(config, camera, reference, ZoneInfo(zone))
        self._timeline, self._store, self._totals = timeline, store, totals
        self._file = folder / f"{camera}-heatmap.{'jpg' if self._options.format == 'jpeg' else self._options.format}"
        self._most_bytes = most_bytes
        self._live = True

    def everything(self) -> HeatmapMaker:
        """A file's pictures show all of the file."""
        self._live = False
        return self

    def make(self, scene: EmptyScene, t_ns: int) -> tuple[Message, ...]:
        """The picture at `t_ns` and its meta, as retained messages; the picture also lies in the state folder."""
        from edge.sinks.picture import decode, encode

        shown = self._picture
        with StoreReader(self._store.path) as reader:  # summing a year takes seconds, in which other cameras must commit
            grid, covered = reader.heat(self._camera, shown.cells.width * shown.cells.height, self._span(t_ns))
        picture, top = shown.still(shown.background(scene), shown.seconds(grid), covered, self._totals)
        payload, content_type = encode(picture, max_bytes=self._budget(), format=self._options.format)
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
            reference=(shown.reference.width, shown.reference.height),
            width=width,
            height=height,
            content_type=content_type,
            bytes=len(payload),
            sha256=hashlib.sha256(payload).hexdigest(),
        )
        topic = f"{self._camera}/heatmap"
        return Message(topic, payload, retain=True, content_type=content_type), Message(f"{topic}/meta", meta.to_bytes(), retain=True)

    def _budget(self) -> int:
        """What was asked for, or less where the broker takes less; a picture of some use has a few kilobytes."""
        most = self._most_bytes()
        return self._options.max_bytes if most is None else max(_LEAST_BYTES, min(self._options.max_bytes, most))

    def _span(self, t_ns: int) -> tuple[int, int] | None:
        """UTC nanoseconds from and to; None for all time."""
        now_ns = self._timeline.utc_ns(t_ns)
        if not self._live or now_ns is None or self._options.span == "all":
            return None
        if self._options.span == "hour":
            return now_ns - 3_600_000_000_000, now_ns + 60_000_000_000
        here = datetime.fromtimestamp(now_ns // 1_000_000_000, self._picture.zone)
        midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
        return round(midnight.timestamp()) * 1_000_000_000, now_ns + 60_000_000_000

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
