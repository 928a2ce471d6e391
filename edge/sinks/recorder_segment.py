"""One file of H.264 in fragmented MP4, by PyAV. When a file begins and ends, and which may stay, is decided in `recorder`.

A fragment is written whole whenever a key frame begins the next: a process that is killed loses the second it was in, and the rest plays.
Where the disk refuses a part of a fragment, the file is cut back to the whole ones.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path

import av
import cv2
from av.video.frame import PictureType

from edge.data import U8, Size

_TICKS = 90_000  # a second, the usual time base of video
_SECOND_NS = 1_000_000_000
_FORMAT = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}


class Segment:
    """A file being written: pictures of one even size, in order of time. Errors are PyAV's own (also OSError), for `recorder` to translate."""

    def __init__(self, path: Path, *, size: Size, start_ns: int, start_utc_ns: int, crf: int, preset: str) -> None:
        self.path, self.size, self.start_ns = path, size, start_ns
        self.key_ns = start_ns  # the next picture at or after this becomes a key frame
        self.pictures = 0
        self._last_ticks = -1
        self._whole_bytes = 0  # up to where the file holds whole fragments
        self._fragments = 0
        self._failed = False
        self._container = av.open(str(path), "w", format="mp4", options=_FORMAT)
        self._container.metadata["creation_time"] = datetime.fromtimestamp(start_utc_ns / _SECOND_NS, timezone.utc).isoformat()
        # Key frames come by time, not by count: the group's length is left open and each is asked for.
        tuning = {"preset": preset, "crf": str(crf), "tune": "zerolatency", "g": "100000", "forced-idr": "1", "bf": "0"}
        self._stream = self._container.add_stream("libx264", rate=30, options=tuning)
        self._stream.width, self._stream.height, self._stream.pix_fmt = size.width, size.height, "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.thread_count = 1  # cheapest in all; one thread keeps up with several cameras
        # What cv2.cvtColor makes: BT.601, limited range. Untagged, players take larger pictures for BT.709.
        context.colorspace, context.color_range = 6, 1

    def write(self, t_ns: int, picture: U8) -> None:
        """Append a BGR picture of this segment's size."""
        frame = av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), format="yuv420p")
        self._last_ticks = max(self._last_ticks + 1, (t_ns - self.start_ns) * _TICKS // _SECOND_NS)
        frame.pts, frame.time_base = self._last_ticks, Fraction(1, _TICKS)
        if t_ns >= self.key_ns:
            frame.pict_type = PictureType.I
            self.key_ns = t_ns + _SECOND_NS
        self._mux(frame)
        self.pictures += 1

    @property
    def is_empty(self) -> bool:
        """Whether nothing in the file plays, once it is closed."""
        return not self._fragments if self._failed else not self.pictures

    def close(self) -> None:
        """Write what the encoder still holds and end the file; the file is closed also when that fails."""
        try:
            if self.pictures and not self._failed:
                self._mux(None)
            self._container.close()
        except BaseException:
            self._failed = True
            raise
        finally:
            if self._failed:
                # The last reference closes the file, without which more could follow what is cut off.
                del self._stream, self._container
                os.truncate(self.path, self._whole_bytes)

    def _mux(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
                if packet.is_keyframe:  # has pushed the fragment before it onto the disk; at first, the header
                    self._fragments += self._whole_bytes > 0
                    self._whole_bytes = self.path.stat().st_size
        except BaseException:
            self._failed = True
            raise
