"""The device's health, measured at its pace from what its threads noted. What it looks like is `edge.health`'s; who is told, the caller's."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from edge.health import BrokerHealth, CameraHealth, HealthPayload
from edge.messages import iso
from edge.runtime import vitals
from edge.runtime.clock import Clock
from edge.runtime.gauges import CameraGauges


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
        self._before: dict[str, tuple[int, int]] = {}

    def tick(self) -> None:
        """Measure if it is time."""
        if time.monotonic() - self._measured_s >= self._every_s:
            self.latest = self.measure()
            self._on_health(self.latest)

    def measure(self) -> HealthPayload:
        """How it is now; times and rates are of the interval since the last measurement."""
        now_s = time.monotonic()
        interval_s, self._measured_s = now_s - self._measured_s, now_s
        disk = vitals.disk_bytes(self._folder)
        return HealthPayload(
            **self._head,
            t=iso(self._clock.utc_now_ns()),
            interval_s=round(interval_s, 3),
            up_s=round(now_s - self._began_s, 3),
            memory_bytes=vitals.memory_bytes(),
            cpu_s=round(vitals.cpu_s(), 3),
            disk_free_bytes=None if disk is None else disk[0],
            disk_total_bytes=None if disk is None else disk[1],
            temperature_c=vitals.temperature_c(),
            power_w=vitals.power_w(),
            broker=None if self._broker is None else self._broker(),
            cameras={name: self._camera(name, gauges, interval_s) for name, gauges in self._cameras.items()},
        )

    def _camera(self, name: str, gauges: CameraGauges, interval_s: float) -> CameraHealth:
        frames = gauges.frames_in, gauges.frames_processed
        before = self._before.get(name, (0, 0))
        self._before[name] = frames
        fps_in, fps_processed = (
            round((now - then) / interval_s, 2) if interval_s > 0 else 0.0 for now, then in zip(frames, before, strict=True)
        )
        spreads = {stage: times.spread() for stage, times in list(gauges.stages.items())}
        return CameraHealth(
            state=gauges.state,
            fps_in=fps_in,
            fps_processed=fps_processed,
            frames_in=frames[0],
            frames_processed=frames[1],
            frame_age=gauges.ages.spread(),
            stages={stage: spread for stage, spread in spreads.items() if spread is not None},
            drops={cause: count() for cause, count in list(gauges.drops.items())},
            reconnects=max(0, gauges.opened - 1),
        )
