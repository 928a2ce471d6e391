"""This product whole, in a measurement's worker: its own composition around a stand-in detector, and over a file. Single stages are in `ours`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edge.bench.crowd import load_walk
from edge.bench.standins import FirstFrames, MemorySource, SleepingDetector
from edge.data import Size

_CAMERA = "bench"


class PipelineWork:
    """The stand-in detector alone, or the whole device around it: overlay recorded, counts and heat on, MQTT to `broker`."""

    def __init__(self, *, folder: str, detector_ms: float, broker: str | None) -> None:
        self._pictures = np.load(Path(folder) / "pictures.npy")
        self._detector = SleepingDetector(load_walk(Path(folder) / "walk.npz"), ms=detector_ms)
        self._broker = broker

    def block(self, *, alone: bool, seconds: float, warmup_s: float) -> dict[str, float]:
        return self._alone(seconds) if alone else self._whole(seconds, warmup_s)

    def _alone(self, seconds: float) -> dict[str, float]:
        frames = list(MemorySource(self._pictures, _CAMERA, seconds=0.02))
        begun_s, count = time.monotonic(), 0
        while time.monotonic() < begun_s + seconds:
            self._detector.detect([frames[count % len(frames)]])
            count += 1
        return {"fps": count / (time.monotonic() - begun_s)}

    def _whole(self, seconds: float, warmup_s: float) -> dict[str, float]:
        """Frames a second between the warm-up and the source's end, and the CPU time of one: all threads together."""
        from edge.app import RunOptions, running

        with tempfile.TemporaryDirectory(prefix="edge-bench-") as folder:
            config = _config(
                Path(folder), self._pictures.shape[2], self._pictures.shape[1], source="synthetic://plaza", broker=self._broker
            )
            source = MemorySource(self._pictures, _CAMERA, seconds=warmup_s + seconds)
            with running(config, RunOptions(), detector=self._detector, sources=lambda *_, **__: source) as device:
                camera, ticks = device.device.cameras[0], []
                device.run(lambda: ticks.append((time.monotonic(), camera.frames_done, time.process_time())))
        begun_s = ticks[0][0]
        measured = [tick for tick in ticks if warmup_s <= tick[0] - begun_s <= warmup_s + seconds - 0.2]
        (t0, n0, cpu0), (t1, n1, cpu1) = measured[0], measured[-1]
        return {"fps": (n1 - n0) / (t1 - t0), "cpu_ms": (cpu1 - cpu0) * 1e3 / max(1, n1 - n0)}


class RunWork:
    """`edge run` over a file with its overlay recorded, in this process."""

    def __init__(self, *, source: str, model: str, net_threads: int, frames: int) -> None:
        from edge.app import running  # noqa: F401  what importing costs is another measurement
        from edge.backends.cpu.detector import OnnxDetector  # noqa: F401
        from edge.backends.cpu.painter import CpuPainter  # noqa: F401
        from edge.sinks.recorder import PyavRecorder  # noqa: F401
        from edge.sources.video import VideoSource  # noqa: F401

        self._source, self._model, self._threads, self._frames = source, model, net_threads, frames
        self._size = self._look_once()

    def _look_once(self) -> Size:
        """The pictures' size. A network for their shape is made once in a device's life, and is not timed."""
        from edge.app import open_detector
        from edge.sources import open_source

        with open_source(self._source, camera=_CAMERA) as opened, tempfile.TemporaryDirectory(prefix="edge-bench-") as folder:
            config = _config(Path(folder), *opened.facts.size, source=self._source, model=self._model, threads=self._threads)
            with open_detector(config) as detector, next(iter(opened)) as frame:
                detector.detect([frame])
            return opened.facts.size

    def block(self) -> dict[str, float]:
        """Frames a second from opening to the last commit."""
        from edge.app import RunOptions, running
        from edge.sources import open_source

        def sources(uri: str, **how: Any) -> Any:
            source = open_source(uri, **how)
            return FirstFrames(source, self._frames) if self._frames else source

        with tempfile.TemporaryDirectory(prefix="edge-bench-") as folder:
            config = _config(Path(folder), *self._size, source=self._source, model=self._model, threads=self._threads)
            begun_s = time.monotonic()
            with running(config, RunOptions(must_open=True), sources=sources) as device:
                device.run()
                frames = device.device.cameras[0].frames_done
            lasted_s = time.monotonic() - begun_s
        return {"fps": frames / lasted_s, "frames": frames}


def _config(
    folder: Path,
    width: int,
    height: int,
    *,
    source: str,
    model: str = "scene",
    threads: int = 0,
    broker: str | None = None,
) -> Any:
    """One camera with a line down the middle of its picture; all else is as the product has it."""
    from edge.config import Config
    from edge.config.model import CameraConfig
    from edge.count import LineOptions
    from edge.detect import DetectOptions
    from edge.sinks.options import RecordOptions
    from edge.sinks.options_mqtt import MqttOptions

    return Config(
        device="bench",
        state=folder,
        model=model,
        detect=DetectOptions(threads=threads),
        mqtt=None if broker is None else MqttOptions(url=broker),
        record=RecordOptions(folder=folder / "video"),
        cameras={_CAMERA: CameraConfig(source=source, lines={"gate": LineOptions((width / 2, 0), (width / 2, height))})},
    )


WORKS: dict[str, Callable[..., Any]] = {"pipeline": PipelineWork, "run": RunWork}
