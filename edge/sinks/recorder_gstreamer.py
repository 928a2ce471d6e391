"""H.264 by an element of GStreamer, for encoders that are hardware: a Jetson's. The file is PyAV's as with every encoder, so its fragments are the same.

GStreamer sees one picture and gives one packet; what is under way is counted here, so that no queue of its grows.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.container import OutputContainer

from edge import gstreamer
from edge.data import U8, Size
from edge.errors import RecorderError
from edge.gstreamer import Library
from edge.sinks.recorder_segment import TICKS

_SECOND_NS = 1_000_000_000
_MOST_UNDER_WAY = 4
_SOON_NS = _SECOND_NS // 20
"""A packet is waited for this long, so that none is left behind when the next picture is far; later ones are fetched with that."""
_PATIENCE_NS = 2 * _SECOND_NS


@dataclass(frozen=True, slots=True)
class GstreamerElement:
    """An encoder's element, from I420 in host memory on, as `gst-launch` writes it; it is to be named `encoder`, `{crf}` is the quality."""

    name: str
    launch: str


# A constant quantiser is what x264's crf comes closest to; this element heeds it without rate control and without preset only. Key frames are asked
# for one by one, so its own come seldom, and as IDR: no other can be played from.
NVENC = GstreamerElement(
    "nvv4l2h264enc",
    "nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! nvv4l2h264enc name=encoder ratecontrol-enable=false preset-level=0"
    " quant-i-frames={crf} quant-p-frames={crf} iframeinterval=300 idrinterval=300 insert-sps-pps=true insert-vui=true profile=4"
    " maxperf-enable=true",
)


class GstreamerEncoder:
    """recorder_segment.Encoder of one container. RecorderError says what the element said, and so hears `on_failure`."""

    def __init__(
        self,
        container: OutputContainer,
        size: Size,
        *,
        crf: int,
        element: GstreamerElement = NVENC,
        on_failure: Callable[[str], None] = lambda why: None,
    ) -> None:
        self._on_failure = on_failure
        self._gi = _gstreamer()
        self._gst = self._gi.Gst
        self._container, self._size, self.codec = container, size, element.name
        self._stream: Any = None
        self._under_way: deque[int] = deque()
        # The rate is nominal, and only there because elements ask for one: the time of each picture is the truth.
        launch = (
            "appsrc name=pictures format=time block=false caps=video/x-raw,format=I420,colorimetry=bt601,interlace-mode=progressive,"
            f"pixel-aspect-ratio=1/1,framerate=30/1,width={size.width},height={size.height}"
            f" ! {element.launch.format(crf=crf)} ! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au"
            f" ! appsink name=packets sync=false max-buffers={_MOST_UNDER_WAY + 1}"
        )
        try:
            self._pipeline = self._gst.parse_launch(launch)
        except self._gi.GLib.Error as error:
            raise RecorderError(
                f"GStreamer cannot make the encoder {element.name} ({error.message}); `encoder: x264` needs none"
            ) from error
        self._pictures, self._packets = self._pipeline.get_by_name("pictures"), self._pipeline.get_by_name("packets")
        self._encoder = self._pipeline.get_by_name("encoder")
        # One more than is ever under way: a bound that is never met, for what is counted here never passes ours.
        self._pictures.set_property("max-bytes", (_MOST_UNDER_WAY + 2) * size.width * size.height * 2)
        if self._pipeline.set_state(self._gst.State.PLAYING) == self._gst.StateChangeReturn.FAILURE:
            failure = self._failure("it does not start")
            self.close()
            raise failure

    def encode(self, picture: U8, ticks: int, *, key: bool) -> list[av.Packet]:
        # The first is a key frame of itself, and NVIDIA's element crashes when it is asked for one before it is at work.
        if key and self._stream is not None:
            self._ask_for_key()
        buffer = self._gst.Buffer.new_wrapped(_laid_out(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), self._size))
        buffer.pts = ticks * _SECOND_NS // TICKS
        if self._pictures.push_buffer(buffer) != self._gst.FlowReturn.OK:
            raise self._failure("it takes no picture")
        self._under_way.append(ticks)
        packets = []
        while self._under_way:
            full = len(self._under_way) > _MOST_UNDER_WAY
            sample = self._packets.try_pull_sample(_PATIENCE_NS if full else _SOON_NS)
            if sample is None:
                trouble = self._error()
                if full or trouble:
                    raise self._failure(trouble or "it gives no packet")
                break
            packets.append(self._packet(sample))
        return packets

    def finish(self) -> list[av.Packet]:
        self._pictures.end_of_stream()
        packets = []
        while self._under_way:
            sample = self._packets.try_pull_sample(_PATIENCE_NS)
            if sample is None:
                raise self._failure("it keeps the last pictures to itself")
            packets.append(self._packet(sample))
        return packets

    def close(self) -> None:
        self._pipeline.set_state(self._gst.State.NULL)
        self._stream = None
        del self._container

    def _ask_for_key(self) -> None:
        if self._gi.GObject.signal_lookup("force-IDR", self._encoder):
            self._encoder.emit("force-IDR")
        else:
            self._packets.send_event(self._gi.GstVideo.video_event_new_upstream_force_key_unit(self._gst.CLOCK_TIME_NONE, True, 0))

    def _packet(self, sample: Any) -> av.Packet:
        buffer = sample.get_buffer()
        data = buffer.extract_dup(0, buffer.get_size())
        if self._stream is None:
            self._stream = _stream_like(self._container, data)
        packet = av.Packet(data)
        packet.stream, packet.time_base = self._stream, Fraction(1, TICKS)
        # In their order, and without a time of its own: elements shift them as they like.
        packet.pts = packet.dts = self._under_way.popleft()
        packet.is_keyframe = not buffer.has_flags(self._gst.BufferFlags.DELTA_UNIT)
        return packet

    def _error(self) -> str:
        """What an element said; appsrc only tells that somebody behind it did."""
        bus, said = self._pipeline.get_bus(), ""
        while (message := bus.pop_filtered(self._gst.MessageType.ERROR)) is not None:
            if not said or message.src != self._pictures:
                said = str(message.parse_error()[0].message)
        return said

    def _failure(self, what: str) -> RecorderError:
        why = f"the encoder {self.codec} failed: {self._error() or what}"
        self._on_failure(why)
        return RecorderError(f"{why}; `encoder: x264` uses the processor instead")


def _stream_like(container: OutputContainer, data: bytes) -> Any:
    """A stream of the container for H.264 as in `data`, whose first picture is a key frame with its parameters before it."""
    with av.open(io.BytesIO(data), format="h264") as first:
        stream = container.add_stream_from_template(first.streams.video[0])
    stream.time_base = Fraction(1, TICKS)
    return stream


def _laid_out(i420: U8, size: Size) -> bytes:
    """The planes of ``(H * 3 / 2, W)`` as GStreamer lays them out: each row begins at a multiple of four bytes."""
    width, height = size
    if width % 8 == 0:
        return i420.tobytes()
    flat = i420.reshape(-1)
    luma, chroma = flat[: width * height].reshape(height, width), flat[width * height :].reshape(height, width // 2)
    rows = [np.pad(plane, ((0, 0), (0, -plane.shape[1] % 4))) for plane in (luma, chroma)]
    return b"".join(plane.tobytes() for plane in rows)


def _gstreamer() -> Library:
    """The modules of GStreamer; RecorderError where they are not installed."""
    try:
        return gstreamer.load()
    except ImportError as error:
        raise RecorderError(f"GStreamer is not reached from Python ({error}); {gstreamer.INSTALL}") from error
