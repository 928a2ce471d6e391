"""H.264 by libx264, in the recording thread, through PyAV: what every machine has. When an encoder is made, and which, is decided elsewhere."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
from av.container import OutputContainer
from av.video.frame import PictureType

from edge.data import U8, Size
from edge.sinks.recorder_segment import TICKS


class X264Encoder:
    """recorder_segment.Encoder of one container. Errors are PyAV's own."""

    codec = "libx264"

    def __init__(self, container: OutputContainer, size: Size, *, crf: int, preset: str) -> None:
        # Key frames come by time, not by count: the group's length is left open and each is asked for.
        tuning = {"preset": preset, "crf": str(crf), "tune": "zerolatency", "g": "100000", "forced-idr": "1", "bf": "0"}
        self._stream = container.add_stream("libx264", rate=30, options=tuning)
        self._stream.width, self._stream.height, self._stream.pix_fmt = size.width, size.height, "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, TICKS)
        context.thread_count = 1  # cheapest in all; one thread keeps up with several cameras
        # What cv2.cvtColor makes: BT.601, limited range. Untagged, players take larger pictures for BT.709.
        context.colorspace, context.color_range = 6, 1

    def encode(self, picture: U8, ticks: int, *, key: bool) -> list[av.Packet]:
        # Not from_numpy_buffer, which would spare a copy: it takes wrong rows for the colours where the height is no multiple of four.
        frame = av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), format="yuv420p")
        frame.pts, frame.time_base = ticks, Fraction(1, TICKS)
        if key:
            frame.pict_type = PictureType.I
        return list(self._stream.encode(frame))

    def finish(self) -> list[av.Packet]:
        return list(self._stream.encode(None))

    def close(self) -> None:
        del self._stream  # it holds the container, and with that the file
