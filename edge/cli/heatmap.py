"""`edge heatmap key=value ...`: the command lines of Ultralytics' heatmap page. What the keys mean is `edge.solutions`."""

from __future__ import annotations

import argparse
import ast
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.ports import Detector
    from edge.solutions.heatmap import SolutionResults
    from edge.solutions.options import HeatmapOptions

_SCENE = "synthetic://plaza?seed=7&size=1280x720&fps=15&people=12&seconds=20"
_KEY = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
KEYS = (
    "model, colormap, show, show_in, show_out, region, line_width, classes, tracker, conf, iou, max_det, imgsz, persist, device, verbose,"
    " show_conf, show_labels, decay, fps"
)
"""The fields of `HeatmapOptions`, written down so that the help of other commands need not load them."""
_WORDS = ("source", "model", "tracker", "device", "colormap")
"""Keys whose value is text, whatever it looks like."""


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "heatmap",
        help="heat and counts over a video, by the arguments of Ultralytics' Heatmap",
        description="Ultralytics' command lines with `yolo solutions heatmap` replaced by `edge heatmap`. Without source=, the synthetic plaza.",
        epilog='edge heatmap source=video.mp4 model=yolo11n.onnx colormap=cv2.COLORMAP_INFERNO region="[(20, 400), (1080, 400)]"',
    )
    parser.add_argument("words", nargs="*", metavar="key=value", help=f"source, and what edge.solutions.Heatmap takes: {KEYS}")
    parser.add_argument("--out", type=Path, default=Path("edge-data/video"), help="folder for the video (edge-data/video)")
    parser.set_defaults(command=_run)


def _run(given: argparse.Namespace) -> int:
    from edge.solutions.options import options_of

    arguments = arguments_of(given.words)
    source = arguments.pop("source", None)
    try:
        options = options_of(arguments)  # bad values are said before anything opens
    except UsageError as error:
        raise UsageError(f"edge heatmap: {error}") from None
    _process(_SCENE if source is None else _uri(source), options, given.out)
    return 0


def _process(uri: str, options: HeatmapOptions, out: Path) -> None:
    from rich.console import Console

    from edge.cli.show import Progress
    from edge.engine.box import box_is_there
    from edge.sinks.options import RecordOptions
    from edge.sinks.recorder import PyavRecorder
    from edge.solutions.heatmap import CAMERA, Heatmap
    from edge.sources import open_source

    console = Console(highlight=False, soft_wrap=True)
    detector = _scene_boxes(uri, CAMERA) if options.model is None and not box_is_there() else None
    if detector is not None:
        console.print("detector   the scene's own boxes, degraded: no model is in the box, and no network runs here")
    began_ns = time.time_ns()
    recorder = PyavRecorder(RecordOptions(folder=out, segment_s=86_400), CAMERA, utc_ns=lambda t_ns: began_ns + t_ns)
    seen: SolutionResults | None = None
    try:
        with ExitStack() as stack:
            heatmap = stack.enter_context(Heatmap(detector=detector, **_as_keywords(options)))
            source = stack.enter_context(open_source(uri, camera=CAMERA))
            stack.enter_context(recorder)
            work = _Work(CAMERA, source.facts.frames)
            progress = stack.enter_context(Progress([work]))
            for frame in source:
                with frame:
                    seen = heatmap.look(frame)
                    recorder.record(frame.stamp, seen.plot_im)
                work.frames_done += 1
                progress.tick()
    finally:  # also for who stops a camera by Ctrl-C
        if seen is not None:
            _report(console, seen, recorder.recorded, counted=options.region is not None)


@dataclass(slots=True)
class _Work:
    """How far it is, for the progress bar."""

    name: str
    frames_in_all: int | None
    frames_done: int = 0


def _report(console: Any, seen: SolutionResults, recorded: Sequence[Path], *, counted: bool) -> None:
    if counted:
        console.print(f"counted    in {seen.in_count}, out {seen.out_count}")
        for name, counts in sorted(seen.classwise_count.items()):
            console.print(f"           {name}: in {counts['IN']}, out {counts['OUT']}")
    for path in recorded:
        console.print(f"video      {path}")


def _scene_boxes(uri: str, camera: str) -> Detector | None:
    """The boxes of a synthetic camera, for an installed package, which has no model in the box; None for any other camera."""
    from edge.sources import check_source

    if check_source(uri).kind != "synthetic":
        return None
    from edge.sources.synthetic import SceneDetector, scene_of

    return SceneDetector({camera: scene_of(uri)})


def _as_keywords(options: HeatmapOptions) -> dict[str, Any]:
    return {field.name: getattr(options, field.name) for field in fields(options)}


def _uri(source: str) -> str:
    """Ultralytics calls the first camera `0`."""
    return f"v4l2:///dev/video{source}" if source.isdecimal() else source


def arguments_of(words: Sequence[str]) -> dict[str, Any]:
    """Keys and values of a command line's words. A value in brackets may have been split at its blanks by the shell; a switch may stand alone.

    UsageError: a word belongs to no key, a key stands twice, or a bracket is never closed.
    """
    from edge.solutions.options import SWITCHES

    texts: dict[str, str] = {}
    key = ""
    for word in words:
        if key and _open_brackets(key, texts[key]) > 0:
            texts[key] += f" {word}"
            continue
        found = _KEY.fullmatch(word)
        if found is None:
            if word not in SWITCHES:
                raise UsageError(f"edge heatmap: {word!r} cannot be read; write key=value, as in source=video.mp4 show=True")
            key, text = word, "True"
        else:
            key, text = found[1], found[2]
        if key in texts:
            raise UsageError(f"edge heatmap: {key} is given twice; once is right")
        texts[key] = text
    for name, text in texts.items():
        if text.strip() == "" or _open_brackets(name, text):
            raise UsageError(
                f"edge heatmap: {name}={text} is not whole; write {name}=VALUE" + (", with its brackets closed" if text else "")
            )
    return {name: _value(name, text) for name, text in texts.items()}


def _open_brackets(name: str, text: str) -> int:
    """How many brackets of a value are still open; a path may hold any."""
    return 0 if name in _WORDS else sum(text.count(c) for c in "[(") - sum(text.count(c) for c in "])")


def _value(name: str, text: str) -> Any:
    """What a value's text means in Python; text that means nothing there stays text."""
    plain: Mapping[str, Any] = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in plain:
        return plain[text.lower()]
    if name in _WORDS:
        return text
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        if name == "classes":
            return [part.strip() for part in text.strip("[]() ").split(",") if part.strip()]
        return text
