"""A Recorder of one camera: pictures into segments of H.264, within a budget of bytes. What is on the pictures, and how many come, is not decided here.

Files are ``folder/camera/20240131T235959Z.mp4``, UTC. A failure loses no earlier second and leaves the recorder usable: some seconds later it tries anew.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable
from pathlib import Path

import av.error
import cv2

from edge.data import U8, Size, Stamp
from edge.errors import RecorderError
from edge.ports import VideoIndex
from edge.sinks.options import RecordOptions
from edge.sinks.recorder_choice import x264
from edge.sinks.recorder_disk import NoRoom, make_room, new_segment
from edge.sinks.recorder_segment import MakeEncoder, Segment
from edge.sinks.recorder_shelf import Shelf

_SECOND_NS = 1_000_000_000
_RETRY_NS = 5 * _SECOND_NS  # a full disk must not cost an encoder a picture
_ADVICE = {
    errno.ENOSPC: "the disk is full; free some room, or lower max_bytes and raise free_floor_bytes",
    errno.EDQUOT: "the user's quota is used up; raise it, or lower max_bytes",
    errno.EACCES: "this user may not write there; change the folder or its permissions",
    errno.EPERM: "this user may not write there; change the folder or its permissions",
    errno.EROFS: "the disk is mounted read-only; remount it, or choose another folder",
    errno.ENOTDIR: "a part of that path is a file; choose another folder",
    errno.EEXIST: "a part of that path is a file; choose another folder",
}


class PyavRecorder:
    """Records one camera into files that PyAV writes.

    Args:
        utc_ns: which UTC time, in ns since 1970, a `t_ns` of this camera's timeline is; None while the clock was never right.
        timeline: the id of that timeline, for the index.
        index: is told of each file; entering the recorder puts right what a kill left in it.
        make_encoder: who encodes; libx264 if silent.
    """

    def __init__(
        self,
        options: RecordOptions,
        camera: str,
        *,
        utc_ns: Callable[[int], int | None],
        timeline: str = "",
        index: VideoIndex | None = None,
        make_encoder: MakeEncoder | None = None,
    ) -> None:
        self._options = options
        self._folder = (options.folder or Path("video")) / camera
        self._utc_ns = utc_ns
        self._make_encoder = make_encoder or x264(options)
        self._shelf = Shelf(self._folder, timeline, index)
        self._segment: Segment | None = None
        self._last_ns: int | None = None
        self._failure: tuple[int, str] | None = None  # when, and what
        self._entered = self._closed = False

    @property
    def recorded(self) -> tuple[Path, ...]:
        """The segments written so far that the budget has not deleted, in order of time; the one being written is the last."""
        return self._shelf.recorded

    def __enter__(self) -> PyavRecorder:
        if self._entered:
            raise RuntimeError("a recorder is entered once; make another one")
        self._entered = True
        self._shelf.put_right()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._end_segment()

    def record(self, stamp: Stamp, picture: U8, *, shrink: int = 1) -> None:
        """Keep `picture` (H, W, 3) BGR, its sides divided by `shrink`.

        RecorderError says why it cannot be written; what was recorded before stays and plays. After an error the same is raised for five
        seconds of the camera's time, then the recorder tries again.
        """
        if not self._entered or self._closed:
            raise RuntimeError("a recorder records inside its with block")
        if self._failure is not None and 0 <= stamp.t_ns - self._failure[0] < _RETRY_NS:
            raise RecorderError(self._failure[1])
        self._failure = None
        picture = fitted(picture, max_height=self._options.max_height, shrink=shrink)
        try:
            segment = self._segment_for(stamp.t_ns, Size(picture.shape[1], picture.shape[0]))
            segment.write(stamp.t_ns, picture)
        except RecorderError as error:
            self._fail(stamp.t_ns, error)
            raise
        except (av.error.FFmpegError, OSError) as error:
            failure = _sentence(error, self._folder)
            self._fail(stamp.t_ns, failure)
            raise failure from error
        self._last_ns = stamp.t_ns

    def _fail(self, t_ns: int, failure: RecorderError) -> None:
        self._failure = (t_ns, str(failure))
        with contextlib.suppress(RecorderError):  # a full disk refuses the end of the file too; its fragments play without
            self._end_segment()

    def _segment_for(self, t_ns: int, size: Size) -> Segment:
        """The segment that the picture belongs to: the present one, or a new one where time, size or bytes ask for it."""
        segment, limit = self._segment, self._options
        if segment is not None and (
            size != segment.size
            or t_ns - segment.start_ns >= limit.segment_s * _SECOND_NS
            or (self._last_ns is not None and t_ns < self._last_ns)
            # Small pieces, so that a small budget can hold more than the one that must not be deleted.
            or (t_ns >= segment.key_ns and segment.path.stat().st_size > limit.max_bytes // 4)
        ):
            self._end_segment()
            segment = None
        if segment is None or t_ns >= segment.key_ns:
            if segment is not None:
                segment.path = self._shelf.date(segment.path, self._utc_ns(segment.start_ns))
            self._make_room(segment.path if segment else None)
        if segment is None:
            segment = self._segment = self._begin_segment(t_ns, size)
        return segment

    def _make_room(self, writing: Path | None) -> None:
        limit = self._options
        deleted: list[Path] = []
        try:
            deleted = make_room(self._folder, writing=writing, max_bytes=limit.max_bytes, free_floor_bytes=limit.free_floor_bytes)
        except NoRoom as error:
            deleted = error.deleted
            raise
        finally:
            self._shelf.deleted(deleted)

    def _begin_segment(self, t_ns: int, size: Size) -> Segment:
        start_utc_ns = self._utc_ns(t_ns)
        # Without a right clock the name lies in 1970, and is mended once there is one.
        path = new_segment(self._folder, start_utc_ns=t_ns if start_utc_ns is None else start_utc_ns)
        try:
            segment = Segment(path, size=size, start_ns=t_ns, start_utc_ns=start_utc_ns, make_encoder=self._make_encoder)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._shelf.begun(segment)
        return segment

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        try:
            segment.close()
        except (av.error.FFmpegError, OSError) as error:
            raise _sentence(error, self._folder) from error
        finally:
            self._shelf.ended(segment)


def fitted(picture: U8, *, max_height: int | None, shrink: int = 1) -> U8:
    """`picture` as H.264 takes it: at most `max_height` high, then divided by `shrink`, both sides even (an odd last row or column is cut off)."""
    height, width = picture.shape[:2]
    wanted = (height if max_height is None else min(height, max_height)) // shrink
    if wanted < height:
        even = max(2, wanted // 2 * 2)
        scaled: U8 = cv2.resize(picture, (max(2, round(width * even / height / 2) * 2), even), interpolation=cv2.INTER_AREA)
        return scaled
    return picture[: height // 2 * 2, : width // 2 * 2]


def _sentence(error: Exception, folder: Path) -> RecorderError:
    number = getattr(error, "errno", None)
    reason = getattr(error, "strerror", None) or type(error).__name__
    advice = _ADVICE.get(number or 0, f"{reason}; check the disk and the folder")
    return RecorderError(f"video cannot be written to {folder}: {advice}")
