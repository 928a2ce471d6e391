"""What a running device knows, for whoever asks: requests.Archive over its store and its cameras. How an answer is sent is `requests`'."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from edge.app.heat_picture import HeatPicture
from edge.config import Config
from edge.count.tally import Key, Tally
from edge.data import U8, Result, Size
from edge.heat import COLORMAPS, colormap_number
from edge.messages import Time, iso
from edge.requests import Refusal, Snapshot
from edge.requests.numbers import camera_counts
from edge.requests.payloads import CameraCounts, CameraFacts, SnapshotRequest
from edge.runtime import CameraLoop, Clock
from edge.runtime.errands import Unattended
from edge.shapes import Overlay
from edge.sources.address import redact
from edge.store import Covered, StoreReader

Span = tuple[int | None, int | None]

_MOST_BYTES = 16_000_000
"""Of a picture: a bound that no picture of a camera comes near."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a camera from its first frame on: the size of its picture, what stands on it, what was counted in its present epochs."""

    reference: Size
    overlay: Callable[[Result], Overlay]
    totals: Mapping[Key, int]


class DeviceArchive:
    """requests.Archive of a device.

    Args:
        seen: what is known of each camera; the cameras fill it.
        loops: the cameras at work, by name.
    """

    def __init__(
        self,
        config: Config,
        *,
        reader: StoreReader,
        clock: Clock,
        seen: Mapping[str, Seen],
        loops: Mapping[str, CameraLoop],
    ) -> None:
        self._config, self._reader, self._clock = config, reader, clock
        self._seen, self._loops = seen, loops

    @property
    def cameras(self) -> Sequence[str]:
        return list(self._config.cameras)

    def snapshot(self, request: SnapshotRequest) -> Snapshot:
        name = request.camera
        shown = self._picture(name)
        span = self._until_now(request.span)
        grid, covered = self._reader.heat(name, shown.cells.width * shown.cells.height, span)
        covered = self._so_far(covered)
        heat = shown.config.heat
        told: dict[str, Any] = {
            "from_": iso(covered.from_ns),
            "to": iso(covered.to_ns),
            "presence_s": round(int(grid.sum()) * 1e-6, 6),
            "cell": heat.cell,
            "reference": (shown.reference.width, shown.reference.height),
        }
        match request.what:
            case "grid":
                told |= {"width": shown.cells.width, "height": shown.cells.height}
                data = _npz(grid.reshape(shown.cells.height, shown.cells.width), shown, covered)
                return Snapshot(data, "application/x-npz", told)
            case "heat":
                picture, top = shown.still(self._background(shown), shown.seconds(grid), covered, self._totals(name, span))
            case "overlay":
                picture, top = shown.over(*self._present(name), shown.seconds(grid))
            case "floor":
                if shown.config.floor is None:
                    raise Refusal("not_available", f"camera {name!r} has no floor plan; `floor` in its configuration gives it one")
                picture, top = shown.plan(shown.config.floor, shown.seconds(grid), covered, self._totals(name, span))
        told |= {"top": round(top, 6), "colormap": COLORMAPS[colormap_number(heat.colormap)]}
        return _encoded(picture, request, told)

    def counts(self, camera: str, span: Span) -> CameraCounts:
        sums, covered = self._reader.sums(camera, self._until_now(span))
        covered = self._so_far(covered)
        present = {key: epoch for key, epoch in self._reader.epochs(camera).items() if key in self._places(camera)}
        return camera_counts(sums, present, from_=iso(covered.from_ns), to=iso(covered.to_ns))

    def reset(self, camera: str) -> tuple[Time, dict[str, int]]:
        since_ns = self._clock.utc_now_ns()

        try:
            self._loops[camera].errands.ask(lambda session, _: session.reset(since_ns))
        except Unattended:
            raise Refusal(
                "not_available", f"camera {camera!r} gives no pictures now, so nothing was reset; ask again when it does"
            ) from None
        epochs = self._reader.epochs(camera)
        return iso(since_ns), {f"{kind}/{place}" if place else kind: epoch for (kind, place), epoch in epochs.items()}

    def config(self) -> dict[str, Any]:
        whole: dict[str, Any] = self._config.model_dump(mode="json")
        for camera in whole["cameras"].values():
            camera["source"] = redact(camera["source"])
        for secret in ("username", "password"):
            if whole["mqtt"] and whole["mqtt"][secret] is not None:
                whole["mqtt"][secret] = "***"
        return whole

    def facts(self) -> dict[str, CameraFacts]:
        return {
            name: CameraFacts(
                source=redact(camera.source),
                reference=self._reference(name),
                classes=list(camera.classes),
                lines=list(camera.lines),
                zones=list(camera.zones),
            )
            for name, camera in self._config.cameras.items()
        }

    def _places(self, name: str) -> set[tuple[str, str]]:
        camera = self._config.cameras[name]
        return {("line", line) for line in camera.lines} | {("zone", zone) for zone in camera.zones}

    def _reference(self, name: str) -> Size | None:
        fixed = self._config.cameras[name].reference
        if fixed is not None:
            return Size(*fixed)
        return self._seen[name].reference if name in self._seen else None

    def _picture(self, name: str) -> HeatPicture:
        reference = self._reference(name)
        if reference is None:
            raise Refusal("not_available", f"camera {name!r} has given no picture yet, so its heat has no shape; ask again when it is live")
        return HeatPicture(self._config.cameras[name], name, reference, ZoneInfo(self._config.timezone))

    def _background(self, shown: HeatPicture) -> U8:
        try:
            return self._loops[shown.camera].errands.ask(lambda session, _: shown.background(session.scene))
        except Unattended:
            return shown.background(None)

    def _present(self, name: str) -> tuple[U8, Overlay]:
        """The camera's picture of this moment, and what was found in it."""
        try:
            return self._loops[name].errands.ask(
                lambda _, sight: (sight.frame.bgr.copy(), self._seen[name].overlay(sight.result)),  # type: ignore[union-attr]
                needs_sight=True,
            )
        except Unattended:
            raise Refusal("not_available", f"camera {name!r} gives no pictures now; ask again when it is live") from None

    def _totals(self, name: str, span: Span) -> Mapping[Key, int]:
        """Numbers that stand on a picture of a span: at lines those of the span, in zones who is there now."""
        epochs = self._reader.epochs(name)

        def present(sums: Mapping[int, Tally], kind: str) -> dict[Key, int]:
            return {
                key: n
                for epoch, tally in sums.items()
                for key, n in tally.items()
                if key.kind == kind and epochs.get((kind, key.place)) == epoch
            }

        return present(self._reader.sums(name, span)[0], "line") | present(self._reader.sums(name)[0], "zone")

    def _until_now(self, span: Span) -> Span:
        """A span that reaches to the present is open: the minute that is under way belongs to it."""
        now_ns = self._clock.utc_now_ns()
        first, last = span
        return first, None if last is None or (now_ns is not None and last >= now_ns) else last

    def _so_far(self, covered: Covered) -> Covered:
        """What is covered, without the rest of the minute that is under way."""
        now_ns = self._clock.utc_now_ns()
        if covered.to_ns is None or now_ns is None:
            return covered
        return Covered(covered.from_ns, min(covered.to_ns, max(now_ns, covered.from_ns or now_ns)))


def _encoded(picture: U8, request: SnapshotRequest, told: dict[str, Any]) -> Snapshot:
    from edge.sinks.picture import encode

    chosen = request.format if request.format not in (None, "npz") else "jpeg"
    data, content_type = encode(picture, max_bytes=_MOST_BYTES, format=chosen)  # type: ignore[arg-type]
    return Snapshot(data, content_type, {**told, "width": picture.shape[1], "height": picture.shape[0]})


def _npz(us: np.ndarray[Any, Any], shown: HeatPicture, covered: Covered) -> bytes:
    """The ledger as it is: `us` microseconds (rows, columns), `cell` px, `reference` px, and the covered `span_ns` (empty for nothing)."""
    buffer = io.BytesIO()
    span = [ns for ns in (covered.from_ns, covered.to_ns) if ns is not None]
    np.savez_compressed(
        buffer, us=us, cell=np.array(shown.config.heat.cell), reference=np.array(shown.reference), span_ns=np.array(span, np.int64)
    )
    return buffer.getvalue()
