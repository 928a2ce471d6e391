"""A device over cameras, in a process of its own, that says five times a second how it is; and who listens to it. No expectation lives here.

    python -m tests.flow.cameras_device CONFIGURATION

runs the configuration (JSON) with a stand-in for the detector that sees one walker in every picture, until SIGTERM; each line that it
prints is a `Sample` as JSON.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edge.data import Detections, Frame
from edge.runtime import vitals

_PAUSE_S = 0.7
"""Frames that are farther apart are of two runs of the camera."""
_WALK_S = 4.0
"""There and back."""


@dataclass(slots=True)
class Sight:
    """What the detector has seen of one camera. Times are of the monotonic clock, which all processes share."""

    frames: int = 0
    size: str = ""
    at_s: float = 0.0
    since_s: float = 0.0
    """When this run of frames began: behind a pause, or with another size."""
    state: str = ""
    opened: int = 0


@dataclass(slots=True)
class Sample:
    t_s: float
    threads: int
    handles: int
    memory: int
    cameras: dict[str, Sight]
    totals: dict[str, int]
    """What was counted, by camera, line and direction; as the store has it."""


class Walker:
    """A detector that sees one person who walks to and fro through the middle of each picture, by the pictures' own time."""

    names = ("person",)
    batch = 4

    def __init__(self) -> None:
        self.sights: dict[str, Sight] = {}

    def __enter__(self) -> Walker:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self._look(frame) for frame in frames]

    def _look(self, frame: Frame) -> Detections:
        stamp, now_s = frame.stamp, time.monotonic()
        sight = self.sights.setdefault(stamp.camera, Sight())
        if now_s - sight.at_s > _PAUSE_S or sight.size != str(stamp.size):
            sight.since_s = now_s
        sight.frames, sight.size, sight.at_s = sight.frames + 1, str(stamp.size), now_s
        phase = stamp.t_ns * 1e-9 / _WALK_S % 1.0
        x = (0.2 + 1.2 * min(phase, 1 - phase)) * stamp.size.width
        width, height = stamp.size.width * 0.1, stamp.size.height * 0.4
        box = [[x - width / 2, stamp.size.height * 0.3, x + width / 2, stamp.size.height * 0.3 + height]]
        return Detections(np.array(box, np.float32), np.array([0.9], np.float32), np.zeros(1, np.int16))


def run(text: str) -> None:
    """What the process does."""
    from edge.app import RunOptions, running
    from edge.config import parse

    config, walker = parse(text), Walker()
    with running(config, RunOptions(), detector=walker) as device:
        signal.signal(signal.SIGTERM, lambda *_: device.device.stop())

        def say() -> None:
            for camera in device.device.cameras:
                sight = walker.sights.setdefault(camera.name, Sight())
                sight.state, sight.opened = camera.gauges.state, camera.gauges.opened
            totals = {
                f"{name} {key.place} {key.field}": number
                for name in config.cameras
                for key, number in device.store.totals(name).items()
                if key.kind == "line"
            }
            sample = Sample(
                time.monotonic(), vitals.threads() or 0, vitals.handles() or 0, vitals.memory_bytes() or 0, dict(walker.sights), totals
            )
            print(json.dumps(asdict(sample)), flush=True)

        device.run(say)
        say()


class Watched:
    """The process, and all that it has said; a context manager that asks it to end, and finds that it did so in order."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        self._command = [sys.executable, "-m", "tests.flow.cameras_device", json.dumps(configuration)]
        self.samples: list[Sample] = []
        self._more = threading.Condition()

    def __enter__(self) -> Watched:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            code = self._process.wait(30)
        finally:
            self._process.kill()
            self._listener.join()
        assert code == 0

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            said["cameras"] = {name: Sight(**sight) for name, sight in said["cameras"].items()}
            with self._more:
                self.samples.append(Sample(**said))
                self._more.notify_all()
        self._process.stdout.close()

    def wait(self, true_of: Callable[[Sample], object], timeout_s: float) -> Sample | None:
        """The latest sample when `true_of` it became true; None when that took too long."""
        with self._more:
            came = self._more.wait_for(lambda: self.samples and true_of(self.samples[-1]), timeout_s)
            return self.samples[-1] if came else None

    def at(self, t_s: float) -> Sample:
        """The first sample from `t_s` on; it is waited for."""
        assert self.wait(lambda sample: sample.t_s >= t_s, t_s - time.monotonic() + 10), "the device says nothing"
        return next(sample for sample in self.samples if sample.t_s >= t_s)

    def rate(self, camera: str, from_s: float, to_s: float) -> float:
        """Frames a second of a camera that the detector saw, between the samples next to these times."""
        begin, end = self.at(from_s), self.at(to_s)
        return (end.cameras[camera].frames - begin.cameras[camera].frames) / (end.t_s - begin.t_s)


if __name__ == "__main__":
    run(sys.argv[1])
