"""A YOLO network run on the CPU. Letterbox geometry and the head are read by `edge.detect`, the file is run by `network`; no painting here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.backends.cpu.network import Network
from edge.data import F32, U8, Detections, Frame, Size
from edge.detect import DetectOptions, Letterbox, class_ids, head_layout, least_network, read_head
from edge.detect.letterbox import GREY
from edge.detect.names import read_names
from edge.errors import ModelError, first_line

log = logging.getLogger(__name__)

_WHOLE = Size(640, 640)
"""What a network of free size looks at: as much as YOLO11 was trained on."""

ModelFor = Callable[[Path, Size], Path]
"""The same network as an ONNX for smaller pictures: another file. ModelError says why it cannot be had."""


class OnnxDetector:
    """ports.Detector over an ONNX file exported from YOLO11 (or another YOLO with one of the two known heads).

    A network takes time for the grey round a picture as for the picture itself. So it is run on no more than what the pictures that come need:
    of a square for cameras of 16:9 on three fifths. When a camera of another shape appears, on as much as both need.
    """

    _size: Size
    """What the network looks at now."""
    _canvas: U8
    _last: Letterbox | None
    """How the picture lies that was put into the canvas last."""
    _planes: U8
    _tensor: F32

    def __init__(self, model: Path, options: DetectOptions, *, class_names: Sequence[str] = (), model_for: ModelFor | None = None) -> None:
        """Reads only the file's facts' location; the network is loaded on entering. `class_names` (wanted classes) empty means all.

        `model_for` gives other sizes of a network that was exported for one; without it that one is used.
        """
        self._path = Path(model)
        self._options = options
        self._wanted = tuple(class_names)
        self._model_for = model_for
        self._network: Network | None = None
        self._pictures: frozenset[Size] = frozenset()

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
        self._all_rows = shape[0] is not None
        self.batch = shape[0] or 8
        self._class_ids = class_ids(self._wanted, self.names, str(self._path))
        self._own = None if shape[2] is None or shape[3] is None else Size(shape[3], shape[2])
        self._network = network
        wanted = self._options.imgsz
        self._most = self._own or _WHOLE
        self._take(self._most)
        if isinstance(wanted, tuple):
            self._become(Size(*wanted))
        elif wanted is not None:
            self._most = Size(wanted, wanted) if self._own is None else Size(min(wanted, self._own.width), min(wanted, self._own.height))
        return self

    def __exit__(self, *_: object) -> None:
        self._network = None

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame, boxes in the frame's own pixels."""
        if not isinstance(self._options.imgsz, tuple):
            self._suit({frame.stamp.size for frame in frames})
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
            raise ModelError(
                f"{self._path}: the network failed on a picture of {frames[0].stamp.size}: {first_line(error)[:200]}"
            ) from error
        detections = []
        for row, letterbox in enumerate(boxes):
            seen = read_head(np.asarray(output[row], np.float32), self._layout, self._options, self._class_ids)
            detections.append(Detections(letterbox.to_picture(seen.xyxy), seen.score, seen.class_id))
        return detections

    def _fill(self, tensor: F32, bgr: U8, box: Letterbox) -> None:
        """Letterbox `bgr` into `tensor` (3, H, W), RGB in 0..1."""
        canvas = self._canvas
        inner = canvas[box.top : box.top + box.inner.height, box.left : box.left + box.inner.width]
        if box != self._last:
            canvas[:] = GREY
            self._last = box
        if box.inner == box.picture:
            inner[:] = bgr
        else:
            cv2.resize(bgr, (box.inner.width, box.inner.height), dst=inner, interpolation=cv2.INTER_LINEAR)
        cv2.split(canvas, list(self._planes))
        np.multiply(self._planes[::-1], np.float32(1 / 255), out=tensor)

    def _suit(self, pictures: set[Size]) -> None:
        """Be of the size that these pictures need, and those that came before."""
        if pictures <= self._pictures:
            return
        self._pictures |= pictures
        if self._own is not None and self._model_for is None:
            return
        try:
            self._become(least_network(self._pictures, self._most))
        except ModelError as error:
            log.warning("the whole of a picture of %s is looked at, whatever it holds: %s", self._own, error)
            self._model_for = None
            if self._own is not None and (self._network is None or self._size != self._own):
                self._network = Network(self._path, self._options.threads)
                self._take(self._own)

    def _become(self, size: Size) -> None:
        """Look at pictures of `size` from now on. ModelError where this network cannot."""
        if size == self._size:
            return
        if self._own is not None:
            if self._model_for is None:
                raise ModelError(f"{self._path} takes pictures of {self._own} only, and imgsz is {size}; leave it out")
            path = self._path if size == self._own else self._model_for(self._path, size)
            self._network = None  # its memory first
            self._network = Network(path, self._options.threads)
        log.info("%s looks at pictures as %s", self._path.name, size)
        self._take(size)

    def _take(self, size: Size) -> None:
        rows = self.batch if self._all_rows else 1
        self._size = size
        self._canvas = np.empty((size.height, size.width, 3), np.uint8)
        self._last = None
        self._planes = np.empty((3, size.height, size.width), np.uint8)
        self._tensor = np.empty((rows, 3, size.height, size.width), np.float32)


def _said(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if side is None else str(side) for side in shape)
