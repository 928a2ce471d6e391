"""One file of H.264 in fragmented MP4, by PyAV. Encoding is an `Encoder`'s; when a file begins and ends, and which may stay, is `recorder`'s.

A fragment is written whole every half second, and whenever a key frame begins the next: a process that is killed loses the part of a second it
was in, and the rest plays. Where the disk refuses a part of a fragment, the file is cut back to the whole ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

import av
from av.container import OutputContainer

from edge.data import U8, Size
from edge.sinks.recorder_fragments import whole_part

TICKS = 90_000
"""A second, the usual time base of video."""
_SECOND_NS = 1_000_000_000
_FORMAT = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000", "flush_packets": "1"}


class Encoder(Protocol):
    """Pictures of one even size become packets of the container that it was made for: one a picture, in their order, sooner or later."""

    @property
    def codec(self) -> str:
        """Who encodes, as the index tells it."""

    def encode(self, picture: U8, ticks: int, *, key: bool) -> list[av.Packet]:
        """A BGR picture at `ticks` (ascending), which can be played from when `key`; the packets that are ready."""

    def finish(self) -> list[av.Packet]:
        """What was still under way."""

    def close(self) -> None:
        """Give everything back, the container's stream too."""


MakeEncoder = Callable[[OutputContainer, Size], Encoder]


class Segment:
    """A file being written: pictures of one even size, in order of time. Errors are PyAV's and the encoder's own, for `recorder` to translate."""

    def __init__(self, path: Path, *, size: Size, start_ns: int, start_utc_ns: int | None, make_encoder: MakeEncoder) -> None:
        self.path, self.size, self.start_ns = path, size, start_ns
        self.key_ns = start_ns  # the next picture at or after this becomes a key frame
        self.last_ns = start_ns
        self.pictures = 0
        self.failed = False
        self._last_ticks = -1
        self._container = av.open(str(path), "w", format="mp4", options=_FORMAT)
        if start_utc_ns is not None:
            self._container.metadata["creation_time"] = datetime.fromtimestamp(start_utc_ns / _SECOND_NS, timezone.utc).isoformat()
        self._encoder = make_encoder(self._container, size)
        self.codec = self._encoder.codec

    def write(self, t_ns: int, picture: U8) -> None:
        """Append a BGR picture of this segment's size."""
        self._last_ticks = max(self._last_ticks + 1, (t_ns - self.start_ns) * TICKS // _SECOND_NS)
        due = t_ns >= self.key_ns
        if due:
            self.key_ns = t_ns + _SECOND_NS
        # The second is one too: it pushes the first onto the disk, so that a file plays as soon as it is more than a name.
        self._mux(lambda: self._encoder.encode(picture, self._last_ticks, key=due or self.pictures == 1))
        self.last_ns = t_ns
        self.pictures += 1

    def close(self) -> None:
        """Write what the encoder still holds and end the file; the file is closed also when that fails."""
        try:
            if self.pictures and not self.failed:
                self._mux(self._encoder.finish)
            self._container.close()
        except BaseException:
            self.failed = True
            raise
        finally:
            self._encoder.close()
            # The last reference closes the file, without which more could follow what is cut off.
            del self._encoder, self._container
            if self.failed:
                whole = whole_part(self.path)
                os.truncate(self.path, whole.bytes)
                self.pictures, self.last_ns = whole.pictures, self.start_ns + whole.length_ns

    def _mux(self, encode: Callable[[], list[av.Packet]]) -> None:
        try:
            for packet in encode():
                self._container.mux(packet)
        except BaseException:
            self.failed = True
            raise
