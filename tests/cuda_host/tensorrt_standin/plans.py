"""What the stand-in `tensorrt` takes for an engine: packing, unpacking and executing it. What the library says of it is `tensorrt`'s.

A plan holds an ONNX, executed by ONNX Runtime a picture at a time, or none: then it sees the one bright rectangle of a picture, as class 0.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

MAGIC = b"stand-in plan\0"
CROWD = b"crowd"
Limits = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Tensor:
    """An input or output; `limits` are least, best and most of an input's sizes, its own where none is free."""

    name: str
    is_input: bool
    dtype: str
    shape: tuple[int, ...]
    limits: Limits
    format: str = "LINEAR"


@dataclass(frozen=True)
class Plan:
    version: str
    tensors: tuple[Tensor, ...]
    onnx: bytes

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(tensor.name for tensor in self.tensors)

    def of(self, name: str) -> Tensor:
        return next(tensor for tensor in self.tensors if tensor.name == name)


def pack(
    onnx: bytes = b"",
    *,
    network: tuple[int, int] = (640, 640),
    head: tuple[int, int] = (84, 8400),
    batch: int | tuple[int, int, int] = 1,
    free_size: tuple[int, int] | None = None,
    half_in: bool = False,
    half_out: bool = False,
    version: str = "10.3.0",
    input_format: str = "LINEAR",
    more_tensors: tuple[Tensor, ...] = (),
) -> bytes:
    """A plan of a `network` (width, height) whose output is `head` a picture; a range of `batch` (least, best, most) makes it free, and
    `free_size` (the least side, the most) makes height and width free as well."""
    width, height = network
    least, best, most = (batch, batch, batch) if isinstance(batch, int) else batch
    small, big = free_size or (0, 0)
    limits = (
        (least, 3, small or height, small or width),
        (best, 3, height, width),
        (most, 3, big or height, big or width),
    )
    free = -1 if least != most else most
    shape = (free, 3, -1 if free_size else height, -1 if free_size else width)
    images = Tensor("images", True, "HALF" if half_in else "FLOAT", shape, limits, input_format)
    out = (free, *head)
    output = Tensor("output0", False, "HALF" if half_out else "FLOAT", out, (out, out, out))
    facts = json.dumps({"version": version, "tensors": [asdict(tensor) for tensor in (images, output, *more_tensors)]}).encode()
    return MAGIC + len(facts).to_bytes(4, "little") + facts + onnx


def unpack(plan: bytes) -> Plan:
    start = len(MAGIC) + 4
    length = int.from_bytes(plan[len(MAGIC) : start], "little")
    facts = json.loads(plan[start : start + length])
    tensors = tuple(
        Tensor(**{**tensor, "shape": tuple(tensor["shape"]), "limits": tuple(tuple(limit) for limit in tensor["limits"])})
        for tensor in facts["tensors"]
    )
    return Plan(facts["version"], tensors, plan[start + length :])


def run(plan: Plan, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs for pictures (B, 3, H, W), by name."""
    head = plan.of("output0").shape[1:]
    if plan.onnx == CROWD:
        rows = [crowd(head) for _ in pictures]
    elif plan.onnx:
        rows = [remembered(plan.onnx, picture.astype(np.float32)) for picture in pictures]
    else:
        rows = [rectangle(picture, head) for picture in pictures]
    return {"output0": np.stack(rows)}


def crowd(head: tuple[int, ...]) -> np.ndarray:
    """A raw head in which every anchor is a box of its own, of a score that none of its neighbours has."""
    numbers = np.arange(head[1], dtype=np.float32)
    scores = 0.2 + 0.7 * (numbers * 7919 % head[1]) / head[1]
    side = np.ones_like(numbers)
    return np.stack([numbers % 100 * 3, numbers // 100 * 3, side, side, scores, 0.1 * side])


def rectangle(picture: np.ndarray, head: tuple[int, ...]) -> np.ndarray:
    """A head (`head`, raw 6 x anchors or end-to-end rows x 6) that sees the one bright rectangle of a picture, as class 0 of 0.9."""
    output = np.zeros((6, max(head)), np.float32)
    raw = head[0] == 6
    ys, xs = np.nonzero(picture[1] > 0.8)
    if len(xs):
        x1, y1, x2, y2 = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
        output[:, 3] = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 0.9, 0.05) if raw else (x1, y1, x2, y2, 0.9, 0)
    return output if raw else output.T


_seen: OrderedDict[bytes, Any] = OrderedDict()


def remembered(onnx: bytes, picture: np.ndarray) -> np.ndarray:
    """The head for a picture (3, H, W) float32. The same picture is not put through the same network twice: several engines of one network are tried on the same frames."""
    key = hashlib.sha256(picture.tobytes()).digest() + hashlib.sha256(onnx).digest()
    if key not in _seen:
        session = _session(onnx)
        _seen[key] = session.run(None, {session.get_inputs()[0].name: picture[None]})[0][0]
        if len(_seen) > 256:
            _seen.popitem(last=False)
    return _seen[key]


@cache
def _session(onnx: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
