"""What Ultralytics does in a measurement's worker, timed by its public package. It runs in an interpreter of its own and imports nothing of edge.

Written against Ultralytics 8.3 and 8.4: `solutions.Heatmap`, `trackers.byte_tracker.BYTETracker`, `engine.results.Boxes`.
"""

from __future__ import annotations

import itertools
import runpy
import tempfile
import time
from pathlib import Path
from typing import Any


def _prepare(compat: str | None, threads: int | None) -> None:
    """What a file of the user's own does first; then so many threads as on the other side, or all there are."""
    if compat:
        runpy.run_path(compat)
    if threads is None:
        return
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


class PipelineWork:
    """A detector that sleeps, BYTETracker, Heatmap and the VideoWriter of their page's program; no broker, since they have none."""

    def __init__(self, *, folder: str, detector_ms: float, compat: str | None) -> None:
        _prepare(compat, None)
        import numpy as np

        self._pictures = np.load(Path(folder) / "pictures.npy")
        height, width = self._pictures.shape[1:3]
        walk = _walk(folder, (height, width))
        self._seen = itertools.cycle([*walk, *reversed(walk)])
        self._heatmap = _replaying(region=[(width // 2, 0), (width // 2, height)])
        self._sleep_s = detector_ms * 1e-3

    def block(self, *, seconds: float, warmup_s: float) -> dict[str, float]:
        """Frames a second after the warm-up."""
        with tempfile.TemporaryDirectory() as folder:
            writer = _writer(folder, self._pictures.shape[2], self._pictures.shape[1])
            self._work(writer, warmup_s)
            fps = self._work(writer, seconds)
            writer.release()
        return {"fps": fps}

    def _work(self, writer: Any, seconds: float) -> float:
        begun_s, count = time.monotonic(), 0
        while time.monotonic() < begun_s + seconds:
            time.sleep(self._sleep_s)
            self._heatmap.seen = next(self._seen)
            writer.write(self._heatmap.process(self._pictures[count % len(self._pictures)]).plot_im)
            count += 1
        return count / (time.monotonic() - begun_s)


class RunWork:
    """Their page's program over a file: VideoCapture, Heatmap with ByteTrack and a line, VideoWriter; no window."""

    def __init__(self, *, source: str, model: str, net_threads: int, frames: int, compat: str | None) -> None:
        _prepare(compat, net_threads or None)
        _pin_network(net_threads)
        from ultralytics import solutions  # noqa: F401  what importing costs is another measurement

        self._source, self._model, self._frames = source, model, frames

    def block(self) -> dict[str, float]:
        """Frames a second from opening to the released writer."""
        import cv2
        from ultralytics import solutions

        begun_s, count = time.monotonic(), 0
        video = cv2.VideoCapture(self._source)
        width, height = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
        heatmap = solutions.Heatmap(
            model=self._model,
            region=[(width // 2, 0), (width // 2, height)],
            colormap=cv2.COLORMAP_JET,
            classes=[0],
            tracker="bytetrack.yaml",
            show=False,
            verbose=False,
        )
        with tempfile.TemporaryDirectory() as folder:
            writer = _writer(folder, width, height)
            while not self._frames or count < self._frames:
                good, picture = video.read()
                if not good:
                    break
                writer.write(heatmap(picture).plot_im)
                count += 1
            video.release()
            writer.release()
        return {"fps": count / (time.monotonic() - begun_s), "frames": count}


def _writer(folder: str, width: int, height: int) -> Any:
    import cv2

    return cv2.VideoWriter(str(Path(folder) / "heatmap_output.avi"), cv2.VideoWriter.fourcc(*"mp4v"), 30, (width, height))


def _pin_network(threads: int) -> None:
    """The number of threads of ONNX Runtime, which Ultralytics leaves to its default of one a core."""
    if not threads:
        return
    import onnxruntime

    class Pinned(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, model: Any, options: Any = None, **how: Any) -> None:
            options = options or onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            super().__init__(model, options, **how)

    onnxruntime.InferenceSession = Pinned


WORKS = {"frame": FrameWork, "track": TrackWork, "pipeline": PipelineWork, "run": RunWork}
