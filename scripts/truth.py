"""Measures the model in the box, and the product with it, on plazas that it was not trained on: `make truth`. What is measured is `edge.evaluate`'s.

python scripts/truth.py                        the whole, with a report in tests/flow/reports/truth.json
python scripts/truth.py --real a.truth.yaml --beside yolo11n.onnx    its boxes on annotated video, beside another model's
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import model_card

from edge import __version__
from edge.backends import detector_of
from edge.detect import DetectOptions
from edge.engine.box import SCORES, model_in_the_box
from edge.evaluate import load_truth
from edge.evaluate.boxes import HELD_OUT_SEED, Tick, boxes_of_pictures, boxes_of_video
from edge.evaluate.plaza import BLUR_PX, VideoReport, video
from edge.evaluate.precision import PrecisionRecall
from edge.ports import Detector
from edge.sources.synthetic.album import HELD_OUT, LEAST_SEEN
from edge.track import TrackOptions

_VIDEO = "synthetic://plaza?seed=2028&size=1280x720&fps=15&people=20&seconds=180"
VIDEOS = (_VIDEO, *(f"{_VIDEO}&layout={number}" for number in (604, 609, 614, 617)))
"""The demonstration's plaza with another crowd, and plazas that were not trained on: 604, where a part of the people is hidden, and the first
three that hide at most a hundredth of the presence (`edge.evaluate.plaza.hidden`, which asks no model)."""
LEAST_SCORE = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="another ONNX than the one in the box")
    parser.add_argument("--pictures", type=int, default=2000, help="held-out pictures (2000)")
    parser.add_argument("--seconds", type=float, default=180.0, help="length of each held-out video (180)")
    parser.add_argument("--report", type=Path, default=model_card.TRUTH, help="where the report goes (tests/flow/reports/truth.json)")
    parser.add_argument("--real", type=Path, action="append", default=[], metavar="TRUTH", help="measure boxes on annotated video instead")
    parser.add_argument("--beside", type=Path, action="append", default=[], metavar="ONNX", help="with --real: another model")
    parser.add_argument("--threads", type=int, default=0, help="of the network; 0 for one a core, 1 is faster where others are at work")
    given = parser.parse_args()
    model = given.model or model_in_the_box()
    if given.real:
        boxes_found = real(given.real, [model, *given.beside], given.threads)
        _write(model_card.REAL, {"sha256": model_card.digest(model), "boxes": boxes_found})
        if given.model is None:
            model_card.measured(model)
        return
    report: dict[str, Any] = {
        "version": __version__, "model": model.name, "sha256": model_card.digest(model), "plazas": len(HELD_OUT), "seed": HELD_OUT_SEED, "least_seen": LEAST_SEEN,
    }  # fmt: skip
    for key, spoilt, count in (("boxes", False, given.pictures), ("boxes_through_poor_lenses", True, given.pictures // 4)):
        with _opened(model, given.threads, conf=0.01) as detector, progress("pictures", count) as tick:
            boxes = boxes_of_pictures(detector, count, spoilt=spoilt, tick=tick)
        print(f"{count} pictures, {key.replace('_', ' ')}")
        report[key] = {"pictures": count, **{name: _boxes(name, found) for name, found in boxes.items()}}
    report["videos"] = []
    for uri in VIDEOS:
        uri = uri.replace("seconds=180", f"seconds={given.seconds:g}")
        with _opened(model, given.threads) as detector, progress("frames", round(given.seconds * 15)) as tick:
            seen = video(uri, detector, track=TrackOptions(**SCORES), tick=tick)
        report["videos"].append(asdict(seen))
        _say(seen)
    _write(given.report, report)
    if given.report == model_card.TRUTH and given.model is None:
        model_card.measured(model)


def _boxes(name: str, found: PrecisionRecall) -> dict[str, Any]:
    precision, recall = found.at(LEAST_SCORE)
    print(f"  {name:8} mAP50 {found.average_precision:.4f}   at score {LEAST_SCORE}: precision {precision:.3f}, recall {recall:.3f}")
    return {"annotated": found.annotated, "map50": found.average_precision, "precision": precision, "recall": recall}


def real(truths: list[Path], models: list[Path], threads: int) -> list[dict[str, Any]]:
    """How well each model finds the annotated people of each video."""
    rows = []
    for path in truths:
        truth = load_truth(path)
        for model in models:
            with _opened(model, threads, conf=0.01) as detector, progress(model.stem, int(truth.annotation.frame.max())) as tick:
                found = boxes_of_video(detector, truth, tick=tick)
            precision, recall = found.at(LEAST_SCORE)
            video_name, ap = truth.video.stem, found.average_precision
            rows.append({"video": video_name, "model": model.stem, "precision": precision, "recall": recall, "map50": ap})
            print(f"{video_name:20} {model.stem:10} AP50 {ap:.3f}   at score {LEAST_SCORE}: precision {precision:.3f}, recall {recall:.3f}")
    return rows


def _write(path: Path, report: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(report), indent=2) + "\n")
    print(f"report   {path}")


def _say(seen: VideoReport) -> None:
    print(seen.uri)
    for line, verbs in seen.lines.items():
        print(f"  {line:8} " + "   ".join(f"{verb} {counted} counted, {true} true" for verb, (counted, true) in verbs.items()))
    print(
        f"  {seen.crossings} crossings: count error {seen.count_error:.4f}; heat correlation at {BLUR_PX} px {seen.heat_correlation:.4f};"
        f" {seen.hidden:.1%} of the presence hidden"
    )


@contextmanager
def _opened(model: Path, threads: int, *, conf: float | None = None) -> Iterator[Detector]:
    options = DetectOptions(threads=threads) if conf is None else DetectOptions(conf=conf, threads=threads)
    with detector_of(model, options) as detector:
        yield detector


@contextmanager
def progress(what: str, total: int) -> Iterator[Tick]:
    """A bar while a terminal watches."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bars:
        task = bars.add_task(what, total=total)
        yield lambda: bars.advance(task)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
