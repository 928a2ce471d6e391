"""Frames on the device, each uploaded once for all who work on it. What is done with them is the kernels'."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

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


@dataclass(slots=True, eq=False)
class _Slot:
    """Memory for one picture, what is in it, and when it may be overwritten."""

    uploaded: Event
    memory: Memory | None = None
    stamp: Stamp | None = None
    pixels: weakref.ref[U8] | None = None
    lent: int = 0
    readers: dict[Stream, Event] = field(default_factory=dict)

    def holds(self, stamp: Stamp, bgr: U8) -> bool:
        # The stamp alone would do for a camera; the array too makes a wrong picture impossible where stamps are made up (tests, bare arrays).
        return self.stamp == stamp and self.pixels is not None and self.pixels() is bgr


@dataclass(slots=True)
class _Stage:
    """Page-locked memory through which pictures go, and when the last one has left it."""

    left: Event
    pinned: Pinned | None = None


class Uploads:
    """The newest frames of each camera on the device. Everything here happens inside of the device's jobs.

    Whoever looks at a frame that is there already costs nothing; one that has left costs another upload. A frame's pixels must not change while
    the frame is in use.
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
        slots = self._cameras.setdefault(frame.stamp.camera, deque())
        slot = next((slot for slot in slots if slot.holds(frame.stamp, bgr)), None) or self._upload(slots, frame.stamp, bgr)
        assert slot.memory is not None  # _upload has seen to it
        stream.wait_for(slot.uploaded)
        slot.lent += 1
        try:
            yield Picture(slot.memory, Size(bgr.shape[1], bgr.shape[0]))
        finally:
            slot.lent -= 1
            if stream not in slot.readers:
                slot.readers[stream] = self._device.event()
            slot.readers[stream].record(stream)

    def close(self) -> None:
        """Give everything back, after the work that reads it."""
        self._stream.wait()
        for slots in self._cameras.values():
            for slot in slots:
                for lent in (slot.memory, slot.uploaded, *slot.readers.values()):
                    if lent is not None:
                        lent.close()
        self._cameras.clear()
        for stage in self._stages:
            if stage.pinned is not None:
                stage.pinned.close()
            stage.left.close()
        self._stream.close()

    def _upload(self, slots: deque[_Slot], stamp: Stamp, bgr: U8) -> _Slot:
        slot = self._free(slots)
        slot.stamp = None  # until all of it is there
        staged, stage = self._staged(bgr)
        slot.memory = self._device.at_least(slot.memory, bgr.nbytes)
        for reader in slot.readers.values():
            self._stream.wait_for(reader)
        for stream in [stream for stream in slot.readers if stream.closed]:  # readers come and go
            slot.readers.pop(stream).close()
        self._stream.upload(staged, slot.memory)
        slot.uploaded.record(self._stream)
        stage.left.record(self._stream)
        slot.stamp, slot.pixels = stamp, weakref.ref(bgr)
        return slot

    def _free(self, slots: deque[_Slot]) -> _Slot:
        """The slot that was filled first and is nobody's now, moved to the end; a new one while there are few, or where all are somebody's."""
        slot = next((slot for slot in slots if not slot.lent), None) if len(slots) >= _DEPTH else None
        if slot is None:
            slot = _Slot(self._device.event())
        else:
            slots.remove(slot)
        slots.append(slot)
        return slot

    def _staged(self, bgr: U8) -> tuple[U8, _Stage]:
        """The picture copied into page-locked memory, rows without gaps; the GPU copies on from there while the next one comes."""
        stage = self._stages[0]
        self._stages.rotate()
        stage.left.wait()
        if stage.pinned is None or stage.pinned.array.nbytes < bgr.nbytes:
            if stage.pinned is not None:
                stage.pinned.close()
            stage.pinned = None
            stage.pinned = self._device.pinned((bgr.nbytes,))
        staged: U8 = stage.pinned.array[: bgr.nbytes].reshape(bgr.shape)
        np.copyto(staged, bgr)
        return staged, stage
