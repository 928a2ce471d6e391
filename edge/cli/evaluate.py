"""`edge eval`: the product measured on annotated video."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.config import CameraConfig, Config
    from edge.data import Result
    from edge.evaluate import Truth
    from edge.evaluate.variants import Seen
    from edge.ports import Detector


def add(commands: Any) -> None:
    parser = commands.add_parser("eval", help="measure tracks, counts and heat on annotated video")
    parser.add_argument(
        "truth", type=Path, help="a truth file: YAML with video, annotation (MOT Challenge text) and lines, as in the README"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", help="a YOLO11 model as .onnx")
    what.add_argument("--detections", type=Path, help="recorded detections as .npz, instead of running a model")
    parser.add_argument("-c", "--config", type=Path, help="a configuration whose first camera's options are used")
    parser.add_argument("--variants", action="store_true", help="the mean over 22 worse recordings of the video, with its standard error")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_eval)


def _eval(given: argparse.Namespace) -> int:
    from edge.evaluate import Means, RecordedDetections, Report, evaluate, load_truth, variants

    truth = load_truth(given.truth)
    config, camera = _options(given, truth)
    if given.detections is not None:
        detector: Any = RecordedDetections(given.detections)
    else:
        from edge.app import open_detector

        detector = open_detector(config)
    with detector as opened:

        def measured(seen: Iterable[Seen]) -> Report:
            return evaluate(truth, _results(seen, config, camera, opened.names), opened.names, cell=camera.heat.cell)

        seen = _seen(truth, opened)
        found = Means.of([measured(one) for _, one in variants(list(seen))]) if given.variants else measured(seen)
    if given.json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        from rich.console import Console

        for table in found.tables():
            Console(highlight=False).print(table)
    return 0


def _options(given: argparse.Namespace, truth: Truth) -> tuple[Config, CameraConfig]:
    """The configuration's options with the truth's own lines."""
    from edge.config import CameraConfig, Config, load
    from edge.count import LineOptions

    config = load(given.config) if given.config else Config(device="eval", cameras={"eval": CameraConfig(source=str(truth.video))})
    camera = next(iter(config.cameras.values()))
    lines = {name: LineOptions(line.start, line.end) for name, line in truth.lines.items()}
    camera = camera.model_copy(update={"lines": lines, "zones": {}, "reference": None})
    changes: dict[str, Any] = {"cameras": {"eval": camera}}
    if given.model:
        changes["model"] = given.model
    return config.model_copy(update=changes), camera


def _seen(truth: Truth, detector: Detector) -> Iterator[Seen]:
    """What the detector finds in each frame of the truth's video."""
    from edge.sources import open_source

    if not Path(truth.video).is_file():
        raise UsageError(f"the truth's video {truth.video} is not there")
    with open_source(str(truth.video), camera="eval") as source:
        for frame in source:
            with frame:
                yield frame.stamp, detector.detect([frame])[0]


def _results(seen: Iterable[Seen], config: Config, camera: CameraConfig, names: Sequence[str]) -> Iterator[Result]:
    """The product's own line from what was detected to what was followed and counted, a frame at a time."""
    from edge.detect import class_ids
    from edge.pipeline import Pipeline

    options = camera.pipeline_options(class_ids(camera.classes, names, config.model))
    pipeline: Pipeline | None = None
    for stamp, found in seen:
        if pipeline is None:
            pipeline = Pipeline(options, stamp.size)
        yield pipeline.step(stamp, found)
