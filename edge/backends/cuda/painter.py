"""The painter of a camera on the GPU: heat over the frame there, shapes on the host after the download. What presence becomes heat is `heat`'s."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import numpy as np
from numpy.typing import NDArray

from edge.backends.cuda.gpu import Gpu
from edge.backends.cuda.heat import CudaHeat
from edge.backends.cuda.kernels import Kernels, blocks
from edge.backends.cuda.lent import Memory, Pinned
from edge.backends.pen import draw_shapes
from edge.data import U8, Frame, Size, Stamp, Warmth
from edge.errors import DeviceError
from edge.heat import HeatOptions, Scale, colormap_number, colormap_table
from edge.shapes import Overlay

_COARSEST = 4
"""Colour and opacity are worked out for every so many pixels at most, as on the CPU."""
_NOTHING = np.zeros((1, 1), np.float32)


class CudaPainter:
    """ports.Painter of one camera, the CPU's twin: the same picture, made on the GPU.

    The tint (colour and opacity) is redrawn every `redraw_s` of frame time; in between, a frame costs one upload, which the detector's frame
    has had already, one kernel, one download. The scale needs the whole blurred grid: it comes to the host once a redraw, tens of kilobytes, and
    is ranked on the camera's own thread while the GPU's is free for others. With a fixed scale it never comes.
    """

    def __init__(self, gpu: Gpu, options: HeatOptions, reference: Size, *, show_heat: bool = True, redraw_s: float = 0.25) -> None:
        """Takes nothing of the GPU yet; that is the first heat's."""
        self._gpu, self._options = gpu, options
        self._heat = CudaHeat(gpu, options, reference) if show_heat else None
        self._scale = Scale(fixed_s=options.top_s)
        self._every_ns = round(redraw_s * 1e9)
        self._drawn: tuple[int, Size] | None = None
        self._warm = self._opened = False
        self._tint: Memory | None = None
        self._picture: Memory | None = None
        self._pinned: Pinned | None = None
        self._stack = ExitStack()

    def __enter__(self) -> CudaPainter:
        return self

    def __exit__(self, *_: object) -> None:
        # A GPU that is lost refuses every job, also this one; it takes back all when it is closed itself.
        with suppress(DeviceError):
            self._gpu.device.run(self._close)

    def warm(self, stamp: Stamp, warmth: Warmth) -> None:
        if self._heat is not None:
            self._heat.warm(stamp.t_ns, warmth)

    def paint(self, frame: Frame, overlay: Overlay) -> U8:
        """The frame with live heat and the overlay's shapes on it, (H, W, 3) BGR; the frame's own pixels stay untouched."""
        if self._heat is not None:
            self._redraw_if_due(self._heat, frame.stamp, overlay.reference)
        if not self._warm:
            return draw_shapes(frame.bgr.copy(), overlay)
        # Two jobs, so that another camera's work can be given to the GPU while this picture is painted.
        run = self._gpu.device.run
        run(lambda: self._enqueue(frame))
        run(self._done.wait)
        assert self._pinned is not None
        # A copy: a picture may outlive the painter, page-locked memory must not.
        picture: U8 = self._pinned.array.copy()
        return draw_shapes(picture, overlay)

    def _redraw_if_due(self, heat: CudaHeat, stamp: Stamp, reference: Size) -> None:
        if self._drawn is not None and 0 <= stamp.t_ns - self._drawn[0] < self._every_ns and stamp.size == self._drawn[1]:
            return
        self._drawn = stamp.t_ns, stamp.size
        seconds = _NOTHING
        if not heat.cold and self._options.top_s is None:
            self._gpu.device.run(lambda: self._fetch(heat, stamp.t_ns))
            self._gpu.device.run(self._done.wait)
            seconds = self._seconds.array
        top = self._scale.follow(seconds, stamp.t_ns)
        if not heat.cold:
            self._gpu.device.run(lambda: self._draw(heat, stamp, reference, top))
            self._warm = True

    # Jobs of the device

    def _fetch(self, heat: CudaHeat, t_ns: int) -> None:
        """The blurred grid begins its way to the host."""
        self._open(heat)
        heat.blur(t_ns)
        heat.stream.download(heat.seconds, self._seconds.array)
        self._done.record(heat.stream)

    def _draw(self, heat: CudaHeat, stamp: Stamp, reference: Size, top: float) -> None:
        """The tint of this moment, for pictures of this size."""
        self._open(heat)
        if self._options.top_s is not None:
            heat.blur(stamp.t_ns)
        self._times, self._tint_size, places = places_of(self._options.cell, stamp.size, reference)
        width, height = self._tint_size
        tint = self._tint = self._gpu.device.at_least(self._tint, 4 * width * height)
        self._kernels["tint_of"].launch(
            heat.stream,
            blocks((width, height), (32, 8)),
            (32, 8, 1),
            tint,
            width,
            height,
            heat.seconds,
            *heat.shape,
            *places,
            top,
            self._options.alpha,
            self._colours,
        )

    def _enqueue(self, frame: Frame) -> None:
        """Heat over the frame, and its way to the host."""
        assert self._heat is not None
        assert self._tint is not None
        device, stream = self._gpu.device, self._heat.stream
        size = frame.stamp.size
        nbytes = 3 * size.width * size.height
        if self._pinned is None or self._pinned.array.shape != (size.height, size.width, 3):
            if self._pinned is not None:
                self._pinned.close()
            self._pinned = device.pinned((size.height, size.width, 3))
        wide = is_wide(size.width, self._times)
        threads = size.width * size.height // (16 if wide else 1)
        kernel = self._kernels["paint_wide" if wide else "paint_any"]
        # A Jetson's GPU writes where the CPU reads; another one's memory is its own.
        to = self._pinned if device.facts.integrated else device.at_least(self._picture, nbytes)
        with self._gpu.uploads.of(frame, stream) as picture:
            arguments = (to, picture.memory, *size, self._tint, *self._tint_size, self._times)
            kernel.launch(stream, blocks((threads,), (128,)), (128, 1, 1), *arguments)
        if isinstance(to, Memory):
            self._picture = to
            stream.download(to, self._pinned.array)
        self._done.record(stream)

    def _open(self, heat: CudaHeat) -> None:
        """Take what is needed of the GPU, once."""
        if self._opened:
            return
        heat.open()
        device = self._gpu.device
        with ExitStack() as stack:
            self._kernels = stack.enter_context(Kernels.load(device, "paint.cu", self._gpu.kernels))
            self._done = stack.enter_context(device.event())
            self._seconds = stack.enter_context(device.pinned(heat.shape, np.float32))
            self._colours = stack.enter_context(device.memory(4 * 256))
            heat.stream.upload(words_of(self._options.colormap), self._colours)
            self._stack = stack.pop_all()
            self._opened = True

    def _close(self) -> None:
        for lent in (self._pinned, self._picture, self._tint):
            if lent is not None:
                lent.close()
        self._stack.close()
        if self._heat is not None:
            self._heat.close()


def places_of(cell: int, picture: Size, reference: Size) -> tuple[int, Size, tuple[float, float, float, float]]:
    """How many pixels a side a word of tint is for, how many words there are, and where in the grid their middles lie.

    The places are `step_x, shift_x, step_y, shift_y` in cells: word x is at ``step_x * x + shift_x``.
    """
    cell_px = cell * min(picture.width / reference.width, picture.height / reference.height)
    times = int(min(max(cell_px / 2, 1), _COARSEST))
    step_x, step_y = (times * there / here / cell for there, here in zip(reference, picture, strict=True))
    words = Size(-(-picture.width // times), -(-picture.height // times))
    return times, words, (step_x, step_x / 2 - 0.5, step_y, step_y / 2 - 0.5)


def is_wide(width: int, times: int) -> bool:
    """Whether `paint_wide` can paint a picture of this width; `paint_any` can any."""
    return width % 16 == 0 and times in (1, 2, 4)


def words_of(colormap: str | int) -> NDArray[np.uint32]:
    """A colour map as (256,) words, blue in the lowest byte."""
    table = colormap_table()[colormap_number(colormap)].astype(np.uint32)
    words: NDArray[np.uint32] = table @ np.array([1, 1 << 8, 1 << 16], np.uint32)
    return words
