"""The device's health, measured at its pace from what its threads noted. What it looks like is `edge.health`'s; who is told, the caller's."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from edge.health import BrokerHealth, CameraHealth, HealthPayload
from edge.messages import iso
from edge.runtime import board, vitals
from edge.runtime.clock import Clock
from edge.runtime.gauges import CameraGauges
from edge.runtime.heaps import give_back


class HealthMeter:
    """Measures every `every_s`, when `tick` is called by one thread; `latest` may be read by any.

    Args:
        head: what stands in each payload: device, stream, boot_id, version.
        cameras: the gauges by camera.
        folder: where the store lies.
        broker: what the line to the broker looks like; None where none is configured.
        on_health: is told of each.
    """

    def __init__(
        self,
        *,
        head: Mapping[str, str],
        clock: Clock,
        cameras: Mapping[str, CameraGauges],
        folder: Path,
        every_s: float,
        broker: Callable[[], BrokerHealth] | None = None,
        on_health: Callable[[HealthPayload], None] = lambda _: None,
    ) -> None:
        self.latest: HealthPayload | None = None
        self._head, self._clock, self._cameras, self._folder = head, clock, cameras, folder
        self._every_s, self._broker, self._on_health = every_s, broker, on_health
        self._began_s = self._measured_s = time.monotonic()
        self._before: dict[str, _Frames] = {}

    def tick(self) -> None:
        """Measure if it is time."""
        if time.monotonic() - self._measured_s >= self._every_s:
            give_back()
            self.latest = self.measure()
            self._on_health(self.latest)

    def measure(self) -> HealthPayload:
        """How it is now; times and rates are of the interval since the last measurement."""
        now_s = time.monotonic()
        interval_s, self._measured_s = now_s - self._measured_s, now_s
        disk = vitals.disk_bytes(self._folder)
        heat_c, mode = board.temperatures_c(), board.power_mode()
        frames = {name: _Frames.of(gauges) for name, gauges in self._cameras.items()}
        lately = {name: now.since(self._before.get(name, _Frames())) for name, now in frames.items()}
        self._before = frames
        seen = sum(of.seen for of in lately.values())
        return HealthPayload(
            **self._head,
            t=iso(self._clock.utc_now_ns()),
            interval_s=round(interval_s, 3),
            up_s=round(now_s - self._began_s, 3),
            memory_bytes=vitals.memory_bytes(),
            cpu_s=round(vitals.cpu_s(), 3),
            threads=vitals.threads(),
            handles=vitals.handles(),
            disk_free_bytes=None if disk is None else disk[0],
            disk_total_bytes=None if disk is None else disk[1],
            temperature_c=max(heat_c.values(), default=None),
            power_w=board.power_w(),
            power_mode=None if mode is None else board.power_modes().get(mode, mode),
            slowed_by=board.slowed_by(),
            over_currents=board.over_currents(),
            gpu_load=board.gpu_load(),
            broker=None if self._broker is None else self._broker(),
            cameras={name: _of_camera(gauges, frames[name], lately[name], seen, interval_s) for name, gauges in self._cameras.items()},
        )


class _Frames(NamedTuple):
    """How many of a camera's frames have come how far."""

    came: int = 0
    seen: int = 0
    processed: int = 0

    @staticmethod
    def of(gauges: CameraGauges) -> _Frames:
        """As they are now; the last stage is read first, so that a frame on its way is in none before it is in those before."""
        return _Frames(processed=gauges.frames_processed, seen=gauges.frames_seen, came=gauges.frames_in)

    def since(self, before: _Frames) -> _Frames:
        return _Frames(*(now - then for now, then in zip(self, before, strict=True)))


def _of_camera(gauges: CameraGauges, ever: _Frames, lately: _Frames, seen: int, interval_s: float) -> CameraHealth:
    """`seen`: frames of all cameras that the accelerator looked at lately."""
    spreads = {stage: times.spread() for stage, times in list(gauges.stages.items())}
    return CameraHealth(
        state=gauges.state,
        fps_in=round(lately.came / interval_s, 2) if interval_s > 0 else 0.0,
        fps_processed=round(lately.processed / interval_s, 2) if interval_s > 0 else 0.0,
        frames_in=ever.came,
        frames_processed=ever.processed,
        share=round(lately.seen / seen, 4) if seen else None,
        frame_age=gauges.ages.spread(),
        published_age=gauges.published_ages.spread(),
        stages={stage: spread for stage, spread in spreads.items() if spread is not None},
        drops={cause: count() for cause, count in list(gauges.drops.items())},
        recording=gauges.recording(),
        reconnects=max(0, gauges.opened - 1),
    )
