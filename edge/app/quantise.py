"""An int8 network made of a site's own videos, and held against the network it was made of. How it is quantised and compared is the engine's."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from edge.app.model import model_on
from edge.data import U8, Frame, Size
from edge.detect import DetectOptions
from edge.engine import Agreement, GateOptions, OnProgress, Progress, compare, quantise
from edge.engine.builder import network_size
from edge.engine.calibration import gather
from edge.errors import UsageError
from edge.ports import Detector
from edge.sources import check_source, open_source

log = logging.getLogger(__name__)

_PICTURES = 400
"""Most pictures that calibrate, taken evenly from the first part of each video."""
_CALIBRATES = 0.8
"""That part; the rest, which is another time of the day, is held out for the comparison."""
_HELD_OUT = 80


def quantise_on(
    videos: Sequence[str], onnx: Path, out: Path, *, picture: Size | None = None, on_progress: OnProgress = lambda _: None
) -> Agreement:
    """Make `out`, the int8 ONNX of `onnx`, of frames of `videos`, and compare the two on the CPU, on frames that were held out.

    `picture` is the size of the site's cameras: a video of another size is none of theirs. UsageError: too few pictures, or foreign ones.
    """
    network = network_size(onnx)
    lengths = {video: _length(video, picture) for video in videos}
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".calibrate-", dir=out.parent) as folder:
        pictures = Path(folder) / "pictures"
        count = gather(_calibrating(lengths, on_progress), network, pictures, most=_PICTURES)
        log.info("calibrating with %d pictures of %s", count, ", ".join(videos))
        quantise(onnx, out, pictures, on_progress=on_progress)
    return agreement(onnx, out, videos, on_progress=on_progress)


def agreement(
    reference: Path, candidate: Path, videos: Sequence[str], options: GateOptions | None = None, *, on_progress: OnProgress = lambda _: None
) -> Agreement:
    """How near `candidate` is to `reference` (two .onnx on the CPU, or two .engine on the GPU) on the held out frames of `videos`."""
    options = options or GateOptions()
    lengths = {video: _length(video, None) for video in videos}
    with ExitStack() as stack:

        def detector(model: Path) -> Detector:
            made = stack.enter_context(
                model_on(str(model), DetectOptions(conf=options.conf / 2), backend="cuda" if model.suffix == ".engine" else "cpu")
            )
            return stack.enter_context(made.detector)

        return compare(detector(reference), detector(candidate), _held_out(lengths, on_progress), options)


def _length(video: str, picture: Size | None) -> int:
    """Frames in a video. UsageError: it is none of known length, or not of the cameras' size."""
    if check_source(video).kind not in ("file", "synthetic"):
        raise UsageError(f"--calibrate {video} is a live camera; record it over a day first (`edge run --source`), and give the video")
    with open_source(video, camera="calibrate") as source:
        facts = source.facts
    if not facts.frames:
        raise UsageError(f"--calibrate {video} does not tell how many frames it has; give a video file, an MP4 for instance")
    if picture is not None and facts.size != picture:
        raise UsageError(
            f"--calibrate {video} has pictures of {facts.size}, and the site's cameras have {picture}; give videos of their own"
        )
    return facts.frames


def _calibrating(lengths: dict[str, int], on_progress: OnProgress) -> Iterator[U8]:
    for number, (video, length) in enumerate(lengths.items()):
        first = _PICTURES * number // len(lengths)
        quota = _PICTURES * (number + 1) // len(lengths) - first
        for done, frame in enumerate(_frames(video, 0, int(length * _CALIBRATES), quota)):
            on_progress(Progress((first + done) / _PICTURES, None, "Reading videos"))
            with frame:
                yield frame.bgr


def _held_out(lengths: dict[str, int], on_progress: OnProgress) -> Iterator[Frame]:
    quota = max(1, _HELD_OUT // len(lengths))
    for number, (video, length) in enumerate(lengths.items()):
        for done, frame in enumerate(_frames(video, int(length * _CALIBRATES), length, quota)):
            on_progress(Progress((number + done / quota) / len(lengths), None, "Comparing"))
            yield frame


def _frames(video: str, start: int, end: int, quota: int) -> Iterator[Frame]:
    """At most `quota` frames of a video, spread evenly over [start, end)."""
    wanted = set(np.linspace(start, end - 1, min(quota, end - start)).round().astype(int).tolist())
    with open_source(video, camera="calibrate", start_index=start) as source:
        for frame in source:
            if frame.stamp.index in wanted:
                wanted.discard(frame.stamp.index)
                yield frame
            else:
                frame.close()
            if not wanted:
                return
