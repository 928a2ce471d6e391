"""A YOLO network run on the CPU. Letterbox geometry and the head are read by `edge.detect`, the file is run by `network`; no painting here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.backends.cpu.network import Network, first_line
from edge.data import F32, U8, Detections, Frame, Size
from edge.detect import DetectOptions, Letterbox, class_ids, head_layout, read_head
from edge.detect.letterbox import GREY
from edge.detect.names import read_names
from edge.errors import ModelError


class OnnxDetector:
    """ports.Detector over an ONNX file exported from YOLO11 (or another YOLO with one of the two known heads)."""

    def __init__(self, model: Path, options: DetectOptions, *, class_names: Sequence[str] = ()) -> None:
        """Reads only the file's facts' location; the network is loaded on entering. `class_names` (wanted classes) empty means all."""
        self._path = Path(model)
        self._options = options
        self._wanted = tuple(class_names)
        self._network: Network | None = None

    def __enter__(self) -> OnnxDetector:
        network = Network(self._path, self._options.threads)
        shape = network.input_shape
        if network.inputs != 1 or len(shape) != 4 or shape[1] != 3:
            raise ModelError(f"{self._path}: the input {_said(shape)} is no picture; a YOLO detection model takes one input of ?x3xHxW")
        try:
            self.names = read_names(network.metadata.get("names"), network.output_shape)
            self._layout = head_layout(network.output_shape, len(self.names))
        except ModelError as error:
            raise ModelError(f"{self._path}: {error}") from None
        self._size = self._network_size(shape)
        self._all_rows = shape[0] is not None
        self.batch = shape[0] or 8
        self._class_ids = class_ids(self._wanted, self.names, str(self._path))
        self._canvas = np.full((self._size.height, self._size.width, 3), GREY, np.uint8)
        self._tensor = np.empty((shape[0] or 1, 3, self._size.height, self._size.width), np.float32)
        self._network = network
        return self

    def __exit__(self, *_: object) -> None:
        self._network = None

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame, boxes in the frame's own pixels."""
        found: list[Detections] = []
        for start in range(0, len(frames), self.batch):
            found += self._run(frames[start : start + self.batch])
        return found

    def _run(self, frames: Sequence[Frame]) -> list[Detections]:
        assert self._network is not None
        if self._tensor.shape[0] < len(frames):
            self._tensor = np.empty((len(frames), *self._tensor.shape[1:]), np.float32)
        boxes = [Letterbox.fit(frame.stamp.size, self._size) for frame in frames]
        for row, (frame, letterbox) in enumerate(zip(frames, boxes, strict=True)):
            self._fill(self._tensor[row], frame.bgr, letterbox)
        # A network of fixed batch gets all its rows, whatever the unused ones still hold.
        tensor = self._tensor if self._all_rows else self._tensor[: len(frames)]
        try:
            output = self._network.run(tensor.astype(np.float16) if self._network.half else tensor)
        except Exception as error:  # ONNX Runtime raises classes of its C++ side that share no public base
            raise ModelError(f"{self._path}: the network failed on a picture of {frames[0].stamp.size}: {first_line(error)}") from error
        detections = []
        for row, letterbox in enumerate(boxes):
            seen = read_head(np.asarray(output[row], np.float32), self._layout, self._options, self._class_ids)
            detections.append(Detections(letterbox.to_picture(seen.xyxy), seen.score, seen.class_id))
        return detections

    def _fill(self, tensor: F32, bgr: U8, box: Letterbox) -> None:
        """Letterbox `bgr` into `tensor` (3, H, W), RGB in 0..1."""
        canvas = self._canvas
        inner = canvas[box.top : box.top + box.inner.height, box.left : box.left + box.inner.width]
        if box.inner != self._size:
            canvas[:] = GREY
        if box.inner == box.picture:
            inner[:] = bgr
        else:
            cv2.resize(bgr, (box.inner.width, box.inner.height), dst=inner, interpolation=cv2.INTER_LINEAR)
        for channel, plane in enumerate(cv2.split(canvas)):
            np.multiply(plane, np.float32(1 / 255), out=tensor[2 - channel])

    def _network_size(self, shape: tuple[int | None, ...]) -> Size:
        height, width = shape[2:]
        if height is not None and width is not None:
            return Size(width, height)
        wanted = self._options.imgsz or 640
        return Size(*wanted) if isinstance(wanted, tuple) else Size(wanted, wanted)


def _said(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if side is None else str(side) for side in shape)
