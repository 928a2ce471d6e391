"""A YOLO network run by ONNX Runtime on the CPU. Letterbox geometry and the head are read by `edge.detect`; no painting here."""

from __future__ import annotations

import ast
import logging
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort

from edge.data import F32, U8, Detections, Frame, Size
from edge.detect import DetectOptions, Letterbox, class_ids, head_layout, read_head
from edge.detect.letterbox import GREY
from edge.errors import ModelError

log = logging.getLogger(__name__)


class OnnxDetector:
    """ports.Detector over an ONNX file exported from YOLO11 (or another YOLO with one of the two known heads)."""

    def __init__(self, model: Path, options: DetectOptions, *, class_names: Sequence[str] = ()) -> None:
        """Reads only the file's facts' location; the network is loaded on entering. `class_names` (wanted classes) empty means all."""
        self._path = Path(model)
        self._options = options
        self._wanted = tuple(class_names)
        self._session: Any = None

    def __enter__(self) -> OnnxDetector:
        self._session = _load(self._path, self._options.threads)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._input, shape = inputs[0].name, inputs[0].shape
        if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3:
            raise ModelError(f"{self._path}: the input {shape} is no picture; a YOLO detection model takes one input of ?x3xHxW")
        self.names = _names(self._session, self._path, outputs)
        self._half = inputs[0].type == "tensor(float16)"
        self._network = self._network_size(shape)
        self.batch = shape[0] if isinstance(shape[0], int) else 8
        try:
            self._layout = head_layout(tuple(n if isinstance(n, int) else None for n in outputs[0].shape), len(self.names))
        except ModelError as error:
            raise ModelError(f"{self._path}: {error}") from None
        self._class_ids = class_ids(self._wanted, self.names, str(self._path))
        self._canvas = np.full((self._network.height, self._network.width, 3), GREY, np.uint8)
        self._tensor = np.empty((self.batch if isinstance(shape[0], int) else 1, 3, self._network.height, self._network.width), np.float32)
        return self

    def __exit__(self, *_: object) -> None:
        self._session = None

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame, boxes in the frame's own pixels."""
        found: list[Detections] = []
        for start in range(0, len(frames), self.batch):
            found += self._run(frames[start : start + self.batch])
        return found

    def _run(self, frames: Sequence[Frame]) -> list[Detections]:
        if self._tensor.shape[0] < len(frames):
            self._tensor = np.empty((len(frames), *self._tensor.shape[1:]), np.float32)
        boxes = [Letterbox.fit(frame.stamp.size, self._network) for frame in frames]
        for row, (frame, letterbox) in enumerate(zip(frames, boxes, strict=True)):
            self._fill(self._tensor[row], frame.bgr, letterbox)
        # A network of fixed batch gets all its rows, whatever the unused ones still hold.
        tensor = self._tensor if isinstance(self._session.get_inputs()[0].shape[0], int) else self._tensor[: len(frames)]
        try:
            output = self._session.run(None, {self._input: tensor.astype(np.float16) if self._half else tensor})[0]
        except Exception as error:  # ONNX Runtime raises classes of its C++ side that share no public base
            raise ModelError(f"{self._path}: the network failed on a picture of {frames[0].stamp.size}: {_first_line(error)}") from error
        detections = []
        for row, letterbox in enumerate(boxes):
            seen = read_head(np.asarray(output[row], np.float32), self._layout, self._options, self._class_ids)
            detections.append(Detections(letterbox.to_picture(seen.xyxy), seen.score, seen.class_id))
        return detections

    def _fill(self, tensor: F32, bgr: U8, box: Letterbox) -> None:
        """Letterbox `bgr` into `tensor` (3, H, W), RGB in 0..1."""
        canvas = self._canvas
        inner = canvas[box.top : box.top + box.inner.height, box.left : box.left + box.inner.width]
        if box.inner != self._network:
            canvas[:] = GREY
        if box.inner == box.picture:
            inner[:] = bgr
        else:
            cv2.resize(bgr, (box.inner.width, box.inner.height), dst=inner, interpolation=cv2.INTER_LINEAR)
        for channel, plane in enumerate(cv2.split(canvas)):
            np.multiply(plane, np.float32(1 / 255), out=tensor[2 - channel])

    def _network_size(self, shape: list[Any]) -> Size:
        height, width = shape[2], shape[3]
        if isinstance(height, int) and isinstance(width, int):
            return Size(width, height)
        wanted = self._options.imgsz or 640
        return Size(*wanted) if isinstance(wanted, tuple) else Size(wanted, wanted)


def _load(path: Path, threads: int) -> Any:
    if not path.is_file():
        raise ModelError(f"there is no model file {path}; give the path of a YOLO11 .onnx")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.log_severity_level = 3
    # Threads spin between the operators of a run, which makes it a tenth faster, and not between runs, which would take the cores from others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_mem_pattern = False  # it holds 30 MB more of a YOLO11n, and is no faster with the arena
    _register_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above: no common base
        raise ModelError(
            f"{path} is not a readable ONNX model ({_first_line(error)}); export it again, or copy it again if it was cut"
        ) from error


@cache
def _register_arena() -> None:
    """The process's arena grows by what is asked for; by default it doubles, and an unlucky moment costs as much again as it holds."""
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg({"arena_extend_strategy": 1}))


def _names(session: Any, path: Path, outputs: list[Any]) -> tuple[str, ...]:
    """Class names from the metadata that Ultralytics writes; `class0`, `class1`, ... where a raw head tells only their number."""
    written = session.get_modelmeta().custom_metadata_map.get("names")
    if written:
        try:
            names = ast.literal_eval(written)
            pairs = names.items() if isinstance(names, dict) else enumerate(names)
            by_id = {int(key): str(value) for key, value in pairs}
            return tuple(by_id[i] for i in range(len(by_id)))
        except (ValueError, SyntaxError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: its class names cannot be read ({_first_line(error)}); export it again") from error
    shape = outputs[0].shape
    if len(shape) == 3 and isinstance(shape[1], int) and shape[1] > 4 and shape[2] != 6:
        return tuple(f"class{i}" for i in range(shape[1] - 4))
    raise ModelError(f"{path}: it carries no class names and its output {shape} is no YOLO detection head; export a YOLO11 detection model")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
