"""What this product does in a measurement's worker, timed. Orders come through `serve`; figures are made by who asked."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from edge.bench.crowd import load_walk
from edge.count import LineOptions
from edge.count.tally import Tally, of_events
from edge.data import Frame, HostPixels, Size, Stamp
from edge.heat import HeatGrid
from edge.overlay import OverlayOptions, live
from edge.pipeline import Pipeline, PipelineOptions
from edge.shapes import Boxes
from edge.track import ByteTrack, TrackOptions

_FPS = 30.0
_NAMES = ("person",)
_AS_THEIRS = OverlayOptions(boxes=False)
"""Their Heatmap draws a region, counts and heat, but no boxes: what ours cost is a stage of its own, outside the total."""
T = TypeVar("T")


class _Stopwatch:
    """CPU time of this process, by stage. `lap(stage)` gives what has passed since the last lap to `stage`; a probe has its own time taken out."""

    def __init__(self) -> None:
        self.ms: dict[str, list[float]] = {}
        self._since_ns = 0
        self._probed_ns = 0
        self._inner: dict[str, int] = {}

    def start(self) -> None:
        self._since_ns, self._probed_ns, self._inner = time.process_time_ns(), 0, {}

    def lap(self, stage: str) -> None:
        now_ns = time.process_time_ns()
        self._inner[stage] = self._inner.get(stage, 0) + now_ns - self._since_ns - self._probed_ns
        self._since_ns, self._probed_ns = time.process_time_ns(), 0

    def stop(self) -> None:
        """The frame is over: keep its stages."""
        for stage, ns in self._inner.items():
            self.ms.setdefault(stage, []).append(ns * 1e-6)

    def probe(self, stage: str, call: Callable[..., T]) -> Callable[..., T]:
        """`call`, whose time goes to `stage` whatever lap it happens in."""

        def timed(*args: Any, **kwargs: Any) -> T:
            begun_ns = time.process_time_ns()
            try:
                return call(*args, **kwargs)
            finally:
                ns = time.process_time_ns() - begun_ns
                self._inner[stage] = self._inner.get(stage, 0) + ns
                self._probed_ns += ns

        return timed


class FrameWork:
    """One camera's frame from detections to picture: exactly what a session does with it, less the empty scene, the books and the disk."""

    def __init__(self, *, folder: str) -> None:
        import cv2

        from edge.backends.cpu.painter import CpuPainter
        from edge.backends.pen import Pen

        cv2.setNumThreads(1)
        pictures = np.load(Path(folder) / "pictures.npy")
        size = Size(pictures.shape[2], pictures.shape[1])
        self._size, self._pictures = size, itertools.cycle(pictures)
        self._seen = iter(enumerate(load_walk(Path(folder) / "walk.npz")))
        options = PipelineOptions(lines={"gate": LineOptions((size.width / 2, 0), (size.width / 2, size.height))})
        self._lines = options.lines
        self._pipeline = Pipeline(options, size)
        self._painter = CpuPainter(options.heat, size)
        self._pen = Pen
        self._totals = Tally()
        self._watch = _Stopwatch()
        # The pipeline's own rooms, timed where it calls them; what is left of its step is counting and what joins them.
        follow, warm = self._watch.probe("follow", ByteTrack.follow), self._watch.probe("warm", HeatGrid.warm)
        ByteTrack.follow, HeatGrid.warm = follow, warm  # type: ignore[method-assign]

    def block(self, *, frames: int) -> dict[str, list[float]]:
        """Milliseconds of each stage in each of the next `frames`."""
        watch = self._watch
        watch.ms = {}
        for index, detections in itertools.islice(self._seen, frames):
            stamp = Stamp("bench", index, round(index * 1e9 / _FPS), self._size)
            frame = Frame(stamp, HostPixels(next(self._pictures)))
            watch.start()
            result = self._pipeline.step(stamp, detections)
            self._totals.update(of_events(result.events, _NAMES))
            watch.lap("count")
            self._painter.warm(stamp, result.warmth)
            watch.lap("warm")
            overlay = live(_AS_THEIRS, self._size, self._lines, {}, self._totals, result.tracks, _NAMES, "bench  12:00:00 UTC")
            picture = self._painter.paint(frame, overlay)
            watch.lap("paint")
            self._pen(picture, self._size).draw(Boxes(result.tracks.xyxy, result.tracks.id, tuple(f"person {i}" for i in result.tracks.id)))
            watch.lap("boxes")
            watch.stop()
        return {stage: watch.ms[stage] for stage in ("follow", "count", "warm", "paint", "boxes")}


class TrackWork:
    """Following alone."""

    def __init__(self, *, folder: str) -> None:
        self._tracker = ByteTrack(TrackOptions())
        self._seen: Iterator[Any] = iter(enumerate(load_walk(Path(folder) / "walk.npz")))

    def block(self, *, frames: int) -> dict[str, list[float]]:
        """Milliseconds of following in each of the next `frames`."""
        spent = []
        for index, detections in itertools.islice(self._seen, frames):
            begun_ns = time.process_time_ns()
            self._tracker.follow(detections, round(index * 1e9 / _FPS))
            spent.append((time.process_time_ns() - begun_ns) * 1e-6)
        return {"follow": spent}


WORKS: dict[str, Callable[..., Any]] = {"frame": FrameWork, "track": TrackWork}
