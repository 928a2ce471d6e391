"""A YOLO network on the GPU: letterbox, TensorRT, the head's filter, one small download. Boxes that overlap are resolved by `edge.detect`, as on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.backends.cuda.gpu import Gpu
from edge.backends.cuda.graph import Replayed
from edge.backends.cuda.kernels import Kernels, blocks
from edge.backends.cuda.letterbox import BLOCK, PICTURE, describe
from edge.backends.cuda.network import Network
from edge.backends.plan import Plan
from edge.data import Detections, Frame, Size
from edge.detect import Candidates, DetectOptions, Letterbox, best_of, class_ids, head_layout
from edge.detect.names import read_names
from edge.errors import DeviceError, ModelError

_FOUND = np.dtype([("xyxy", "<f4", 4), ("score", "<f4"), ("class_id", "<i4"), ("row", "<i4"), ("image", "<i4")])
"""One box as head.cu writes it; the first record of a list is its header, which begins with how many there are."""
_FIRST = 1024
"""Records of the first download, header included: 32 KB, more than all boxes of a crowded batch. What goes beyond comes by a second one."""


class TensorRtDetector:
    """ports.Detector over a TensorRT engine: one upload a frame, kilobytes back."""

    def __init__(self, gpu: Gpu, plan: Plan, options: DetectOptions, *, class_names: Sequence[str] = ()) -> None:
        """Takes nothing of the GPU yet; that is entering's. `class_names` (wanted classes) empty means all."""
        self._gpu, self._plan, self._options = gpu, plan, options
        self._wanted = tuple(class_names)
        self._stack = ExitStack()

    def __enter__(self) -> TensorRtDetector:
        self._gpu.device.run(self._open)
        return self

    def __exit__(self, *_: object) -> None:
        # A GPU that is lost refuses every job, also this one; it takes back all when it is closed itself.
        with suppress(DeviceError):
            self._gpu.device.run(self._stack.close)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame, boxes in the frame's own pixels."""
        found: list[Detections] = []
        for start in range(0, len(frames), self.batch):
            found += self._detect(frames[start : start + self.batch])
        return found

    def _detect(self, frames: Sequence[Frame]) -> list[Detections]:
        boxes = [Letterbox.fit(frame.stamp.size, self._size) for frame in frames]
        # Two jobs, so that a picture can be painted while the network runs.
        self._gpu.device.run(lambda: self._enqueue(frames, boxes))
        found = self._gpu.device.run(self._collect)
        found = found[np.lexsort((found["row"], found["image"]))]  # the GPU's order is the scheduler's
        detections = []
        for number, letterbox in enumerate(boxes):
            mine = found[found["image"] == number]
            seen = best_of(Candidates(mine["xyxy"], mine["score"], mine["class_id"].astype(np.intp)), self._layout, self._options)
            detections.append(Detections(letterbox.to_picture(seen.xyxy), seen.score, seen.class_id))
        return detections

    # Jobs of the device

    def _open(self) -> None:
        device = self._gpu.device
        with ExitStack() as stack:
            network = self._network = stack.enter_context(Network(device, self._plan))
            self._read_shapes(network)
            self._stream = stack.enter_context(device.stream())
            self._done = stack.enter_context(device.event())
            self._letterbox = stack.enter_context(Kernels.load(device, "letterbox.cu", self._gpu.kernels))
            self._head = stack.enter_context(Kernels.load(device, "head.cu", self._gpu.kernels))
            self._letterbox_name = f"letterbox_{_suffix(network.input.dtype)}"
            self._head_name = f"head_{'raw' if self._layout == 'raw' else 'end'}_{_suffix(network.outputs[0].dtype)}"
            self._wanted_bits = stack.enter_context(device.memory(4 * (1 + len(self.names) // 32)))
            bits = np.zeros(1 + len(self.names) // 32, np.uint32)
            for number in self._class_ids or ():
                bits[number // 32] |= np.uint32(1 << number % 32)
            self._stream.upload(bits, self._wanted_bits)
            self._table = stack.enter_context(device.memory(self.batch * PICTURE.itemsize))
            self._table_host = stack.enter_context(device.pinned((self.batch,), PICTURE))
            self._capacity = self.batch * self._rows
            self._found = stack.enter_context(device.memory((1 + self._capacity) * _FOUND.itemsize))
            self._found_host = stack.enter_context(device.pinned((min(_FIRST, 1 + self._capacity),), _FOUND))
            self._work = stack.enter_context(Replayed(device, self._stream, self._launch, recording=self._options.cuda_graph))
            self._stream.wait()
            self._count, self._changed = 0, True
            self._stack = stack.pop_all()

    def _read_shapes(self, network: Network) -> None:
        source, output = network.input, network.outputs[0]
        if len(source.most) != 4 or source.most[1] != 3:
            raise ModelError(f"{network.name}: the input {source.most} is no picture; a YOLO detection model takes one input of ?x3xHxW")
        self.batch = source.most[0]
        self._least_batch = source.least[0]
        self._size = Size(source.best[3], source.best[2])
        if source.least[2:] != source.most[2:] and self._options.imgsz is not None:
            wanted = self._options.imgsz
            self._size = Size(*wanted) if isinstance(wanted, tuple) else Size(wanted, wanted)
        network.fit((self.batch, 3, self._size.height, self._size.width))  # with the most memory that it will ever need
        shape = network.shape_of(output)
        try:
            self.names = self._plan.class_names or read_names(None, shape)
            self._layout = head_layout((None, *shape[1:]), len(self.names))
        except ModelError as error:
            raise ModelError(f"{network.name}: {error}") from None
        self._rows = shape[2] if self._layout == "raw" else shape[1]
        self._class_ids = class_ids(self._wanted, self.names, network.name)

    def _enqueue(self, frames: Sequence[Frame], boxes: Sequence[Letterbox]) -> None:
        """Give a batch to the stream, up to the download of the first boxes."""
        network, stream = self._network, self._stream
        # Remembered until the work was given: a batch that fails before must not leave an old recording for the next.
        self._changed |= network.fit((max(len(frames), self._least_batch), 3, self._size.height, self._size.width))
        self._changed |= len(frames) != self._count
        self._count = len(frames)
        with ExitStack() as readers:
            pictures = [readers.enter_context(self._gpu.uploads.of(frame, stream)) for frame in frames]
            for row, picture, box in zip(self._table_host.array, pictures, boxes, strict=False):  # a row for each of the most
                if picture.size != box.picture:
                    raise ValueError(f"a frame is stamped {box.picture} and its picture is {picture.size}")
                describe(row, picture.memory.address, box)
            stream.upload(self._table_host.array, self._table)
            self._work.run(changed=self._changed)
            self._changed = False
        stream.download(self._found, self._found_host.array)
        self._done.record(stream)

    def _launch(self) -> None:
        """Everything between the upload of a batch's pictures and the download of its boxes; nothing here depends on which pictures they are."""
        network, stream, width, height = self._network, self._stream, *self._size
        tensor = network.memory_of(network.input)
        grid = blocks((width, height, self._count), BLOCK[:2])
        self._letterbox[self._letterbox_name].launch(stream, grid, BLOCK, tensor, self._table, width, height)
        network.enqueue(stream)
        stream.clear(self._found, _FOUND.itemsize)  # the header counts from nothing
        output = network.memory_of(network.outputs[0])
        block = (32, 8, 1) if self._layout == "raw" else (128, 1, 1)
        grid = (*blocks((self._rows,), block[:1])[:1], self._count, 1)
        wanted = 0 if self._class_ids is None else self._wanted_bits
        self._head[self._head_name].launch(
            stream, grid, block, self._found, output, len(self.names), self._rows, self._options.conf, wanted, self._capacity
        )

    def _collect(self) -> NDArray[Any]:
        """The boxes of the batch, in the GPU's order."""
        self._done.wait()
        count = int(self._found_host.array[:1].view(np.int32)[0])
        if count < len(self._found_host.array):
            first: NDArray[Any] = self._found_host.array[1 : 1 + count].copy()
            return first
        every = np.empty(1 + count, _FOUND)
        self._stream.download(self._found, every)
        self._stream.wait()
        return every[1:]


def _suffix(dtype: np.dtype[Any]) -> str:
    return "f16" if dtype == np.float16 else "f32"
