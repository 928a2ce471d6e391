"""What GStreamer says when a camera fails, made into one sentence with the remedy. Words in, an error out: no GStreamer here.

NVIDIA's camera service (Argus) says little on the bus and most on the terminal; its words, from both, are matched wherever they are heard.
Vendors' texts may hold an address with its password: only those parts that are known to hold none are passed on.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edge.errors import SourceError, SourceTimeout
from edge.sources.address import Address, redact_line
from edge.sources.sentences import cannot, in_use, login_refused, no_answer, not_permitted, nothing_listens, path_unknown, went_silent

_RESTART = "sudo systemctl restart nvargus-daemon"
_ARGUS = (
    (
        r"connecting to nvargus-daemon failed|cannot create camera provider|failed to create cameraprovider",
        f"NVIDIA's camera service is not reached; {_RESTART}; in a container: -v /tmp/argus_socket:/tmp/argus_socket",
    ),
    (
        r"no cameras available",
        f"NVIDIA's camera service knows no camera; check the ribbon cable and the sensor's name in jetson-io.py, then {_RESTART}",
    ),
    (
        r"invalid camera device",
        "there is no camera of this number; the first is csi://0, `edge doctor` lists them",
    ),
    (
        r"invalid sensor mode|frame rate specified is greater",
        "the sensor has no such mode or rate; leave mode= away, or ask for a lower fps=",
    ),
    (
        r"not-negotiated",
        "it gives no pictures of this size and rate; leave width=, height= and fps= away to see what it gives",
    ),
    (
        r"failed to create capturesession|failed to get capturesession",
        f"the camera is in use by another program, or the camera service still holds it for one that died; end that program, or {_RESTART}",
    ),
    (
        r"argus error status|argus_error|\(argus\)|scf: error|nvbuf|nvbufsurface|disconnected|critical failure",
        f"NVIDIA's camera service failed or lost the sensor; {_RESTART}; where it comes again, check the ribbon cable and the power supply",
    ),
)
"""From the sources of nvarguscamerasrc (NVIDIA, R32 to R36) and users' reports; the first that is found counts."""

# GStreamer's own numbers: GstCoreError, GstResourceError, GstStreamError of gsterror.h.
_MISSING_PLUGIN = ("gst-core-error-quark", 12)
_NO_CODEC = ("gst-stream-error-quark", 6)
_RESOURCE = "gst-resource-error-quark"
_NOT_FOUND, _BUSY, _NOT_AUTHORIZED = 3, 4, 15


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as it came over the bus, or by an exception; `lacks` is what a decoder was looked for and not found."""

    domain: str
    code: int
    text: str
    """Message and details together."""
    lacks: str = ""


def sentence(trouble: Trouble, address: Address, *, opening: bool) -> SourceError:
    """What `trouble` means for who wrote the address."""
    shown, text = address.shown, trouble.text.lower()
    if address.kind == "csi" or "argus" in text:
        return SourceError(f"{shown}: {_argus(text)}")
    if trouble.lacks or (trouble.domain, trouble.code) in (_MISSING_PLUGIN, _NO_CODEC):
        what = trouble.lacks or "something for which there is no decoder"
        return SourceError(
            f"{shown} needs {what}, which this GStreamer lacks; sudo apt-get install gstreamer1.0-libav gstreamer1.0-plugins-bad"
        )
    if trouble.domain == "gst_parse_error":
        return SourceError(f"{shown} is no pipeline that works here: {_first_line(trouble.text)}; try it with gst-launch-1.0")
    if "permission denied" in text:
        return not_permitted(address)
    if "busy" in text or (trouble.domain, trouble.code) == (_RESOURCE, _BUSY):
        return in_use(address)
    if address.kind == "rtsp":
        return _rtsp(trouble, address, text, opening=opening)
    if "not-negotiated" in text or "isn't a v4l2" in text:
        return cannot(address, "it does not offer such pictures", opening=opening)
    return cannot(address, "the pipeline failed" if address.kind == "gst" else "the device failed", opening=opening)


def no_frames(address: Address, *, opening: bool) -> SourceTimeout:
    """A camera whose pipeline ended, or gave nothing in time, and said nothing of why: Argus' usual manner."""
    if address.kind == "csi":
        return SourceTimeout(f"{address.shown}: {_argus_by_facts(address)}")
    return no_answer(address) if opening else went_silent(address)


def _rtsp(trouble: Trouble, address: Address, text: str, *, opening: bool) -> SourceError:
    if (trouble.domain, trouble.code) == (_RESOURCE, _NOT_AUTHORIZED) or re.search(r"\b(401|403)\b", text):
        return login_refused(address)
    if (trouble.domain, trouble.code) == (_RESOURCE, _NOT_FOUND) or re.search(r"\b404\b", text):
        return path_unknown(address)
    if "udp packets" in text:
        return SourceError(f"{address.shown} answers, but none of its packets come by UDP: a firewall may stop them; use transport=tcp")
    if opening:
        return _unreachable(address)
    return cannot(address, "the server closed the connection", opening=False)


def _unreachable(address: Address, *, timeout_s: float = 2.0) -> SourceError:
    """Why a connection fails, which rtspsrc does not say: by trying one."""
    parts = urlsplit(address.target)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 554), timeout_s).close()
    except ConnectionRefusedError:
        return nothing_listens(address)
    except TimeoutError:
        return no_answer(address)
    except OSError as error:
        return cannot(address, (error.strerror or type(error).__name__), opening=True)
    return SourceError(f"{address.shown} answers, but not with video; check that the port and the path are those of the stream")


def _argus(text: str) -> str:
    return next((remedy for pattern, remedy in _ARGUS if re.search(pattern, text)), _ARGUS[-1][1])


def _argus_by_facts(address: Address, *, root: Path = Path("/")) -> str:
    """What is wrong with a CSI camera that is silent, from what the machine shows."""
    sensors = [
        name
        for name in root.glob("sys/class/video4linux/*/name")
        if name.read_text(encoding="utf-8", errors="replace").startswith("vi-output")
    ]
    if not (root / "tmp/argus_socket").exists():
        return _ARGUS[0][1]
    if not sensors:
        return _ARGUS[1][1]
    if int(address.target) >= len(sensors):
        return f"there is no camera {address.target}, the driver has {len(sensors)}; the first is csi://0"
    return f"NVIDIA's camera service gives no picture of it; {_RESTART}, and end other programs that use the camera"


def _first_line(text: str) -> str:
    return redact_line((text.strip().splitlines() or ["no reason given"])[0])
