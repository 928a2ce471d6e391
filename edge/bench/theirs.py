"""What Ultralytics does in a measurement's worker, timed by its public package. It runs in an interpreter of its own and imports nothing of edge.

Written against Ultralytics 8.3 and 8.4: `solutions.Heatmap`, `trackers.byte_tracker.BYTETracker`, `engine.results.Boxes`.
"""

from __future__ import annotations

import itertools
import runpy
import time
from pathlib import Path
from typing import Any


def _prepare(compat: str | None, threads: int) -> None:
    """What a file of the user's own does first; then one thread everywhere, as on the other side."""
    if compat:
        runpy.run_path(compat)
    import cv2
    import torch

    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)


def _tracker() -> Any:
    from ultralytics.trackers.byte_tracker import BYTETracker
    from ultralytics.utils import YAML, IterableSimpleNamespace
    from ultralytics.utils.checks import check_yaml

    return BYTETracker(IterableSimpleNamespace(**YAML.load(check_yaml("bytetrack.yaml"))))


def _walk(folder: str, shape: tuple[int, int]) -> list[Any]:
    """Each frame's boxes as the tracker gets them from a predictor."""
    import numpy as np
    from ultralytics.engine.results import Boxes

    with np.load(Path(folder) / "walk.npz") as file:
        xyxy, score, start = file["xyxy"], file["score"], file["start"]
    rows = np.column_stack([xyxy, score, np.zeros(len(score), np.float32)]).astype(np.float32)
    return [Boxes(rows[a:b], shape) for a, b in itertools.pairwise(start)]


class FrameWork:
    """BYTETracker.update and Heatmap.process with a line for a region, without network, suppression and window."""

    def __init__(self, *, folder: str, compat: str | None) -> None:
        _prepare(compat, 1)
        import numpy as np

        pictures = np.load(Path(folder) / "pictures.npy")
        height, width = pictures.shape[1:3]
        self._pictures = itertools.cycle(pictures)
        self._seen = iter(_walk(folder, (height, width)))
        self._heatmap = _replaying(region=[(width // 2, 0), (width // 2, height)])

    def block(self, *, frames: int) -> dict[str, list[float]]:
        """Milliseconds of CPU for following and for the rest, in each of the next `frames`."""
        follow, rest = [], []
        for seen in itertools.islice(self._seen, frames):
            picture = next(self._pictures).copy()  # it draws on what it is given; a camera's would be new each time
            self._heatmap.seen = seen
            begun_ns = time.process_time_ns()
            self._heatmap.process(picture)
            ns = time.process_time_ns() - begun_ns
            follow.append(self._heatmap.follow_ns * 1e-6)
            rest.append((ns - self._heatmap.follow_ns) * 1e-6)
        return {"follow": follow, "heatmap": rest}


def _replaying(**arguments: Any) -> Any:
    """A Heatmap whose detections are put into `seen`; `follow_ns` is what the tracker took of the last frame."""
    import torch
    from ultralytics.solutions import Heatmap

    class Replay(Heatmap):  # type: ignore[misc]
        seen: Any = None
        follow_ns = 0

        def extract_tracks(self, im0: Any) -> None:
            begun_ns = time.process_time_ns()
            tracks = tracker.update(self.seen, im0)
            self.follow_ns = time.process_time_ns() - begun_ns
            if len(tracks):
                self.boxes = torch.from_numpy(tracks[:, :4])
                self.track_ids = tracks[:, 4].astype(int).tolist()
                self.confs, self.clss = tracks[:, 5].tolist(), tracks[:, 6].tolist()
            else:
                self.boxes, self.track_ids, self.confs, self.clss = [], [], [], []

    tracker = _tracker()
    # The architecture without weights: no network runs, and no file is needed.
    return Replay(model="yolo11n.yaml", colormap=2, show=False, verbose=False, **arguments)


class TrackWork:
    """BYTETracker.update alone."""

    def __init__(self, *, folder: str, compat: str | None) -> None:
        _prepare(compat, 1)
        self._tracker = _tracker()
        self._seen = iter(_walk(folder, (1080, 1920)))

    def block(self, *, frames: int) -> dict[str, list[float]]:
        """Milliseconds of CPU in each of the next `frames`."""
        spent = []
        for seen in itertools.islice(self._seen, frames):
            begun_ns = time.process_time_ns()
            self._tracker.update(seen)
            spent.append((time.process_time_ns() - begun_ns) * 1e-6)
        return {"follow": spent}


WORKS = {"frame": FrameWork, "track": TrackWork}
