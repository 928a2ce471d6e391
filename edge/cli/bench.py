"""`edge bench`: what the product costs, and beside Ultralytics."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.bench.options import Theirs
    from edge.data import Size


def add(commands: Any) -> None:
    parser = commands.add_parser("bench", help="measure CPU time, frames a second and memory, also beside Ultralytics")
    verbs = parser.add_subparsers(required=True, metavar="WHAT")
    frame = verbs.add_parser("frame", help="CPU ms of one frame without its network: follow, count, warm, paint")
    _add_size(frame)
    frame.add_argument("--people", type=int, default=20, help="who walk through the picture (20)")
    frame.add_argument("--frames", type=int, default=600, help="frames measured (600)")
    frame.set_defaults(command=_frame)
    track = verbs.add_parser("track", help="CPU ms of tracking alone")
    track.add_argument("--people", type=int, nargs="+", default=[5, 20, 50, 200], help="(5 20 50 200)")
    track.add_argument("--frames", type=int, default=300, help="frames measured (300)")
    track.set_defaults(command=_track)
    pipeline = verbs.add_parser("pipeline", help="frames a second of everything around a detector that only sleeps")
    _add_size(pipeline)
    pipeline.add_argument("--detector-ms", type=float, default=4.5, help="how long the stand-in detector takes off the CPU (4.5)")
    pipeline.add_argument("--people", type=int, default=20, help="who walk through the picture (20)")
    pipeline.add_argument("--seconds", type=float, default=4.0, help="of each of two rounds (4)")
    pipeline.set_defaults(command=_pipeline)
    run = verbs.add_parser("run", help="a whole run over a file: frames a second, import time, peak memory")
    run.add_argument("--source", type=Path, required=True, help="a video file")
    run.add_argument("--model", type=Path, required=True, help="a YOLO11 model as .onnx")
    run.add_argument("--threads", type=int, default=0, help="of the network, on both sides; 0 for one a core (0)")
    run.add_argument("--frames", type=int, default=200, help="at most so many of the file; 0 for all (200)")
    run.add_argument("--rounds", type=int, default=2, help="so often, in turns (2)")
    run.set_defaults(command=_run)
    drain = verbs.add_parser("drain", help="messages a second of a full outbox to a broker, beside a bare MQTT client")
    drain.add_argument("--messages", type=int, default=50_000, help="that wait (50000)")
    drain.add_argument("--in-flight", type=int, default=20, help="unacknowledged at once, of both (20)")
    drain.add_argument("--protocol", choices=("5", "3.1.1"), default="5", help="version of MQTT (5)")
    drain.add_argument("--rounds", type=int, default=2, help="so often, in turns (2)")
    drain.add_argument("--json", action="store_true", help="print JSON")
    drain.set_defaults(command=_drain)
    kernels = verbs.add_parser("kernels", help="time of each of the GPU's kernels, their share of its copying, of whole frames")
    kernels.add_argument("--repeats", type=int, default=15, help="rounds of each, of which the median counts (15)")
    kernels.add_argument("--json", action="store_true", help="print JSON")
    kernels.set_defaults(command=_kernels)
    for verb in (frame, track, pipeline, run):
        verb.add_argument("--vs-ultralytics", type=Path, metavar="PYTHON", help="the same work, in turns, by this Python's Ultralytics")
        verb.add_argument("--compat", type=Path, metavar="FILE", help="a Python file to run there first ($EDGE_TV_COMPAT)")
        verb.add_argument("--json", action="store_true", help="print JSON")


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", default="1280x720", help="of the picture (1280x720)")


def _frame(given: argparse.Namespace) -> int:
    from edge.bench.frame import bench_frame
    from edge.bench.options import FrameBench

    options = _options(FrameBench, size=_size(given.size), people=given.people, frames=given.frames)
    return _show(given, {"frame": bench_frame(options, _theirs(given))})


def _track(given: argparse.Namespace) -> int:
    from edge.bench.frame import bench_track
    from edge.bench.options import TrackBench

    options = _options(TrackBench, people=tuple(given.people), frames=given.frames)
    return _show(given, {"track": bench_track(options, _theirs(given))})


def _pipeline(given: argparse.Namespace) -> int:
    from edge.bench.options import PipelineBench
    from edge.bench.whole import bench_pipeline
    from edge.demo.broker import running_broker

    options = _options(PipelineBench, detector_ms=given.detector_ms, size=_size(given.size), people=given.people, seconds=given.seconds)
    with running_broker() as broker:
        return _show(given, {"pipeline": bench_pipeline(options, broker.url, _theirs(given))})


def _run(given: argparse.Namespace) -> int:
    from edge.bench.options import RunBench
    from edge.bench.whole import bench_run

    options = _options(RunBench, source=given.source, model=given.model, threads=given.threads, frames=given.frames, rounds=given.rounds)
    return _show(given, {"run": bench_run(options, _theirs(given))})


def _kernels(given: argparse.Namespace) -> int:
    from edge.bench.kernels import bench_kernels
    from edge.bench.options import KernelBench
    from edge.engine.resolve import kernels_folder

    options = _options(KernelBench, repeats=given.repeats)
    return _show(given, {"kernels": bench_kernels(options, kernels_folder())})


def _drain(given: argparse.Namespace) -> int:
    from edge.bench.drain import bench_drain
    from edge.bench.options import DrainBench
    from edge.demo.broker import running_broker

    options = _options(DrainBench, messages=given.messages, in_flight=given.in_flight, protocol=given.protocol, rounds=given.rounds)
    with running_broker() as broker:
        return _show(given, {"drain": bench_drain(options, broker.url)})


def _options(kind: Any, **values: Any) -> Any:
    try:
        return kind(**values)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _size(text: str) -> Size:
    from edge.data import Size

    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise UsageError(f"--size {text} cannot be read; write width x height in pixels, as in 1280x720")
    return Size(int(width), int(height))


def _theirs(given: argparse.Namespace) -> Theirs | None:
    from edge.bench.options import Theirs

    if given.vs_ultralytics is None:
        return None
    compat = given.compat or os.environ.get("EDGE_TV_COMPAT")
    if compat and not Path(compat).is_file():
        raise UsageError(f"--compat {compat} is not there; give a Python file, or leave it out")
    # Not resolved: the interpreter of an environment is a link, and is known by its own path.
    return Theirs(given.vs_ultralytics.absolute(), Path(compat).absolute() if compat else None)


def _show(given: argparse.Namespace, report: Mapping[str, Any]) -> int:
    if given.json:
        print(json.dumps(report, indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "value")
    table.columns[1].justify = "right"
    for name, value in _flat(report):
        table.add_row(name, str(value))
    Console(highlight=False, soft_wrap=True).print(table)
    return 0


def _flat(report: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Rows (dotted name, value); a spread of milliseconds is one row."""
    rows: list[tuple[str, Any]] = []
    for key, value in report.items():
        if isinstance(value, Mapping) and set(value) == {"mean", "median", "p99"}:
            rows.append((prefix + key, "  ".join(f"{name} {number:.3f}" for name, number in value.items())))
        elif isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((prefix + key, value))
    return rows
