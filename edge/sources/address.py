"""Where a camera is, read from the URI a user wrote. The form only: nothing is opened, looked up or imported from a vendor here.

A plain path is a file. Passwords may stand in a URI; `redact` is what any sentence or log line shows instead.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from edge.errors import UsageError

Kind = Literal["file", "http", "rtsp", "v4l2", "csi", "gst", "synthetic"]

_KIND_OF: Mapping[str, Kind] = {
    "file": "file",
    "http": "http",
    "https": "http",
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "v4l2": "v4l2",
    "csi": "csi",
    "gst": "gst",
    "synthetic": "synthetic",
}
_EXAMPLES = (
    "file.mp4, http(s)://host/file.mp4, rtsp://user:password@host/stream, v4l2:///dev/video0, csi://0, gst://LAUNCH LINE, synthetic://plaza"
)
_OWN_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "v4l2": ("width", "height", "fps", "format", "via"),
    "csi": ("width", "height", "fps", "flip", "mode", "exposure_us", "gain"),
    "rtsp": ("transport", "latency_ms", "via"),
}
_FORMS: Mapping[str, tuple[str, str, str]] = {
    "width": (r"\d+", "a number", "1280"),
    "height": (r"\d+", "a number", "720"),
    "fps": (r"\d+(\.\d+)?", "a number", "30"),
    "flip": ("[0-7]", "a number from 0 to 7", "2"),
    "mode": (r"\d+", "a number", "2"),
    "exposure_us": (r"\d+-\d+", "a range", "100-20000"),
    "gain": (r"\d+(\.\d+)?-\d+(\.\d+)?", "a range", "1-8"),
    "format": (r"\w+", "a word", "mjpeg"),
    "transport": ("tcp|udp", "tcp or udp", "tcp"),
    "latency_ms": (r"\d+", "a number", "200"),
    "via": ("gstreamer|pyav", "gstreamer or pyav", "pyav"),
}
"""What the value of each option looks like: its pattern, that in words, an example."""
_SECRET = re.compile(r"pass|pwd|token|secret|key|auth|sig|credential|-pw$", re.IGNORECASE)
_WORD = re.compile(r"""(?P<name>[\w-]+=)?(?P<value>"(?:\\.|[^"\\])*"|'[^']*'|\S+)""")


@dataclass(frozen=True, slots=True)
class Address:
    """A URI taken apart: `target` is what gets opened (a path, a device, a URL, a launch line), `options` what the query said that is ours to
    act on."""

    kind: Kind
    uri: str = field(repr=False)  # may hold a password
    target: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The URI as sentences and logs may show it."""
        return redact(self.uri)


def redact(uri: str) -> str:
    """`uri` with the password, and every query value whose name sounds like a secret, replaced by ``***``. A plain path stays as it is."""
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return uri
    if scheme.lower() == "gst":
        return f"{scheme}://{redact_line(rest)}"
    # By hand, not by urlsplit: a password with / ? # or @ in it is a mistake that must not show either.
    head, at, tail = rest.rpartition("@")
    if at:
        user, colon, _ = head.partition(":")
        rest = f"{user}:***@{tail}" if colon else f"{user}@{tail}"
    before, question, query = rest.partition("?")
    if question:
        pairs = (pair.partition("=") for pair in query.split("&"))
        query = "&".join(f"{name}=***" if equals and _SECRET.search(name) else name + equals + value for name, equals, value in pairs)
    return f"{scheme}://{before}{question}{query}"


def redact_line(line: str) -> str:
    """A GStreamer launch line with the passwords of its URLs, and what is given to a property that sounds like a secret, replaced by ``***``."""

    def shown(word: re.Match[str]) -> str:
        name, value = word["name"] or "", word["value"]
        if name and _SECRET.search(name[:-1]):
            return f"{name}***"
        quote = value[0] if value[0] in "\"'" and value[-1] == value[0] else ""
        return f"{name}{quote}{redact(value.strip(quote) if quote else value)}{quote}"

    return _WORD.sub(shown, line)


def check_source(uri: str) -> Address:
    """The parts of `uri`, without opening anything. UsageError says what cannot be meant and what would be right."""
    if not uri.strip():
        raise UsageError(f"a source needs a URI, here it is empty; write one of {_EXAMPLES}")
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?", uri)
    if match is None or (not match[2] and match[1].lower() not in _KIND_OF):
        return _plain_path(uri)
    scheme, shown = match[1].lower(), redact(uri)
    if not match[2]:
        raise UsageError(f"{shown} lacks the two slashes of a URI; write {scheme}://{uri[match.end() :].lstrip('/') or '...'}")
    if scheme not in _KIND_OF:
        near = difflib.get_close_matches(scheme, _KIND_OF, n=1)
        hint = f"did you mean {near[0]}://?" if near else f"write one of {_EXAMPLES}"
        raise UsageError(f"{shown} starts with {scheme}://, which is no kind of source; {hint}")
    if scheme == "gst":
        return _gst(uri, uri[match.end() :].strip())
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:  # the parser's own words may quote the password
        raise UsageError(f"{shown} is no valid URI: its port or host cannot be read; write {scheme}://host:port/path") from None
    return _BY_KIND[_KIND_OF[scheme]](uri, parts)


def from_home(path: str | Path) -> Path:
    """A path with `~` for somebody's home; where there is no such person, it is the name of a file."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _plain_path(uri: str) -> Address:
    if uri.isdecimal() or re.fullmatch(r"/dev/(video\d+|v4l/.+)", uri):
        device = f"/dev/video{uri}" if uri.isdecimal() else uri
        if uri.isdecimal() and Path(uri).is_file():
            return Address("file", uri, uri)
        raise UsageError(f"{uri} reads like a camera's number or device; write v4l2://{device}")
    return Address("file", uri, str(from_home(uri)))


def _file(uri: str, parts: SplitResult) -> Address:
    if parts.netloc not in ("", "localhost") or not parts.path.strip("/"):
        raise UsageError(f"{redact(uri)} names no file of this machine; write file:///absolute/path.mp4, or the plain path")
    return Address("file", uri, unquote(parts.path))


def _http(uri: str, parts: SplitResult) -> Address:
    _need_host(uri, parts, "http://host/file.mp4")
    return Address("http", uri, uri)


def _rtsp(uri: str, parts: SplitResult) -> Address:
    _need_host(uri, parts, "rtsp://user:password@host:554/stream")
    # The camera never hears of our own options; its query otherwise stays letter by letter, signatures may hang on it.
    ours: list[str] = []
    theirs: list[str] = []
    for piece in parts.query.split("&"):
        (ours if piece.partition("=")[0] in _OWN_OPTIONS["rtsp"] else theirs).append(piece)
    options = {"transport": "tcp", **dict(parse_qsl("&".join(ours), keep_blank_values=True))}
    _check_forms(uri, options)
    return Address("rtsp", uri, parts._replace(query="&".join(theirs)).geturl(), options)


def _v4l2(uri: str, parts: SplitResult) -> Address:
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/dev/"):
        raise UsageError(f"{uri} names no device; write v4l2:///dev/video0 (three slashes) or v4l2:///dev/v4l/by-id/NAME")
    return Address("v4l2", uri, path, _own_options(uri, parts, "v4l2"))


def _csi(uri: str, parts: SplitResult) -> Address:
    if not parts.netloc.isdecimal() or parts.path.strip("/"):
        raise UsageError(f"{uri} names no CSI camera; write its number: csi://0?width=1280&height=720&fps=30")
    return Address("csi", uri, parts.netloc, _own_options(uri, parts, "csi"))


def _gst(uri: str, line: str) -> Address:
    if not line:
        raise UsageError(f"{uri} holds no launch line; write one as gst-launch-1.0 takes it: gst://videotestsrc is-live=true")
    return Address("gst", uri, line)


def _synthetic(uri: str, _: SplitResult) -> Address:
    from edge.sources.synthetic.options import parse_uri  # with it come the scenes, which nobody else needs

    parse_uri(uri)
    return Address("synthetic", uri, uri)


def _need_host(uri: str, parts: SplitResult, example: str) -> None:
    if not parts.hostname:
        raise UsageError(f"{redact(uri)} names no host; write {example}")


def _own_options(uri: str, parts: SplitResult, kind: str) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in _OWN_OPTIONS[kind]:
            raise UsageError(f"{uri} has an option {name!r} that {kind} does not know; it knows {', '.join(_OWN_OPTIONS[kind])}")
    _check_forms(uri, options)
    if ("width" in options) != ("height" in options):
        raise UsageError(f"{uri} gives only one of width and height; give both, as in ?width=1280&height=720")
    return options


def _check_forms(uri: str, options: Mapping[str, str]) -> None:
    for name, value in options.items():
        pattern, form, example = _FORMS[name]
        if not re.fullmatch(pattern, value):
            raise UsageError(f"{redact(uri)} says {name}={value}; {form} is wanted, as in {name}={example}")


_BY_KIND = {"file": _file, "http": _http, "rtsp": _rtsp, "v4l2": _v4l2, "csi": _csi, "synthetic": _synthetic}
