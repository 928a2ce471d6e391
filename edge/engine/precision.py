"""Networks as ONNX: what one says of itself, and the same network in fewer bits. Building engines of it is `plan`'s. It needs the `onnx` package.

A network is cut in two by its structure: the *body* ends with the last convolutions that were learned, the *tail* behind them turns their
output into boxes. The tail is a thousandth of the work and its numbers are pixels, which float16 knows only to half a pixel beyond 512:
it stays float32, whatever the body becomes. Input and output are float32 in every precision, so all of them are driven alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import compose, version_converter
from onnx.utils import Extractor

from edge.data import U8
from edge.detect import head_layout
from edge.detect.names import read_names
from edge.engine.options import Precision
from edge.errors import ModelError

_MADE = "edge_"
"""Begins the keys of what is written into a quantised ONNX: source, the digest of the ONNX it was made of, and calibration, of the pictures."""
_QUANTISED_OPSET = 19
"""The first in which a scale may be float16, so that what lies between two int8 convolutions need not be float32."""


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What an ONNX says of itself. `digest` is the file's SHA-256; `shape` the input's, (batch, 3, height, width), its batch None where free."""

    digest: str
    shape: tuple[int | None, ...]
    names: tuple[str, ...]
    precision: Precision
    calibration: str


def read_network(path: Path) -> tuple[Any, NetworkFacts]:
    """An ONNX (onnx.ModelProto) and its facts. ModelError unless it is a whole YOLO detection network with one picture in and one head out."""
    try:
        content = path.read_bytes()
        model = onnx.load_from_string(content)
    except FileNotFoundError:
        raise ModelError(f"there is no model file {path}; `edge build {path.stem}.pt` makes one of a YOLO11's weights") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})") from error
    except Exception as error:  # protobuf's DecodeError has no public home
        raise ModelError(f"{path} is not a readable ONNX model; export it again, or copy it again if it was cut") from error
    graph, written = model.graph, {entry.key: entry.value for entry in model.metadata_props}
    weights = {tensor.name for tensor in graph.initializer}
    inputs, outputs = [_shape(value) for value in graph.input if value.name not in weights], [_shape(value) for value in graph.output]
    if len(inputs) != 1 or len(inputs[0]) != 4 or inputs[0][1] != 3:
        raise ModelError(f"{path}: its inputs {_shown(inputs)} are not one picture; a YOLO detection model takes ?x3xHxW")
    if None in inputs[0][1:]:
        raise ModelError(
            f"{path} takes pictures of any size, and an engine is made for one; `edge build {path.stem}.pt --imgsz 640x384` makes such an ONNX"
        )
    if len(outputs) != 1:
        raise ModelError(
            f"{path} has {len(outputs)} outputs, {_shown(outputs)}, where a detection model has one; export a YOLO11 detection model,"
            " not one for segmentation"
        )
    try:
        names = read_names(written.get("names"), outputs[0])
        head_layout(outputs[0], len(names))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    precision: Precision = "fp32"
    if any(node.op_type == "QuantizeLinear" for node in graph.node):
        precision = "int8"
    elif any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in graph.initializer):
        precision = "fp16"
    return model, NetworkFacts(hashlib.sha256(content).hexdigest(), inputs[0], names, precision, written.get(f"{_MADE}calibration", ""))


def to_fp16(model: Any) -> Any:
    """The network with a float16 body. By ONNX Runtime's converter: it is here anyway, and keeps class names and other metadata."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    body, tail = _cut(model)
    return _join(model, convert_float_to_float16(body, keep_io_types=True), tail)


def to_int8(
    model: Any, facts: NetworkFacts, pictures: NDArray[np.uint8], folder: Path, on_share: Callable[[float], None] = lambda _: None
) -> Any:
    """The network with int8 convolutions between explicit Q/DQ pairs, by ONNX Runtime's quantiser; the rest of the body is float16.

    As TensorRT wants it: symmetric, weights per channel, Q/DQ on what goes into a convolution and not behind it, so that the activation is
    fused. The head, its convolutions and the tail behind them, is not quantised: it decides box and score, with 29 % of a YOLO11n's multiplications.
    `pictures` (N, H, W, 3) uint8 RGB set the ranges; `folder` is for what the quantiser writes; `on_share` hears which
    share of the pictures was looked at.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.transformers.float16 import convert_float_to_float16

    body, tail = _cut(version_converter.convert_version(model, _QUANTISED_OPSET))
    quantised = folder / "quantised.onnx"
    quantize_static(
        body,
        quantised,
        _Pictures(body.graph.input[0].name, pictures, on_share),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=_head(body),
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            "QuantizeBias": False,
            "OpTypesToExcludeOutputQuantization": ["Conv"],
            "CalibMaxIntermediateOutputs": 16,  # else every picture's ranges are kept until the end
        },
    )
    made = _join(model, convert_float_to_float16(onnx.load(quantised), keep_io_types=True), tail)
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(picture.tobytes())
    for key, value in (("source", facts.digest), ("calibration", digest.hexdigest())):
        made.metadata_props.add(key=_MADE + key, value=value)
    return made


class _Pictures:
    """Pictures as the quantiser reads them, one at a time."""

    def __init__(self, name: str, pictures: NDArray[np.uint8], on_share: Callable[[float], None]) -> None:
        self._name, self._pictures, self._on_share = name, pictures, on_share
        self._next = 0

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        if self._next == len(self._pictures):
            return None
        picture = self._pictures[self._next]
        self._on_share(self._next / len(self._pictures))
        self._next += 1
        return {self._name: network_input(picture)}

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        return iter(self.get_next, None)


def network_input(picture: U8) -> NDArray[np.float32]:
    """A letterboxed picture (H, W, 3) RGB as the network takes it, (1, 3, H, W) float32 in 0..1."""
    planes: NDArray[np.float32] = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)
    planes /= np.float32(255)
    return planes


def _cut(model: Any) -> tuple[Any, Any]:
    """(body, tail). ModelError where no convolution is found before the output."""
    model = onnx.shape_inference.infer_shapes(model)
    makers = {name: node for node in model.graph.node for name in node.output}
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    seams: dict[str, None] = {}
    seen: set[str] = set()
    ahead = [value.name for value in model.graph.output]
    while ahead:
        name = ahead.pop()
        node = makers.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        # The head's own convolution, over the 16 bins of a box's side, has one output channel and was never learned.
        if node.op_type == "Conv" and not (node.input[1] in weights and weights[node.input[1]].dims[0] == 1):
            seams[name] = None
        else:
            ahead += node.input
    if not seams:
        raise ModelError("no convolution leads to its output; export a YOLO11 detection model")
    extractor = Extractor(model)
    inputs = [value.name for value in model.graph.input]
    return (
        extractor.extract_model(inputs, list(seams)),
        extractor.extract_model(list(seams), [value.name for value in model.graph.output]),
    )


def _head(body: Any) -> list[str]:
    """The convolutions of the head: those that end the body, and all others of the module that Ultralytics names in them (``/model.23/``)."""
    ends = {value.name for value in body.graph.output}
    last = [node.name for node in body.graph.node if ends & set(node.output)]
    modules = {name[: name.find("/", 1) + 1] for name in last}
    module = modules.pop() if len(modules) == 1 else ""
    return [
        node.name for node in body.graph.node if node.op_type == "Conv" and (node.name in last or (module and node.name.startswith(module)))
    ]


def _join(model: Any, body: Any, tail: Any) -> Any:
    """Body and tail as one network under the name, the input and the metadata of `model`."""
    seams = [(value.name, value.name) for value in tail.graph.input]
    from onnxruntime.transformers.onnx_model import OnnxModel

    OnnxModel.graph_topological_sort(body.graph)  # the converter puts its casts at the end
    for part in (body, tail):
        part.ir_version = max(body.ir_version, tail.ir_version)
        del part.graph.value_info[:]  # what is inferred on either side of the seams has the same names
    made = compose.merge_models(body, tail, io_map=seams)
    made.graph.name = model.graph.name
    made.producer_name, made.producer_version = model.producer_name, model.producer_version
    del made.metadata_props[:]
    made.metadata_props.extend(model.metadata_props)
    onnx.checker.check_model(made)
    return made


def _shape(value: Any) -> tuple[int | None, ...]:
    return tuple(dim.dim_value or None for dim in value.type.tensor_type.shape.dim)


def _shown(shapes: list[tuple[int | None, ...]]) -> str:
    return ", ".join("x".join("?" if n is None else str(n) for n in shape) for shape in shapes) or "(none)"
