"""A detector that plays back recorded detections, so that tracking and counting are measured without a network. It looks at no pixels."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.data import Detections, Frame
from edge.errors import UsageError
from edge.evaluate.truth import CLASS_NAME


class RecordedDetections:
    """A Detector (see ports) over an .npz file with an array ``dets (N, 6)``: frame (from 1), x1, y1, x2, y2 in px of the video, score.

    Frame k of the file is the frame whose stamp has index k - 1. Raises UsageError, one sentence, for a file that is not such a one.
    """

    names = (CLASS_NAME,)
    batch = 1

    def __init__(self, path: str | Path) -> None:
        dets = _read(Path(path))
        dets = dets[np.argsort(dets[:, 0], kind="stable")]
        self._frame = dets[:, 0]
        xyxy = dets[:, 1:5].astype(np.float32)
        self._all = Detections(xyxy, dets[:, 5].astype(np.float32), np.zeros(len(dets), np.int16))

    def __enter__(self) -> RecordedDetections:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """What was recorded of each frame; nothing for frames past the recording's end."""
        return [self.of(frame.stamp.index) for frame in frames]

    def of(self, index: int) -> Detections:
        """What was recorded of the frame with this index (from 0)."""
        first, last = np.searchsorted(self._frame, [index + 1, index + 2])
        return self._all[np.arange(first, last)]


def _read(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            dets = np.asarray(arrays["dets"], np.float64)
    except OSError as error:
        raise UsageError(f"detections {path} cannot be read: {error.strerror or error}") from error
    except (KeyError, TypeError, AttributeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"detections {path} must be an .npz file with an array named dets") from error
    if dets.ndim != 2 or dets.shape[1] != 6:
        raise UsageError(f"detections {path}: dets has shape {dets.shape}, wanted (N, 6): frame, x1, y1, x2, y2, score")
    if not np.isfinite(dets).all() or (dets[:, 0] < 1).any():
        raise UsageError(f"detections {path}: dets must be finite numbers and its frames count from 1")
    if not ((dets[:, 3] > dets[:, 1]) & (dets[:, 4] > dets[:, 2])).all():
        raise UsageError(f"detections {path}: in some rows of dets x2 > x1 and y2 > y1 do not hold")
    return dets
