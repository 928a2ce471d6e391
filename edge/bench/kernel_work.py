"""What the kernels are given to do when they are timed: memory full of noise, the launches, and the bytes they cannot do without. No clock is here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.backends.cuda.gpu import Gpu
from edge.backends.cuda.heat import taps
from edge.backends.cuda.kernels import Kernels, blocks
from edge.backends.cuda.lent import Memory, Pinned, Stream
from edge.backends.cuda.letterbox import BLOCK, PICTURE, describe
from edge.backends.cuda.painter import is_wide, places_of, words_of
from edge.data import Size
from edge.detect import Letterbox
from edge.heat import grid_size

NETWORK = Size(640, 640)
_CLASSES, _ANCHORS, _ROWS = 80, 8400, 300
_CELL, _BLUR_PX, _POINTS = 8, 16.0, 300


@dataclass(frozen=True, slots=True)
class Work:
    """Something that can be given to the stream again and again. `nbytes`: each input read once, each output written once."""

    name: str
    nbytes: int
    give: Callable[[], None]


def single_work(stack: ExitStack, gpu: Gpu, stream: Stream, size: Size) -> list[Work]:
    """Each kernel at one picture; its memory is the stack's."""
    desk = _Desk(stack, gpu, stream)
    return [
        *(desk.letterbox(size, 1, half=half) for half in (False, True)),
        *(desk.head(1, half=half) for half in (False, True)),
        desk.head_end(1),
        desk.warm(size),
        desk.blur(grid_size(size, _CELL)),
        desk.tint(size),
        desk.paint(size, 1, cold=False),
        desk.paint(size, 1, cold=True),
    ]


def wide_work(gpu: Gpu, stream: Stream, size: Size, batch: int) -> Iterator[Callable[[ExitStack], Work]]:
    """Each memory-bound kernel at `batch` pictures; one after the other, so that only one's memory is taken."""

    def made(make: Callable[[_Desk], Work]) -> Callable[[ExitStack], Work]:
        return lambda stack: make(_Desk(stack, gpu, stream))

    yield made(lambda desk: desk.letterbox(size, batch, half=False))
    yield made(lambda desk: desk.letterbox(size, batch, half=True))
    yield made(lambda desk: desk.head(4 * batch, half=False))
    yield made(lambda desk: desk.head(4 * batch, half=True))
    yield made(lambda desk: desk.blur(Size(size.width // 2, size.height // 2 * batch)))
    yield made(lambda desk: desk.paint(size, batch, cold=False))
    yield made(lambda desk: desk.paint(size, batch, cold=True))


def frame_work(stack: ExitStack, gpu: Gpu, stream: Stream, size: Size, batch: int) -> dict[str, Work]:
    """What a frame of each of `batch` cameras costs: all kernels of a frame with a redraw, those of one without, and the copies."""
    desk = _Desk(stack, gpu, stream)
    detect = [desk.letterbox(size, batch, half=True), desk.head(batch, half=True)]
    redraw = [desk.warm(size), desk.blur(grid_size(size, _CELL)), desk.tint(size)]
    paint = desk.paint(size, 1, cold=False)

    return {
        "us": _in_a_row("frame", [*detect, *[paint] * batch]),
        "redraw_us": _in_a_row("redraw", redraw * batch),
        "upload_us": desk.copy(size, batch, up=True),
        "download_us": desk.copy(size, batch, up=False),
    }


def _in_a_row(name: str, parts: list[Work]) -> Work:
    def give() -> None:
        for part in parts:
            part.give()

    return Work(name, sum(part.nbytes for part in parts), give)


class _Desk:
    """Lends memory and makes work of it."""

    def __init__(self, stack: ExitStack, gpu: Gpu, stream: Stream) -> None:
        self._stack, self._device, self._stream = stack, gpu.device, stream
        names = ("letterbox", "head", "heat", "paint")
        self._kernels = {name: stack.enter_context(Kernels.load(gpu.device, f"{name}.cu", gpu.kernels)) for name in names}
        self._random = np.random.default_rng(0)

    def letterbox(self, size: Size, batch: int, *, half: bool) -> Work:
        pictures = self._noise(3 * size.width * size.height * batch)
        tensor = self._memory((2 if half else 4) * 3 * NETWORK.width * NETWORK.height * batch)
        box = Letterbox.fit(size, NETWORK)
        table = np.zeros(batch, PICTURE)
        for number in range(batch):
            describe(table[number : number + 1], pictures.address + number * 3 * size.width * size.height, box)
        described = self._filled(table)
        name = "letterbox_f16" if half else "letterbox_f32"
        kernel, grid = self._kernels["letterbox"][name], blocks((*NETWORK, batch), BLOCK[:2])
        rows = min(size.height, 2 * box.inner.height)  # shrinking, it skips rows
        nbytes = 3 * size.width * rows * batch + tensor.nbytes
        return Work(name, nbytes, lambda: kernel.launch(self._stream, grid, BLOCK, tensor, described, *NETWORK))

    def head(self, batch: int, *, half: bool) -> Work:
        """A network that saw thirty things in each picture."""
        output = self._random.uniform(0, 0.09, (4 + _CLASSES, _ANCHORS)).astype(np.float16 if half else np.float32)
        output[4:, self._random.choice(_ANCHORS, 30, replace=False)] = 0.8
        outputs = self._filled(output, times=batch)
        found = self._memory(32 * (1 + _ANCHORS * batch))
        name = "head_raw_f16" if half else "head_raw_f32"
        kernel, grid = self._kernels["head"][name], (-(-_ANCHORS // 32), batch, 1)
        arguments = (found, outputs, _CLASSES, _ANCHORS, 0.1, 0, _ANCHORS * batch)

        def give() -> None:
            self._stream.clear(found)
            kernel.launch(self._stream, grid, (32, 8, 1), *arguments)

        return Work(name, outputs.nbytes, give)

    def head_end(self, batch: int) -> Work:
        outputs = self._filled(self._random.uniform(0, 1, (_ROWS, 6)).astype(np.float32), times=batch)
        found = self._memory(32 * (1 + _ROWS * batch))
        kernel = self._kernels["head"]["head_end_f32"]
        arguments = (found, outputs, _CLASSES, _ROWS, 0.1, 0, _ROWS * batch)

        def give() -> None:
            self._stream.clear(found)
            kernel.launch(self._stream, (-(-_ROWS // 128), batch, 1), (128, 1, 1), *arguments)

        return Work("head_end_f32", outputs.nbytes, give)

    def warm(self, size: Size) -> Work:
        cells = grid_size(size, _CELL).width * grid_size(size, _CELL).height
        grid = self._memory(8 * cells)
        cell = self._filled(self._random.integers(0, cells, _POINTS).astype(np.int32))
        us = self._filled(self._random.integers(0, 33_333, _POINTS).astype(np.uint64))
        kernel = self._kernels["heat"]["warm"]
        launch = (blocks((_POINTS,), (128,)), (128, 1, 1))
        return Work("warm", 20 * _POINTS, lambda: kernel.launch(self._stream, *launch, grid, cell, us, _POINTS))

    def blur(self, cells: Size) -> Work:
        """Both passes, with the usual Gaussian of two cells."""
        columns, rows = cells
        grid = self._noise(8 * columns * rows)
        turned, seconds = self._memory(4 * columns * rows), self._memory(4 * columns * rows)
        weights = taps(_BLUR_PX / _CELL, cells)
        there, radius = self._filled(weights), len(weights) // 2
        down, across = self._kernels["heat"]["blur_grid"], self._kernels["heat"]["blur_turned"]

        def give() -> None:
            block = (32, 8, 1)
            down.launch(self._stream, blocks(cells, (32, 32)), block, turned, grid, 1e-20, rows, columns, there, radius)
            across.launch(self._stream, blocks((rows, columns), (32, 32)), block, seconds, turned, columns, rows, there, radius)

        return Work("blur", 20 * columns * rows, give)

    def tint(self, size: Size) -> Work:
        _, words, places = places_of(_CELL, size, size)
        columns, rows = grid_size(size, _CELL)
        seconds = self._filled(self._random.random((rows, columns)).astype(np.float32))
        colours = self._filled(words_of("jet"))
        tint = self._memory(4 * words.width * words.height)
        kernel, grid = self._kernels["paint"]["tint_of"], blocks(words, (32, 8))
        arguments = (tint, *words, seconds, rows, columns, *places, 1.0, 0.6, colours)
        nbytes = 4 * (rows * columns + words.width * words.height)
        return Work("tint", nbytes, lambda: kernel.launch(self._stream, grid, (32, 8, 1), *arguments))

    def paint(self, size: Size, batch: int, *, cold: bool) -> Work:
        """One tall picture for a batch: warm everywhere, which is the dearest, or nowhere."""
        width, height = size.width, size.height * batch
        times, words, _ = places_of(_CELL, Size(width, height), Size(width, height))
        source, target = self._noise(3 * width * height), self._memory(3 * width * height)
        line = np.full((words.height, words.width), 0xFF000000, np.uint32)
        if not cold:
            line[:] = self._random.integers(0, 0x50, (1, words.width)) * 0x010101 + (0x66 << 24)
        tint = self._filled(line)
        wide = is_wide(width, times)
        kernel, threads = self._kernels["paint"]["paint_wide" if wide else "paint_any"], width * height // (16 if wide else 1)
        arguments = (target, source, width, height, tint, *words, times)
        give = lambda: kernel.launch(self._stream, blocks((threads,), (128,)), (128, 1, 1), *arguments)  # noqa: E731
        return Work("paint_cold" if cold else "paint", 6 * width * height + tint.nbytes, give)

    def copy(self, size: Size, batch: int, *, up: bool) -> Work:
        """Pictures from or to page-locked memory."""
        there = self._memory(3 * size.width * size.height)
        here: Pinned = self._stack.enter_context(self._device.pinned((there.nbytes,)))

        def give() -> None:
            for _ in range(batch):
                self._stream.upload(here.array, there) if up else self._stream.download(there, here.array)

        return Work("upload" if up else "download", there.nbytes * batch, give)

    def _memory(self, nbytes: int) -> Memory:
        memory: Memory = self._stack.enter_context(self._device.memory(nbytes))
        return memory

    def _filled(self, array: NDArray[np.generic], *, times: int = 1) -> Memory:
        """`array` on the GPU, so many times."""
        whole = np.ascontiguousarray(np.broadcast_to(array, (times, *array.shape)))
        memory = self._memory(whole.nbytes)
        self._stream.upload(whole, memory)
        self._stream.wait()
        return memory

    def _noise(self, nbytes: int) -> Memory:
        """Bytes of no pattern: zeros can be faster than life."""
        return self._filled(np.resize(self._random.integers(0, 256, min(nbytes, 1 << 20), dtype=np.uint8), nbytes))
