"""The product's own device with four cameras and a detector that are none, in a process of its own. No test and no expectation lives here.

`alone("day", ...)` lives a day as fast as it goes, `alone("minutes", ...)` runs in real time; what the process measured of itself comes back.
Cameras, people and network are stand-ins; all else is what `edge run` runs.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.app import Running, RunOptions, running
from edge.bench.crowd import walk
from edge.bench.standins import SleepingDetector
from edge.config import parse
from edge.data import Detections, Frame, HostPixels, Size, Stamp
from edge.ports import Source, SourceFacts
from edge.runtime import vitals
from edge.sources import open_source

CAMERAS = ("north", "east", "south", "west")
DAY_STEP_NS = 172_800_000
"""Between two frames of the day: 500 thousand of each camera are 24 hours."""
_BEGINS_UTC_NS = 1_790_056_800_000_000_000  # 2026-09-22 06:00
_CYCLE = 20_000  # frames after which the people of an hour come again, as others
_VISITS_A_MINUTE = {"night": 0.0, "quiet": 1.0, "busy": 4.0}
_HOURS = ["quiet"] * 6 + ["busy"] * 2 + ["quiet"] * 3 + ["busy"] * 2 + ["quiet"] * 1 + ["night"] * 10
"""What goes on in each hour from six in the morning on."""


def pictures(size: Size) -> list[np.ndarray]:
    """Seven pictures of a scene, noise and all, with nobody in them. Eight in turn would look frozen to who looks at every eighth frame."""
    with open_source(f"synthetic://plaza?seed=7&size={size}&fps=2&people=0&seconds=3.5", camera="scene") as source:
        return [frame.bgr.copy() for frame in source]


def visits(size: Size, a_minute: float) -> list[Detections]:
    """What is seen in each frame of a cycle: people who come in at one side, cross the picture in 7 to 19 s, and are gone."""
    rng = np.random.default_rng(1)
    boxes: list[list[tuple[float, float, float, float]]] = [[] for _ in range(_CYCLE)]
    for _ in range(round(a_minute * _CYCLE * DAY_STEP_NS / 60e9)):
        steps = int(rng.integers(40, 110))
        start, foot, way = int(rng.integers(0, _CYCLE - steps)), rng.uniform(0.5, 0.95) * size.height, rng.choice([-1, 1])
        height = foot * 0.35
        for step in range(steps):
            x = size.width * (0.5 + way * 1.1 * (step / steps - 0.5)) + rng.normal(0, 0.2)
            boxes[start + step].append((x - height * 0.2, foot - height, x + height * 0.2, foot))
    seen = []
    for of_frame in boxes:
        xyxy = np.clip(np.array(of_frame, np.float32).reshape(-1, 4), 0, [size.width, size.height] * 2)
        xyxy = xyxy[xyxy[:, 2] - xyxy[:, 0] > 2]
        seen.append(Detections(xyxy, np.full(len(xyxy), 0.8, np.float32), np.zeros(len(xyxy), np.int16)))
    return seen


class DayDetector:
    """Says at once what the hour of the frame's time brings."""

    names = ("person",)
    batch = len(CAMERAS)

    def __init__(self, size: Size) -> None:
        self._seen = {hour: visits(size, a_minute) for hour, a_minute in _VISITS_A_MINUTE.items()}

    def __enter__(self) -> DayDetector:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self._of(frame.stamp) for frame in frames]

    def _of(self, stamp: Stamp) -> Detections:
        seen = self._seen[_HOURS[stamp.t_ns // 3_600_000_000_000 % 24]]
        return seen[(stamp.index + 3_000 * CAMERAS.index(stamp.camera)) % _CYCLE]


class StandinCamera:
    """Frames made of a few pictures: `most` of them one after the other (a file), or for `seconds` at `fps`, each at its time (a camera)."""

    def __init__(self, shown: Sequence[np.ndarray], camera: str, start: int, *, most: int | None = None, fps: float = 30.0) -> None:
        self._shown, self._camera, self._start, self._most, self._fps = shown, camera, start, most, fps
        self._size = Size(shown[0].shape[1], shown[0].shape[0])

    @property
    def facts(self) -> SourceFacts:
        if self._most is None:
            return SourceFacts(self._size, self._fps, live=True)
        return SourceFacts(self._size, 1e9 / DAY_STEP_NS, live=False, frames=self._most, start_utc_ns=_BEGINS_UTC_NS, key="day")

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        return self._live() if self._most is None else (self._frame(index, index * DAY_STEP_NS) for index in range(self._start, self._most))

    def _live(self) -> Iterator[Frame]:
        due_s = time.monotonic() + CAMERAS.index(self._camera) / len(CAMERAS) / self._fps  # cameras do not tick together
        for index in itertools.count(self._start):
            time.sleep(max(0.0, due_s - time.monotonic()))
            due_s += 1 / self._fps
            yield self._frame(index, time.monotonic_ns())

    def _frame(self, index: int, t_ns: int) -> Frame:
        return Frame(Stamp(self._camera, index, t_ns, self._size), HostPixels(self._shown[index % len(self._shown)]))


def configuration(state: Path, size: Size, source: str, port: int, *, lines: int, heatmap_every_s: float, **more: Any) -> str:
    """Four cameras with lines across, a zone and a heatmap each; everything else is as the product has it."""
    w, h = size
    camera = {
        "source": source,
        "lines": {f"gate-{n}": {"from": [w * n / (lines + 1), h * 0.2], "to": [w * n / (lines + 1), h - 1]} for n in range(1, lines + 1)},
        "zones": {"middle": [[w * 0.3, h * 0.2], [w * 0.7, h * 0.2], [w * 0.7, h - 1], [w * 0.3, h - 1]]},
        "heatmap": {"every_s": heatmap_every_s},
    }
    mqtt = {"url": f"mqtt://127.0.0.1:{port}"}
    return json.dumps(
        {"device": "standin", "state": str(state), "model": "scene", "mqtt": mqtt, "cameras": dict.fromkeys(CAMERAS, camera), **more}
    )


def heap_bytes() -> int:
    """What is allocated and not given back, by glibc's own account (mallinfo2): unlike resident memory, not a matter of fragments and caches."""
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = type("mallinfo2", (ctypes.Structure,), {"_fields_": [(f"n{i}", ctypes.c_size_t) for i in range(10)]})
    told = ask()
    return int(told.n4 + told.n7)  # hblkhd: in mappings of its own; uordblks: in the arenas


def measured(device: Running) -> dict[str, int]:
    return {
        "frames": sum(camera.frames_done for camera in device.device.cameras),
        "memory_bytes": vitals.memory_bytes() or 0,
        "heap_bytes": heap_bytes(),
        "python_blocks": sys.getallocatedblocks(),
        "threads": vitals.threads() or 0,
        "handles": vitals.handles() or 0,
    }


def day(folder: Path, *, port: int, frames: int, samples: int) -> dict[str, Any]:
    """`frames` of all cameras together, as fast as it goes; memory is looked at as each of `samples` parts begins, and at the end."""
    size = Size(160, 90)
    shown, each = pictures(size), frames // len(CAMERAS)
    first_of_part: dict[int, dict[str, int]] = {}
    last: dict[str, int] = {}
    seen_states: set[str] = set()
    begun_s = time.monotonic()

    def sources(uri: str, *, camera: str, start_index: int = 0, **_: Any) -> StandinCamera:
        return StandinCamera(shown, camera, start_index, most=each)

    config = parse(configuration(folder, size, "synthetic://plaza", port, lines=2, heatmap_every_s=600))
    with running(config, RunOptions(drain_s=120), detector=DayDetector(size), sources=sources) as device:

        def look() -> None:
            states = {camera.gauges.state for camera in device.device.cameras}
            if "starting" in states or any(camera.gauges.frames_in == each for camera in device.device.cameras):
                return  # a camera that has come to its end gives back what it held, its reader first
            seen_states.update(states)
            now = measured(device)
            first_of_part.setdefault(now["frames"] * samples // frames, now)
            last.update(now)

        device.run(look)
        totals = {name: _totals(device, name) for name in CAMERAS}
        seconds = time.monotonic() - begun_s
        return {
            "frames": measured(device)["frames"],
            "seconds": round(seconds, 1),
            "states": sorted(seen_states),
            "samples": [*first_of_part.values(), last],
            "totals": totals,
        }


def minutes(folder: Path, *, port: int, seconds: float, detector_ms: float, health_every_s: float) -> dict[str, Any]:
    """Four cameras of 30 frames a second for `seconds`; every health that was measured on the way."""
    size = Size(640, 360)
    shown = pictures(size)
    healths: list[dict[str, Any]] = []
    detector = SleepingDetector(walk(size, 5, 900), ms=detector_ms)

    def sources(uri: str, *, camera: str, start_index: int = 0, **_: Any) -> StandinCamera:
        return StandinCamera(shown, camera, start_index)

    config = parse(configuration(folder, size, "v4l2:///dev/video0", port, lines=7, heatmap_every_s=30, health_every_s=health_every_s))
    with running(config, RunOptions(drain_s=30), detector=detector, sources=sources) as device:
        until_s = time.monotonic() + seconds

        def look() -> None:
            health = device.health.latest
            if health is not None and (not healths or healths[-1]["up_s"] != health.up_s):
                healths.append(health.model_dump())
            if time.monotonic() >= until_s:
                device.device.stop()

        device.run(look)
        return {"healths": healths, "end": measured(device), "totals": {name: _totals(device, name) for name in CAMERAS}}


def _totals(device: Running, camera: str) -> dict[str, int]:
    """How often each line was crossed, by the store."""
    return {f"{key.place} {key.field}": n for key, n in device.store.totals(camera).items() if key.kind == "line"}


KINDS: dict[str, Callable[..., dict[str, Any]]] = {"day": day, "minutes": minutes}


def alone(kind: str, **asked: Any) -> dict[str, Any]:
    """What a device of this kind measured, in a process that nothing else lives in."""
    command = [sys.executable, "-m", "tests.flow.standin_device", kind, json.dumps(asked)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main(kind: str, asked: str) -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="edge-standin-") as folder:
        print(json.dumps(KINDS[kind](Path(folder), **json.loads(asked))))


if __name__ == "__main__":
    main(*sys.argv[1:])
