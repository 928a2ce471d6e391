"""A Source over PyAV: files, URLs and cameras become frames with a time. What can be opened and what errors mean stands in `containers`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import av.error
import numpy as np

from edge.data import U8, Frame, HostPixels, Size, Stamp
from edge.errors import SourceError
from edge.ports import SourceFacts
from edge.sources.address import Address
from edge.sources.containers import open_container, quiet, sentence
from edge.sources.healing import Healing
from edge.sources.sentences import no_picture, went_silent
from edge.sources.times import SECOND_NS, ArrivalTime, MediaTime

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

# A device without a clock writes 1970, an empty field of MP4 reads 1904: neither is when a video was made.
_EARLIEST_NS = 631_152_000 * SECOND_NS  # 1990
# Cameras send a key frame every few seconds; who sends data for this long without one whole picture sends no video.
_NO_PICTURE_NS = 20 * SECOND_NS
_POLL_S = 0.002


class VideoSource:
    """The pictures of one video, in order.

    A file, and a URL with an end, give every picture; their time is media time, and picture `i` is the same with the same time whether it is
    reached from the start or resumed at (decoding starts at 0 either way: no index of a file is as sure as that). A live source gives what
    it decodes, stamped with the time of capture on the monotonic clock; its indices go on from `start_index`.
    """

    def __init__(
        self,
        address: Address,
        *,
        camera: str,
        start_index: int = 0,
        realtime: bool = False,
        start_time_utc_ns: int | None = None,
        timeout_s: tuple[float, float] = (5.0, 2.0),
    ) -> None:
        if start_index < 0:
            raise ValueError(f"start_index must be 0 or more, here it is {start_index}")
        self._address = address
        self._camera = camera
        self._start_index = start_index
        self._realtime = realtime
        self._start_time_utc_ns = start_time_utc_ns
        self._timeout_s = timeout_s
        self._container: InputContainer | None = None
        self._facts: SourceFacts | None = None
        self._frames: Iterator[Frame] = iter(())
        self._reading = threading.Lock()
        self._entered = self._closed = False

    @property
    def facts(self) -> SourceFacts:
        """Known once entered. `frames` counts the whole file, also those before `start_index`."""
        if self._facts is None:
            raise RuntimeError("a source knows its facts inside its with block")
        return self._facts

    def __enter__(self) -> VideoSource:
        """Open, and see a first picture: what cannot be decoded is refused here."""
        if self._entered:
            raise RuntimeError("a source is entered once; open another one to read again")
        self._entered = True
        self._container, stream = open_container(self._address, timeout_s=self._timeout_s)
        try:
            fps = _fps(stream)
            live = self._address.kind in ("rtsp", "v4l2") or (self._address.kind == "http" and not self._container.duration)
            timed = self._live(stream) if live else self._media(stream, fps)
            first = next(timed, None)
            if first is None:
                raise SourceError(f"{self._address.shown} holds not one whole picture; give a video that a player plays")
            self._facts = SourceFacts(
                size=_size(first[1]),
                fps=fps,
                live=live,
                frames=None if live else (stream.frames or None),
                start_utc_ns=None if live else self._start_utc_ns(),
                key="" if live else self._key(stream),
            )
            self._frames = self._stamped(first, timed)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close. Harmless twice, and from another thread while one waits in the source: that one then closes it on its way out."""
        self._closed = True
        self._release()

    def __iter__(self) -> Iterator[Frame]:
        if not self._entered or self._closed:
            raise SourceError(f"camera {self._camera}: {self._address.shown} is not open; read it inside its with block")
        while not self._closed:
            with self._reading:
                frame = None if self._closed else next(self._frames, None)
            if frame is None or self._closed:
                break
            yield frame
        if self._closed:
            self._release()

    def _release(self) -> None:
        # FFmpeg crashes when a container is closed under a running read: only who holds the lock closes.
        if self._reading.acquire(blocking=False):
            try:
                if self._container is not None:
                    self._frames = iter(())
                    self._container.close()
                    self._container = None
            finally:
                self._reading.release()

    def _stamped(self, first: tuple[int, VideoFrame], rest: Iterator[tuple[int, VideoFrame]]) -> Iterator[Frame]:
        live = self.facts.live
        skip = 0 if live else self._start_index
        index = self._start_index if live else 0
        ahead_ns: int | None = None
        picture: tuple[int, VideoFrame] | None = first
        while picture is not None:
            t_ns, decoded = picture
            if skip:
                skip -= 1
            else:
                if self._realtime and not live:
                    now_ns = time.monotonic_ns()
                    ahead_ns = t_ns - now_ns if ahead_ns is None else ahead_ns
                    time.sleep(max(0, t_ns - ahead_ns - now_ns) / SECOND_NS)
                bgr = _upright(decoded)
                yield Frame(Stamp(self._camera, index, t_ns, Size(bgr.shape[1], bgr.shape[0])), HostPixels(bgr))
            index += 1
            picture = next(rest, None)

    def _media(self, stream: VideoStream, fps: float) -> Iterator[tuple[int, VideoFrame]]:
        """Times and pictures of what has an end. SourceError, after the last good picture, when it is broken or cut there."""
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(4, os.cpu_count() or 1)
        clock, packets, pictures, broken, t_ns = MediaTime(fps=fps), 0, 0, 0, -1
        for packet in self._packets(stream):
            packets += bool(packet.size)
            if packet.is_corrupt:  # half a packet; kept from the decoder, whose threads would lose good pictures over it
                broken += 1
                continue
            try:
                decoded = packet.decode()
            except av.error.FFmpegError:  # whatever a codec makes of damaged data
                broken += 1
                continue
            if decoded and broken and packet.size:
                log.warning("%s: %d broken pieces were passed over before picture %d", self._address.shown, broken, pictures)
                broken = 0
            for picture in decoded:
                t_ns = clock.t_ns(_pts_ns(picture))
                pictures += 1
                yield t_ns, picture
        if broken or self._is_cut(stream, packets, t_ns):
            at = f"after picture {pictures} at {max(t_ns, 0) / SECOND_NS:.2f} s"
            raise SourceError(
                f"{self._address.shown} is broken or cut off {at}; all before that was read, copy the file again for the rest"
            )

    def _is_cut(self, stream: VideoStream, packets: int, t_ns: int) -> bool:
        """Whether the file declares over a second more than came. Both its length and its count must say so: edit lists falsify either."""
        container = self._container
        if container is None or not container.duration or container.format.name == "mpegts":
            return False
        short = t_ns + SECOND_NS + SECOND_NS // 10 < container.duration * 1000
        return short and (packets < stream.frames if stream.frames else len(container.streams) == 1)

    def _live(self, stream: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2  # each thread more is a picture more of delay
        clock, healing, seen_ns = ArrivalTime(), Healing(), time.monotonic_ns()
        for packet in self._packets(stream):
            now_ns = time.monotonic_ns()
            clock.arrived(_pts_ns(packet), now_ns=now_ns)
            try:
                decoded = packet.decode()
            except av.error.FFmpegError:
                decoded = []
                healing.lost(now_ns=now_ns)
            for picture in decoded:
                if healing.whole(is_key=picture.key_frame, is_corrupt=picture.is_corrupt, now_ns=now_ns):
                    seen_ns = time.monotonic_ns()
                    yield clock.t_ns(_pts_ns(picture), now_ns=seen_ns), picture
            if now_ns - seen_ns > _NO_PICTURE_NS:
                raise no_picture(self._address)

    def _packets(self, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        """What the container holds for `stream`, an empty packet to flush the decoder last."""
        assert self._container is not None
        silent_since_ns = time.monotonic_ns()
        while True:
            try:
                for packet in self._container.demux(stream):
                    yield packet
                    silent_since_ns = time.monotonic_ns()
                return
            except av.error.BlockingIOError as error:  # a local camera that has nothing yet
                if time.monotonic_ns() - silent_since_ns > self._timeout_s[1] * SECOND_NS:
                    raise went_silent(self._address) from quiet(error)
                time.sleep(_POLL_S)
            except (av.error.FFmpegError, OSError) as error:
                raise sentence(error, self._address, opening=False) from quiet(error)

    def _start_utc_ns(self) -> int | None:
        """The given time, else the container's creation tag, else the file's date."""
        if self._start_time_utc_ns is not None:
            return self._start_time_utc_ns
        assert self._container is not None
        tag = self._container.metadata.get("creation_time", "")
        try:
            created_ns = round(datetime.fromisoformat(tag.replace("Z", "+00:00")).timestamp()) * SECOND_NS
        except ValueError:
            created_ns = 0
        if created_ns >= _EARLIEST_NS:
            return created_ns
        return Path(self._address.target).stat().st_mtime_ns if self._address.kind == "file" else None

    def _key(self, stream: VideoStream) -> str:
        assert self._container is not None
        if self._address.kind == "file":
            path = Path(self._address.target).absolute()
            about: tuple[object, ...] = (path, path.stat().st_size, path.stat().st_mtime_ns)
        else:
            about = (self._address.uri, self._container.size, self._container.duration, stream.frames)
        return sha256("\0".join(map(str, about)).encode()).hexdigest()[:16]


def _pts_ns(timed: Packet[VideoStream] | VideoFrame) -> int | None:
    if timed.pts is None or not timed.time_base:
        return None
    return round(timed.pts * timed.time_base * SECOND_NS)


def _fps(stream: VideoStream) -> float:
    """Pictures a second as the container says or FFmpeg guesses; 25 where neither is a rate of a camera."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0.1 <= rate <= 300:
            return float(rate)
    return 25.0


def _turns(decoded: VideoFrame) -> int:
    """Quarter turns to the left that set the picture upright."""
    return round(decoded.rotation / 90) % 4


def _size(decoded: VideoFrame) -> Size:
    return Size(decoded.height, decoded.width) if _turns(decoded) % 2 else Size(decoded.width, decoded.height)


def _upright(decoded: VideoFrame) -> U8:
    """The picture as (H, W, 3) BGR in memory of its own, turned as the camera that took it says."""
    bgr: U8 = np.asarray(decoded.to_ndarray(format="bgr24"), np.uint8)
    turns = _turns(decoded)
    return np.ascontiguousarray(np.rot90(bgr, turns)) if turns else bgr
