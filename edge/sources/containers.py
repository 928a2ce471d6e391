"""Opening what PyAV can open, and the sentences for when it cannot: the one place where FFmpeg's errors become ours. No pictures are read here."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error

from edge.errors import SourceError
from edge.sources.address import Address
from edge.sources.sentences import (
    cannot,
    check_device,
    in_use,
    login_refused,
    no_answer,
    not_permitted,
    nothing_listens,
    path_unknown,
    went_silent,
)

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# FFmpeg draws pictures of text files and of bare metadata; nobody means those by "a video".
_NO_VIDEO_FORMATS = {"tty", "ansi", "bin", "xbin", "adf", "idf", "ffmetadata"}


# Odd bytes in a file's tags are no reason to refuse it. PyAV 19 always reads them so, and no longer takes the word for it.
_METADATA: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


def open_container(address: Address, *, timeout_s: tuple[float, float]) -> tuple[InputContainer, VideoStream]:
    """The opened container and its first video stream. SourceError says what is there instead, SourceTimeout that nothing answers."""
    shown = address.shown
    if address.kind == "file":
        try:
            _check_file(Path(address.target), shown)
        except PermissionError as error:  # of a folder on the way
            raise not_permitted(address) from quiet(error)
    if address.kind == "v4l2":
        if "video4linux2,v4l2" not in av.formats_available:
            raise SourceError(f"{shown} needs a build of PyAV with v4l2, as its wheels for Linux have; install one of those")
        check_device(address)
    started_s = time.monotonic()
    try:
        container = av.open(_target(address), **_how(address, timeout_s), **_METADATA)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        # FFmpeg gives an interrupted greeting several names, "invalid data" among them.
        if address.kind in ("http", "rtsp") and time.monotonic() - started_s >= timeout_s[0]:
            raise sentence(TimeoutError(), address, opening=True) from quiet(error)
        raise sentence(error, address, opening=True) from quiet(error)
    streams = container.streams.video
    if not streams or container.format.name in _NO_VIDEO_FORMATS or streams[0].codec_context is None:
        holds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        found = f"it holds {holds}" if not streams else f"its format {container.format.name} has no pictures this build decodes"
        container.close()
        raise SourceError(f"{shown} is not a video: {found}; give a file or stream with H.264, H.265 or another common video in it")
    return container, streams[0]


def sentence(error: Exception, address: Address, *, opening: bool) -> SourceError:
    """What `error` of FFmpeg's means for who wrote the address. FFmpeg's own text holds the URL with its password and is left out."""
    shown, live = address.shown, address.kind in ("http", "rtsp", "v4l2")
    reason = getattr(error, "strerror", None) or type(error).__name__
    match error:
        case av.error.ExitError() | TimeoutError():
            return no_answer(address) if opening else went_silent(address)
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            return login_refused(address)
        case av.error.HTTPNotFoundError():
            return path_unknown(address)
        case ConnectionRefusedError():
            return nothing_listens(address)
        case PermissionError():
            return not_permitted(address)
        case _ if getattr(error, "errno", None) == errno.EBUSY:
            return in_use(address)
        case av.error.InvalidDataError() if opening and not live:
            return SourceError(f"{shown} is not a video, or its header is broken or cut off; give a file that a player plays")
        case av.error.InvalidDataError() if opening and address.kind != "v4l2":
            return SourceError(f"{shown} answers, but not with video; check that the port and the path are those of the stream")
        case av.error.ProtocolNotFoundError():
            return SourceError(f"{shown} needs a protocol that this build of FFmpeg lacks; use another scheme, or another build of PyAV")
    if not live:
        return SourceError(f"{shown} cannot be read: {reason}; check the disk, and that the file plays")
    return cannot(address, reason, opening=opening)


def quiet(error: BaseException) -> Exception:
    """A cause to raise from that carries no URL: the number and the reason of `error`, and nothing else of it."""
    return OSError(getattr(error, "errno", None) or 0, getattr(error, "strerror", None) or type(error).__name__)


def _check_file(path: Path, shown: str) -> None:
    if path.is_dir():
        raise SourceError(f"{shown} is a folder; give one video file in it")
    if not path.exists():
        near = path.parent
        while not near.exists():
            near = near.parent
        where = "" if near == path.parent else f"; the path exists only up to {near.absolute()}"
        raise SourceError(f"{shown} does not exist{where}; give the path of a video file")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"{shown} is empty; give a video file with something in it")


def _target(address: Address) -> str:
    # An absolute path, so that no file's name is taken for one of FFmpeg's protocols.
    return str(Path(address.target).absolute()) if address.kind == "file" else address.target


def _how(address: Address, timeout_s: tuple[float, float]) -> dict[str, Any]:
    """Arguments for av.open."""
    match address.kind:
        case "rtsp":
            # Without a probe of the rate an opened stream is current within half a second instead of two.
            options = {"rtsp_transport": address.options["transport"], "allowed_media_types": "video", "fpsprobesize": "0"}
            return {"options": options, "timeout": timeout_s}
        case "v4l2":
            # A blocking read of a stuck camera could not be interrupted.
            options = {"fflags": "nonblock", "fpsprobesize": "0"}
            wanted = address.options
            if "width" in wanted:
                options["video_size"] = f"{wanted['width']}x{wanted['height']}"
            if "fps" in wanted:
                options["framerate"] = wanted["fps"]
            if "format" in wanted:
                options["input_format"] = wanted["format"]
            return {"format": "v4l2", "options": options, "timeout": timeout_s}
        case "http":
            return {"timeout": timeout_s}
    return {}
