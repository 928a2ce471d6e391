"""`edge run -c /etc/edge/edge.yaml` over a stand-in accelerator that hangs for ever when a file asks it to. Nothing else of the device is another's."""

from __future__ import annotations

import faulthandler
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from edge.app import RunOptions, running
from edge.config import load
from edge.data import Detections, Frame
from edge.sources.synthetic import SceneDetector, scene_of

HANG = Path("/var/lib/edge/hang")


class HangingDetector(SceneDetector):
    """The scene's own boxes; nobody on other cameras. A call that finds the file takes it away, and never comes back."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        if HANG.exists():
            HANG.unlink()
            threading.Event().wait()
        return [
            super(HangingDetector, self).detect([frame])[0] if frame.stamp.camera == "plaza" else Detections.empty() for frame in frames
        ]


def main() -> None:
    faulthandler.enable()
    config = load(Path("/etc/edge/edge.yaml"))
    detector = HangingDetector({"plaza": scene_of(config.cameras["plaza"].source)})
    with running(config, RunOptions(realtime=True), detector=detector) as device:
        signal.signal(signal.SIGTERM, lambda *_: device.device.stop())
        device.run()


if __name__ == "__main__":
    main()
