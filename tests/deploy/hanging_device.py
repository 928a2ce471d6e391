"""`edge run -c /etc/edge/edge.yaml` over stand-ins that fail: an accelerator that hangs for ever when a file asks it to, a camera that dies.

Nothing else of the device is another's.
"""

from __future__ import annotations

import faulthandler
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.app import RunOptions, running
from edge.config import load
from edge.data import Detections, Frame, HostPixels, Size, Stamp
from edge.errors import SourceError
from edge.ports import Source, SourceFacts
from edge.sources import open_source
from edge.sources.synthetic import SceneDetector, scene_of

HANG = Path("/var/lib/edge/hang")
LIVES_S = 2.0
_SIZE = Size(320, 180)


class HangingDetector(SceneDetector):
    """The scene's own boxes; nobody on other cameras. A call that finds the file takes it away, and never comes back."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        if HANG.exists():
            HANG.unlink()
            threading.Event().wait()
        return [
            super(HangingDetector, self).detect([frame])[0] if frame.stamp.camera == "plaza" else Detections.empty() for frame in frames
        ]


class DyingSource:
    """A live camera that gives frames until `until_s`, and is away ever after."""

    facts = SourceFacts(_SIZE, 10.0, live=True)

    def __init__(self, camera: str, start_index: int, until_s: float) -> None:
        self._camera, self._index, self._until_s = camera, start_index, until_s

    def __enter__(self) -> DyingSource:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        while time.monotonic() < self._until_s:
            yield Frame(Stamp(self._camera, self._index, time.monotonic_ns(), _SIZE), HostPixels(np.zeros((180, 320, 3), np.uint8)))
            self._index += 1
            time.sleep(0.1)
        raise SourceError("the cable is out")


def main() -> None:
    faulthandler.enable()
    config = load(Path("/etc/edge/edge.yaml"))
    detector = HangingDetector({"plaza": scene_of(config.cameras["plaza"].source)})
    until_s = time.monotonic() + LIVES_S

    def opened(uri: str, *, camera: str, start_index: int, **how: Any) -> Source:
        if camera == "plaza":
            return open_source(uri, camera=camera, start_index=start_index, **how)
        return DyingSource(camera, start_index, until_s)

    with running(config, RunOptions(realtime=True), detector=detector, sources=opened) as device:
        signal.signal(signal.SIGTERM, lambda *_: device.device.stop())
        device.run()


if __name__ == "__main__":
    main()
