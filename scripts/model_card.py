"""Writes the card of the model in the box, and its entry in the manifest. What is measured is `truth.py`'s, how it is trained `train_demo_model.py`'s."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from edge.engine.box import SCORES
from edge.engine.file import sha256_of

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "tests" / "flow" / "reports"
TRUTH, REAL = REPORTS / "truth.json", REPORTS / "real_boxes.json"

_CARD = """# plaza: the model in the box

A small YOLO11 that sees the people, bicycles and cars of this project's own synthetic plazas, so that `make demo` runs a network with
nothing but the repository. **It is no replacement for YOLO11n on real streets**: it has never seen a photograph.

| | |
|---|---|
| file | `plaza.onnx`, {megabytes:.1f} MB, one input `images [1, 3, {height}, {width}]`, one output `[1, {rows}, N]`, no NMS inside |
| network | Ultralytics' `yolo11.yaml` at depth {depth:g} and width {width_multiple:g} (YOLO11n has 0.25) |
| classes | 0 person, 1 bicycle, 2 car: the first three of COCO, under COCO's ids |
| licence | AGPL-3.0 (`LICENSE` beside this file): it was trained with AGPL software. The code of this repository is Apache-2.0; the model is not in its wheel |

## How it was made

`scripts/train_demo_model.py`, from random weights, on nothing but pictures of `edge.sources.synthetic`: {pictures:,} pictures, drawn from 400 plazas
that differ in camera height, tilt and field of view, stone, paving, furniture, sun, crowd, bicycles and cars, and in what a poor camera does to them
(exposure, colour, night, blur, noise, JPEG), at {width} x {height} px. {epochs} epochs, seed 0, on {device}, {minutes:.0f} minutes, Ultralytics
{ultralytics}. {history}

A label is the box round the whole of a thing, what hides it left out of account, as far as it lies in the picture: as wide as it is drawn, and
of somebody on foot as high as in the scene's own truth, down to where the feet come in a whole stride. Things of which less than a quarter can
be seen are not labelled, nor is who stands in the dark of the passage.

## What for, and what not

For demonstrations, tests and a first look at the software without a download. Not for real cameras, and not for comparing speeds with YOLO11n.

## How good it is

<!-- measured -->
Not measured yet: `make truth`.
<!-- /measured -->
"""


def digest(model: Path) -> str:
    return sha256_of(model)


def describe(model: Path, facts: dict[str, Any]) -> None:
    """Write the card and the manifest's entry of a model that was just made; `history` among the facts is what else should be known of it."""
    card = model.with_suffix(".md")
    card.write_text(_CARD.format(megabytes=model.stat().st_size / 1e6, **{"history": "", **facts}))
    manifest = model.parent / "manifest.toml"
    head, *entries = manifest.read_text().split("[[model]]\n")
    entries = [entry for entry in entries if f'name = "{model.stem}"\n' not in entry]
    entry = (
        f'name = "{model.stem}"\nfile = "{model.name}"\nbytes = {model.stat().st_size}\nsha256 = "{digest(model)}"\n'
        f'classes = "3: person, bicycle, car, under COCO\'s ids"\nimgsz = [{facts["width"]}, {facts["height"]}]\nlicence = "AGPL-3.0"\n'
        'source = "this project, trained on its own synthetic plazas"\nhow = "in the repository, beside this file; scripts/train_demo_model.py made it"\n'
    )
    manifest.write_text("[[model]]\n".join([head, entry + "\n", *entries]))


def measured(model: Path) -> None:
    """Put the reports' figures into the card, as far as they are of this very model."""
    said = []
    truth = _report(TRUTH, model)
    if truth is not None:
        said.append(
            f"`make truth`: pictures of {truth['plazas']} plazas that were not trained on, by ONNX Runtime. Asked for is what lies in the picture\n"
            f"by a quarter at least, of which {truth['least_seen']:.0%} or more can be seen, from 8 x 22 px (of a picture 1280 px wide) on; the rest may be found or not.\n"
        )
        said.append("| pictures | class | annotated | mAP50 | precision, recall at score 0.25 |\n|---|---|---|---|---|")
        for key, what in (("boxes", "as rendered"), ("boxes_through_poor_lenses", "through poor lenses")):
            for name in ("person", "bicycle", "car"):
                one, pictures = truth[key][name], f"{truth[key]['pictures']:,} {what}"
                said.append(
                    f"| {pictures} | {name} | {one['annotated']:,} | {one['map50']:.3f} | {one['precision']:.3f}, {one['recall']:.3f} |"
                )
        said.append(
            f"\nThe product with it, on three minutes of video with 20 people, against the exact truth of the scene. Tracks begin from score {SCORES['new_score']} on,\n"
            f"and boxes from {SCORES['high_score']} on are matched first, as in the demonstration; that was chosen on crowds 31 to 33 of its plaza\n"
            "and on ten plazas that are for choosing. Hidden is what part of the presence no camera there can see, as less than a quarter of the person shows; the\n"
            "last three plazas were taken for it, as the first that hide 1 % at most:\n"
        )
        said.append("| plaza | hidden | crossings | count error | heat correlation at 16 px |\n|---|---|---|---|---|")
        for one in truth["videos"]:
            plaza = re.search(r"layout=(\d+)", one["uri"])
            name = f"number {plaza[1]}" if plaza else "the demonstration's"
            said.append(f"| {name} | {one['hidden']:.1%} | {one['crossings']} | {one['count_error']:.3f} | {one['heat_correlation']:.3f} |")
    real = _report(REAL, model)
    if real is not None:
        said.append("\nOn real video, people, IoU 0.5, at score 0.25 (`scripts/truth.py --real`):\n")
        said.append("| video | model | precision | recall | AP50 |\n|---|---|---|---|---|")
        said += [
            f"| {one['video']} | {one['model']} | {one['precision']:.3f} | {one['recall']:.3f} | {one['map50']:.3f} |"
            for one in real["boxes"]
        ]
    if said:
        card = model.with_suffix(".md")
        body = "\n".join(said).replace("\\", "\\\\")
        card.write_text(re.sub(r"(?s)(<!-- measured -->\n).*(\n<!-- /measured -->)", rf"\1{body}\2", card.read_text()))


def _report(path: Path, model: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    report: dict[str, Any] = json.loads(path.read_text())
    return report if report["sha256"] == digest(model) else None
