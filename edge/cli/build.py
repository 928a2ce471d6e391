"""`edge build`: model files made of weights, an ONNX or a TensorRT engine."""

from __future__ import annotations

import argparse
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from edge.data import Size

log = logging.getLogger(__name__)


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "build",
        help="make an ONNX or a TensorRT engine of a YOLO11's weights",
        description="Makes MODEL.onnx beside MODEL.pt by Ultralytics (the `export` extra, or the Python that EDGE_EXPORT_PYTHON names) and of it"
        " MODEL.engine, where TensorRT is (here, or in the Python that EDGE_BUILD_PYTHON names). Of an ONNX it makes one for smaller pictures.",
    )
    parser.add_argument(
        "model", metavar="MODEL", help="weights (.pt) or .onnx of a YOLO11 detection model; yolo11n.pt and the like may be downloaded"
    )
    parser.add_argument("--format", choices=["onnx", "engine"], help="of the file (an engine where TensorRT is, else an ONNX)")
    parser.add_argument("--precision", choices=["fp32", "fp16", "int8"], help="of an engine (fp16); int8 needs --calibrate")
    parser.add_argument("--int8", dest="precision", action="store_const", const="int8", help="the same as --precision int8")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--imgsz", metavar="N or WxH", help="size of the network's picture (640)")
    size.add_argument("--for-size", metavar="WxH", help="of the cameras' pictures: the network gets their shape, 640 on the longer side")
    parser.add_argument("--batch", metavar="N or N-M", help="pictures a call of an engine (1; of an ONNX with a free batch 1-4)")
    parser.add_argument("--workspace", type=int, metavar="MIB", help="most memory that one layer may use (1024)")
    parser.add_argument(
        "--calibrate", nargs="+", default=[], metavar="VIDEO", help="videos of the site's own cameras, which set int8's ranges"
    )
    parser.add_argument("--compute-capability", default="", metavar="N.N", help="of a GPU that is not here (TensorRT for RTX only)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="where it goes (beside the weights)")
    parser.set_defaults(command=_build)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be made, and from what. `network` is the float32 ONNX; it is exported, or made of another size, unless it was given so."""

    model: Path
    network: Path
    out: Path
    int8: bool
    imgsz: Size | None

    @property
    def quantised(self) -> Path:
        return self.out.with_suffix(".onnx") if self.int8 else self.network

    @property
    def instead(self) -> Path:
        """The float16 engine that takes the place of an int8 one that is not good enough."""
        return self.out.with_name(f"{self.network.stem}.engine")


def _build(given: argparse.Namespace) -> int:
    from edge.app.warming import Warming
    from edge.cli.warming import Bar

    wish = _wish(given)
    with Bar() as bar:
        made = _made(given, wish, Warming(lambda _: None, bar))
    print(made)
    return 0


def _wish(given: argparse.Namespace) -> _Wish:
    from edge.engine.resolve import weights_of

    int8 = given.precision == "int8"
    if int8 and not given.calibrate:
        raise UsageError(
            "--precision int8 needs --calibrate VIDEO ..., videos of this site's own cameras with 300 different pictures or more"
        )
    if given.calibrate and not int8:
        raise UsageError("--calibrate is for --precision int8 only; give both, or neither")
    given_onnx = Path(given.model).suffix == ".onnx"
    model = Path(given.model) if given_onnx else weights_of(given.model)
    suffix = f".{given.format or _format(given)}"
    size = _imgsz(given)
    # Of an ONNX one of another size is another file beside it; of weights it is the one that is wanted.
    stem = f"{model.stem}-{size}" if given_onnx and size else model.stem
    out = given.out or model.with_name(stem + ("-int8" if int8 else "") + suffix)
    if out.suffix != suffix:
        raise UsageError(f"-o {out} has another ending than {suffix}, by which the file will be known")
    if given_onnx and suffix == ".onnx" and not int8 and not size:
        raise UsageError(
            f"{given.model} is an ONNX already; give it to --model, or say what size it is to be of with --imgsz or --for-size"
        )
    if suffix == ".onnx" and (given.workspace or given.compute_capability or given.precision == "fp16"):
        raise UsageError("--workspace, --compute-capability and --precision fp16 are of an engine; give --format engine")
    network = model if given_onnx and not size else out.with_name(f"{stem}.onnx" if int8 else f"{out.stem}.onnx")
    if network == model and size:
        raise UsageError(f"-o {out} would write over {model}; give another name, as in {stem}{suffix}")
    if int8 and network == out.with_suffix(".onnx"):
        raise UsageError(f"-o {out} would write over the network that int8 is made of; give another name, as in {model.stem}-int8{suffix}")
    return _Wish(model, network, out, int8, size)


def _format(given: argparse.Namespace) -> str:
    from edge.tensorrt_api import tensorrt_here

    if given.out is not None and given.out.suffix in (".onnx", ".engine"):
        return str(given.out.suffix[1:])
    return "engine" if tensorrt_here() or given.compute_capability or os.environ.get("EDGE_BUILD_PYTHON") else "onnx"


def _made(given: argparse.Namespace, wish: _Wish, on_progress: Any) -> Path:
    from edge.data import Size
    from edge.engine import EngineOptions, ExportOptions, build_engine, export_onnx, reshape

    batch = _batch(given.batch)
    if wish.network != wish.model:
        export = _options(ExportOptions, "--imgsz", imgsz=wish.imgsz or Size(640, 640), free_batch=batch not in (None, (1, 1)))
        if wish.model.suffix == ".onnx":
            reshape(wish.model, wish.network, Size(*export.imgsz))
        else:
            export_onnx(wish.model, wish.network, export)
    refused = wish.int8 and not _quantised(given, wish, on_progress)
    if wish.out.suffix == ".onnx":
        return wish.network if refused else wish.out
    more = {} if given.workspace is None else {"workspace_mib": given.workspace}
    if wish.int8 and not refused:
        options = _options(EngineOptions, "--batch or --workspace", batch=batch, **more)
        build_engine(wish.quantised, wish.out, options, compute_capability=given.compute_capability, on_progress=on_progress)
        if given.compute_capability:
            return wish.out  # its GPU is not here: the networks were compared, the engines cannot be
    options = _options(EngineOptions, "--batch or --workspace", batch=batch, precision="fp16" if wish.int8 else given.precision, **more)
    plain = wish.instead if wish.int8 else wish.out
    build_engine(wish.network, plain, options, compute_capability=given.compute_capability, on_progress=on_progress)
    if refused or not wish.int8:
        return plain
    from edge.app.quantise import agreement

    try:
        measured = agreement(plain, wish.out, given.calibrate, on_progress=on_progress)
    except DeviceError as error:
        log.warning("the networks were compared, the engines could not be: %s", error)
        return wish.out
    return wish.out if _good(measured, wish.out, plain) else plain


def _quantised(given: argparse.Namespace, wish: _Wish, on_progress: Any) -> bool:
    """Make the int8 ONNX; whether it is good enough. One that is not is removed."""
    from edge.app.quantise import quantise_on
    from edge.data import Size

    picture = Size(*_pair("--for-size", given.for_size)) if given.for_size else None
    measured = quantise_on(given.calibrate, wish.network, wish.quantised, picture=picture, on_progress=on_progress)
    return _good(measured, wish.quantised, wish.network)


def _good(measured: Any, candidate: Path, instead: Path) -> bool:
    why = measured.refusal()
    if not why:
        log.info("%s is as good as %s: %s", candidate, instead, measured)
        return True
    candidate.unlink(missing_ok=True)
    log.warning("int8 is refused, and %s is used: %s", instead if instead.suffix == ".engine" else "fp16", why)
    return False


def _imgsz(given: argparse.Namespace) -> Size | None:
    """The size that is wanted of the network's picture, if one is."""
    from edge.data import Size
    from edge.detect import least_network

    if given.for_size:
        return least_network([Size(*_pair("--for-size", given.for_size))], Size(640, 640))
    return Size(*_pair("--imgsz", given.imgsz)) if given.imgsz else None


def _pair(option: str, text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not (width.isdecimal() and int(width) and (height.isdecimal() and int(height) if cross else option == "--imgsz")):
        raise UsageError(f"{option} {text} cannot be read; write width x height as in 640x384" + ", or 640" * (option == "--imgsz"))
    return int(width), int(height or width)


def _batch(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    least, _, most = text.partition("-")
    if not (least.isdecimal() and (most or least).isdecimal()):
        raise UsageError(f"--batch {text} cannot be read; write a number, or a range as in 1-4")
    return int(least), int(most or least)


def _options(kind: Any, option: str, **values: Any) -> Any:
    try:
        return kind(**values)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
