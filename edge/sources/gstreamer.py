"""A Source over GStreamer: CSI, USB and network cameras, and launch lines, become frames with a time.

How a pipeline is written stands in `pipelines`, how its troubles are said in `gstreamer_troubles`, which elements
there are in `gstreamer_library`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.data import U8, Frame, HostPixels, Size, Stamp
from edge.errors import SourceError, SourceHeld
from edge.gstreamer import INSTALL, Library, load
from edge.ports import SourceFacts
from edge.sources.address import Address, redact_line
from edge.sources.gstreamer_library import present
from edge.sources.gstreamer_troubles import Trouble, no_frames, sentence
from edge.sources.pipelines import CAMERA, ELEMENTS, SINK, launch_line, missing, remedy
from edge.sources.sentences import cannot, check_device, no_picture
from edge.sources.times import SECOND_NS, PipelineTime

log = logging.getLogger(__name__)

_SLICE_NS = SECOND_NS // 20  # how soon a failure is noticed while no picture comes
_NO_PICTURE_S = 20.0  # cameras send a key frame every few seconds; a connection without a picture for so long carries no video
_CLOSE_S = 3.0

_hanging: dict[str, threading.Thread] = {}
"""Threads that were left behind in a vendor's call, by the address they hang in: as long as one does, that camera is not tried again."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What lives between entering and leaving."""

    pipeline: Any
    sink: Any
    bus: Any


class GstreamerSource:
    """The newest pictures of one camera, as its pipeline gives them: at most one waits, a slow reader loses those between.

    A picture's time is its presentation time on the pipeline's clock, which is made to be the monotonic clock: the moment the camera driver, or
    the network's jitter buffer, had it, not the moment it is fetched. A pipeline that is not live in itself (a file in a launch line) is
    paced by its own time. A change of size in mid-stream is followed: the next frames have the new one.

    Nothing here waits without end. Starting and stopping a pipeline call drivers, and NVIDIA's camera service is known to hang in both; so each is
    done in a thread of its own, and left behind in it when its time is over. Until such a thread returns, opening the same address is refused
    (SourceHeld), so that however often it is tried, one camera holds no more than two threads. Closing from another thread wakes who waits for
    a picture.
    """

    def __init__(self, address: Address, *, camera: str, start_index: int = 0, timeout_s: tuple[float, float] = (5.0, 2.0)) -> None:
        if start_index < 0:
            raise ValueError(f"start_index must be 0 or more, here it is {start_index}")
        self._address = address
        self._camera = camera
        self._index = start_index
        self._timeout_s = timeout_s
        self._opened: _Opened | None = None
        self._first: Any = None
        self._facts: SourceFacts | None = None
        self._trouble: Trouble | None = None
        self._lacks = ""
        self._time = PipelineTime()
        self._layout: tuple[Any, Any] = (None, None)
        self._entered = False

    @property
    def facts(self) -> SourceFacts:
        if self._facts is None:
            raise RuntimeError("a source knows its facts inside its with block")
        return self._facts

    def __enter__(self) -> GstreamerSource:
        """Start the pipeline, and see a first picture."""
        if self._entered:
            raise RuntimeError("a source is entered once; open another one to read again")
        self._entered = True
        hanging = _hanging.get(self._address.uri)
        if hanging is not None and hanging.is_alive():
            raise SourceHeld(f"{self._address.shown} still hangs in its driver since it was last used; {_unhang(self._address)}")
        try:
            lib = load()
        except ImportError as error:
            raise SourceError(
                f"{self._address.shown} is read by GStreamer, which is not reached from Python ({error}); {INSTALL}"
            ) from error
        if self._address.kind == "v4l2":
            check_device(self._address)
        opened = self._opened = self._build(lib)
        try:
            self._start(lib, opened)
            self._first = self._first_sample(opened)
            info = self._info(lib, self._first)
            self._facts = SourceFacts(Size(info.width, info.height), _fps(info), live=True)
            if not _is_live(lib, opened.pipeline):
                opened.sink.set_property("sync", True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the pipeline, within seconds. Harmless twice, and from another thread while one waits for a picture."""
        opened, self._opened = self._opened, None
        self._first = None
        if opened is not None:
            self._within(_CLOSE_S, "close", lambda: opened.pipeline.set_state(load().Gst.State.NULL))

    def __iter__(self) -> Iterator[Frame]:
        opened = self._opened
        if opened is None:
            raise SourceError(f"camera {self._camera}: {self._address.shown} is not open; read it inside its with block")
        lib = load()
        while self._opened is opened:
            sample, self._first = self._first, None
            if sample is None:
                sample = self._sample(opened, self._timeout_s[1])
            if sample is None:
                return
            yield self._frame(lib, opened, sample)

    def _build(self, lib: Library) -> _Opened:
        has = present(ELEMENTS)
        line = launch_line(self._address, has=has, timeout_s=self._timeout_s)
        log.debug("%s: %s", self._camera, redact_line(line))
        lost = missing(line, has=has) if self._address.kind != "gst" else ()
        if lost:
            raise SourceError(f"{self._address.shown} needs GStreamer's {', '.join(lost)}; {remedy(lost)}")
        try:
            # All errors are fatal: of a line with a small one GStreamer gives a pipeline as well, which PyGObject then loses with its handles.
            pipeline = lib.Gst.parse_launch_full(line, None, lib.Gst.ParseFlags.FATAL_ERRORS)
        except lib.GLib.Error as error:
            raise sentence(Trouble(error.domain, error.code, error.message), self._address, opening=True) from None
        sink = pipeline.get_by_name(SINK) if isinstance(pipeline, lib.Gst.Bin) else None
        if sink is None:
            raise SourceError(f"{self._address.shown} has an appsink without the name {SINK}; name it so, or leave it off")
        sink.set_property("max-buffers", 1)
        sink.set_property("drop", True)
        sink.set_property("caps", lib.Gst.Caps.from_string("video/x-raw,format=BGR"))  # an appsink of the user's own would take anything
        pipeline.connect("deep-element-added", _be_patient_after_a_loss)
        return _Opened(pipeline, sink, pipeline.get_bus())

    def _start(self, lib: Library, opened: _Opened) -> None:
        states: list[Any] = []
        opened.pipeline.use_clock(lib.Gst.SystemClock.obtain())  # whatever clock its elements would offer
        if not self._within(self._timeout_s[0], "start", lambda: states.append(opened.pipeline.set_state(lib.Gst.State.PLAYING))):
            raise no_frames(self._address, opening=True)
        if states[0] == lib.Gst.StateChangeReturn.FAILURE:
            self._hear(lib, opened)
            raise self._said(opening=True)

    def _first_sample(self, opened: _Opened) -> Any:
        sample = self._sample(opened, self._timeout_s[0], opening=True)
        if sample is None:
            raise cannot(self._address, "it ended before its first picture", opening=True)
        return sample

    def _sample(self, opened: _Opened, patience_s: float, *, opening: bool = False) -> Any:
        """The next sample, or None at the end of the stream or of this source. SourceError when the pipeline fails or is silent.

        A camera in the network is not silent while its packets come: at first, and after a loss, there is no picture before the next key frame.
        """
        lib, until_s = load(), time.monotonic() + patience_s
        longest_until_s = until_s + _NO_PICTURE_S
        came: int | None = None
        while self._opened is opened:
            sample = opened.sink.try_pull_sample(_SLICE_NS)
            self._hear(lib, opened)
            if sample is not None:
                return sample
            if self._opened is not opened:  # closed from another thread; its pipeline is at the end of the stream then, too
                break
            if self._trouble is not None:
                raise self._said(opening=opening)
            if opened.sink.is_eos():
                if self._address.kind == "csi":  # a sensor has no end
                    raise no_frames(self._address, opening=opening)
                return None
            now_s = time.monotonic()
            came = _packets(lib, opened) if came is None else came
            if now_s > until_s:
                came, before = _packets(lib, opened), came
                if came == before:
                    raise no_frames(self._address, opening=opening)
                until_s = now_s + self._timeout_s[1]
            if now_s > longest_until_s:
                raise no_picture(self._address)
        return None

    def _hear(self, lib: Library, opened: _Opened) -> None:
        """Empty the bus, which grows otherwise, and remember the first thing that went wrong."""
        kinds = lib.Gst.MessageType
        while (message := opened.bus.pop_filtered(kinds.ERROR | kinds.WARNING | kinds.ELEMENT)) is not None:
            if message.type == kinds.ELEMENT:
                about = message.get_structure()
                if about is not None and about.get_name() == "missing-plugin":
                    self._lacks = about.get_string("name") or ""
                continue
            error, details = message.parse_error() if message.type == kinds.ERROR else message.parse_warning()
            trouble = Trouble(error.domain, error.code, f"{error.message}\n{details or ''}", self._lacks)
            lost = message.type == kinds.ERROR or (message.src.get_name() == CAMERA and "closed the connection" in trouble.text)
            if lost and self._trouble is None:
                self._trouble = trouble

    def _said(self, *, opening: bool) -> SourceError:
        return sentence(self._trouble or Trouble("", 0, ""), self._address, opening=opening)

    def _frame(self, lib: Library, opened: _Opened, sample: Any) -> Frame:
        info, buffer = self._info(lib, sample), sample.get_buffer()
        bgr = _picture(lib, buffer, info)
        captured_ns = None
        if buffer.pts != lib.Gst.CLOCK_TIME_NONE:
            running_ns = sample.get_segment().to_running_time(lib.Gst.Format.TIME, buffer.pts)
            captured_ns = opened.pipeline.get_base_time() + running_ns if running_ns != lib.Gst.CLOCK_TIME_NONE else None
        t_ns = self._time.t_ns(captured_ns, now_ns=time.monotonic_ns())
        stamp = Stamp(self._camera, self._index, t_ns, Size(info.width, info.height))
        self._index += 1
        return Frame(stamp, HostPixels(bgr))

    def _info(self, lib: Library, sample: Any) -> Any:
        """Size and layout of the sample; made anew where its caps are not those of the last."""
        caps = sample.get_caps()
        if self._layout[0] is None or not caps.is_equal(self._layout[0]):
            self._layout = (caps, lib.GstVideo.VideoInfo.new_from_caps(caps))
        return self._layout[1]

    def _within(self, seconds: float, verb: str, work: Callable[[], object]) -> bool:
        """Whether `work` was done in time, in a thread of its own. If not, it goes on there and is remembered as hanging."""
        thread = threading.Thread(target=work, name=f"{verb} {self._camera}", daemon=True)
        thread.start()
        thread.join(seconds)
        if not thread.is_alive():
            return True
        _hanging[self._address.uri] = thread
        log.warning(
            "%s: %s hangs in its driver (%s) and is left behind; %s", self._camera, self._address.shown, verb, _unhang(self._address)
        )
        return False


def _unhang(address: Address) -> str:
    return "sudo systemctl restart nvargus-daemon" if address.kind == "csi" else "unplug it, or restart this service"


def _is_live(lib: Library, pipeline: Any) -> bool:
    query = lib.Gst.Query.new_latency()
    return not pipeline.query(query) or bool(query.parse_latency()[0])


def _packets(lib: Library, opened: _Opened) -> int:
    """How many packets have come over the network; 0 where there is none."""
    buffers, count = opened.pipeline.iterate_all_by_element_factory_name("rtpjitterbuffer"), 0
    while True:
        found, buffer = buffers.next()
        if found != lib.Gst.IteratorResult.OK:
            return count
        count += buffer.get_property("stats").get_uint64("num-pushed")[1]


def _be_patient_after_a_loss(_: Any, __: Any, element: Any) -> None:
    """No picture is given that builds on what was lost, until one comes that needs no other: people would be found in the smears."""
    if element.find_property("wait-for-keyframe") is not None:  # a depayloader's
        element.set_property("wait-for-keyframe", True)


def _fps(info: Any) -> float:
    """Pictures a second as the caps say; 25 where they say nothing, or no rate of a camera."""
    rate = info.fps_n / info.fps_d if info.fps_d else 0.0
    return rate if 0.1 <= rate <= 300 else 25.0


def _picture(lib: Library, buffer: Any, info: Any) -> U8:
    """The buffer as (H, W, 3) BGR in memory of its own: one copy, so that the pipeline has its buffer back at once."""
    meta = lib.GstVideo.buffer_get_video_meta(buffer)
    offset, stride = (meta.offset[0], meta.stride[0]) if meta is not None else (info.offset[0], info.stride[0])
    mapped, memory = buffer.map(lib.Gst.MapFlags.READ)
    if not mapped:
        raise SourceError("a picture cannot be read from the pipeline's memory; end its line with nvvidconv ! video/x-raw,format=BGRx")
    try:
        data = bytes(memory.data)  # PyGObject alone has made bytes of it already; where gst-python is installed too, this is the copy
    finally:
        buffer.unmap(memory)
    bgr = np.ndarray((info.height, info.width, 3), np.uint8, data, offset, (stride, 3, 1))
    return bgr if stride == 3 * info.width else np.ascontiguousarray(bgr)
