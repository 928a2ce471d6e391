"""Frames on the device, each uploaded once for all who work on it. What is done with them is the kernels'."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edge.backends.cuda.device import Device
from edge.backends.cuda.lent import Event, Memory, Pinned, Stream
from edge.data import U8, Frame, Size, Stamp

_DEPTH = 4
"""Frames of a camera that may be looked at again: one is worked on, two wait for it, one is in the network."""
_STAGES = 2
"""While one picture is copied to the device, the next is copied into page-locked memory."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame on the device: (H, W, 3) uint8, BGR, rows without gaps, at the beginning of `memory`."""

    memory: Memory
    size: Size


@dataclass(slots=True)
class _Slot:
    """Memory for one picture, what is in it, and when it may be overwritten."""

    uploaded: Event
    memory: Memory | None = None
    stamp: Stamp | None = None
    pixels: weakref.ref[U8] | None = None
    readers: dict[int, Event] = field(default_factory=dict)

    def holds(self, stamp: Stamp, bgr: U8) -> bool:
        # The stamp alone would do for a camera; the array too makes a wrong picture impossible where stamps are made up (tests, bare arrays).
        return self.stamp == stamp and self.pixels is not None and self.pixels() is bgr


@dataclass(slots=True)
class _Stage:
    copied: Event
    pinned: Pinned | None = None


class Uploads:
    """The newest frames of each camera on the device. Everything here happens inside of the device's jobs.

    Whoever looks at a frame that is there already costs nothing; one that has left costs another upload. A picture's pixels must not change
    while frames of its stamp are around.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stream = device.stream()
        self._stages = deque(_Stage(device.event()) for _ in range(_STAGES))
        self._cameras: dict[str, deque[_Slot]] = {}

    @contextmanager
    def of(self, frame: Frame, stream: Stream) -> Iterator[Picture]:
        """The frame's picture for work that is given to `stream` inside of the block; the picture stays as it is until that work is done."""
        bgr = frame.bgr
        slot = self._slot(frame.stamp, bgr)
        if slot is None:
            slot = self._upload(frame.stamp, bgr)
        assert slot.memory is not None
        stream.wait_for(slot.uploaded)
        try:
            yield Picture(slot.memory, Size(bgr.shape[1], bgr.shape[0]))
        finally:
            event = slot.readers.get(id(stream))
            if event is None:
                event = slot.readers[id(stream)] = self._device.event()
            event.record(stream)
