"""`edge build`: a model file made of weights."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge.errors import UsageError


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "build",
        help="make an ONNX of a YOLO11's weights",
        description="Makes MODEL.onnx beside MODEL.pt by Ultralytics: the `export` extra, or the Python that EDGE_EXPORT_PYTHON names.",
    )
    parser.add_argument("model", metavar="MODEL.pt", help="weights of a YOLO11 detection model; yolo11n.pt and the like may be downloaded")
    parser.add_argument("--format", choices=["onnx"], default="onnx", help="of the file (onnx)")
    parser.add_argument("--imgsz", default="640", metavar="N or WxH", help="size of the network's picture (640)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="where it goes (beside the weights)")
    parser.set_defaults(command=_build)


def _build(given: argparse.Namespace) -> int:
    from edge.engine import ExportOptions, export_onnx
    from edge.engine.resolve import weights_of

    if Path(given.model).suffix == ".onnx":
        raise UsageError(f"{given.model} is an ONNX already; give it to --model, or give the .pt that one is to be made of")
    weights = weights_of(given.model)
    out = given.out or weights.with_suffix(".onnx")
    if out.suffix != ".onnx":
        raise UsageError(f"-o {out} has another ending than .onnx, by which the file will be known")
    export_onnx(weights, out, _options(ExportOptions, given.imgsz))
    print(out)
    return 0


def _options(kind: Any, text: str) -> Any:
    width, cross, height = text.partition("x")
    if not (width.isdecimal() and (height.isdecimal() if cross else True)):
        raise UsageError(f"--imgsz {text} cannot be read; write 640, or width x height as in 640x384")
    try:
        return kind((int(width), int(height or width)))
    except ValueError as error:
        raise UsageError(f"--imgsz {text}: {error}") from None
