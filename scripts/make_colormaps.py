"""Writes edge/heat/colormaps.npy: OpenCV's 22 colour maps as one (22, 256, 3) uint8 table, BGR, so that nothing below the leaves needs OpenCV."""

from pathlib import Path

import cv2
import numpy as np

COUNT = 22


def main() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None]
    table = np.stack([cv2.applyColorMap(ramp, number)[0] for number in range(COUNT)])
    target = Path(__file__).parents[1] / "edge" / "heat" / "colormaps.npy"
    np.save(target, table)
    print(f"{target}: {table.shape}")


if __name__ == "__main__":
    main()
