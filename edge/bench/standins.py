"""A source of pictures in memory and a detector that only sleeps: what a measurement puts where a camera and an accelerator would be."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.data import Detections, Frame, HostPixels, Size, Stamp
from edge.ports import Source, SourceFacts

FPS = 30.0
"""Of the camera that the stamps pretend."""


class MemorySource:
    """The same few pictures (N, H, W, 3) in turn, as fast as they are taken, for `seconds` from the first. Like a file, it loses none."""

    def __init__(self, pictures: NDArray[np.uint8], camera: str, *, seconds: float) -> None:
        self._pictures, self._camera, self._seconds = pictures, camera, seconds
        self._size = Size(pictures.shape[2], pictures.shape[1])

    @property
    def facts(self) -> SourceFacts:
        return SourceFacts(self._size, FPS, live=False, key="memory")

    def __enter__(self) -> MemorySource:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        until_s = time.monotonic() + self._seconds
        for index, picture in enumerate(itertools.cycle(self._pictures)):
            if time.monotonic() >= until_s:
                return
            yield Frame(Stamp(self._camera, index, round(index * 1e9 / FPS), self._size), HostPixels(picture))


class SleepingDetector:
    """Takes `ms` a frame off the CPU, as an accelerator's network does, and then says what the walk does: there and back, for ever."""

    names = ("person",)
    batch = 1

    def __init__(self, seen: Sequence[Detections], *, ms: float) -> None:
        self._seen, self._s = [*seen, *reversed(seen)], ms * 1e-3

    def __enter__(self) -> SleepingDetector:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        found = []
        for frame in frames:
            time.sleep(self._s)
            found.append(self._seen[frame.stamp.index % len(self._seen)])
        return found


class FirstFrames:
    """The first `most` frames of another source."""

    def __init__(self, source: Source, most: int) -> None:
        self._source, self._most = source, most

    @property
    def facts(self) -> SourceFacts:
        return self._source.facts

    def __enter__(self) -> FirstFrames:
        self._source.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._source.__exit__(*error)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Frame]:
        return itertools.islice(iter(self._source), self._most)
