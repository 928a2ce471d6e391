"""Makes the README's pictures from the synthetic plaza, with the program itself: run it after something that is drawn has changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import cv2

from edge.app import RunOptions, running
from edge.demo import CAMERA, DemoOptions, demo_config

TARGET = Path(__file__).parents[1] / "deploy" / "pictures"
MOMENT_S = 52.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = DemoOptions(Path(folder) / "demo", seconds=60)
        config = demo_config(options, "mqtt://localhost").model_copy(update={"mqtt": None})
        with running(config, RunOptions()) as device:
            device.run()
            (video,) = device.recorders[CAMERA].recorded
        TARGET.mkdir(parents=True, exist_ok=True)
        with av.open(str(video)) as container:
            for frame in container.decode(video=0):
                if frame.time is not None and frame.time >= MOMENT_S:
                    small = cv2.resize(frame.to_ndarray(format="bgr24"), (960, 540), interpolation=cv2.INTER_AREA)
                    cv2.imwrite(str(TARGET / "overlay.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 88])
                    break
        (TARGET / "heatmap.jpg").write_bytes((options.out / f"{CAMERA}-heatmap.jpg").read_bytes())
    print(f"{TARGET}: overlay.jpg, heatmap.jpg")


if __name__ == "__main__":
    main()
