"""What is wrong with a source, in one sentence each, for whoever wrote its address. Which vendor's error means which of them is not known here."""

from __future__ import annotations

from glob import glob
from pathlib import Path

from edge.errors import SourceError, SourceTimeout
from edge.sources.address import Address


def no_answer(address: Address) -> SourceTimeout:
    return SourceTimeout(f"{address.shown} did not answer in time; {_reached(address)}")


def went_silent(address: Address) -> SourceTimeout:
    if address.kind == "v4l2":
        return SourceTimeout(f"{address.shown} went silent; check its cable")
    return SourceTimeout(f"{address.shown} went silent; {_reached(address)}")


def _reached(address: Address) -> str:
    if address.kind in ("rtsp", "http"):
        return "check that the camera or server is on and the network reaches it"
    if address.kind == "gst":
        return _served(address)
    return "check that the camera is plugged in and its power is on"


def login_refused(address: Address) -> SourceError:
    scheme = address.uri.partition(":")[0]
    return SourceError(f"{address.shown} refuses the user name or password; write {scheme}://user:password@host/path with the right ones")


def path_unknown(address: Address) -> SourceError:
    return SourceError(f"{address.shown} is not there: the server answers, but knows no such path; look its path up in the camera's manual")


def nothing_listens(address: Address) -> SourceError:
    return SourceError(
        f"{address.shown} refuses the connection: nothing listens at that address and port; check both, and that the camera is on"
    )


def not_permitted(address: Address) -> SourceError:
    if address.kind == "v4l2":
        return SourceError(f"{address.shown} may not be opened by this user; add the user to the group video")
    return SourceError(f"{address.shown} may not be read by this user; change its permissions, or those of its folder")


def in_use(address: Address) -> SourceError:
    return SourceError(f"{address.shown} is in use by another program; close that program, one camera serves one reader")


def no_picture(address: Address) -> SourceError:
    return SourceError(f"{address.shown} sends data but no whole picture; check the camera's stream, or use transport=tcp")


def cannot(address: Address, reason: str, *, opening: bool) -> SourceError:
    """For all that has no sentence of its own; `reason` must hold no URL."""
    at_first = "cannot be reached" if address.kind in ("rtsp", "http") else "cannot be opened"
    return SourceError(f"{address.shown} {at_first if opening else 'broke off'}: {reason}; {_served(address)}")


def _served(address: Address) -> str:
    match address.kind:
        case "rtsp" | "http":
            return "check the name, the port and the network, and that such a stream is served there"
        case "gst":
            return "try the line, part by part, with gst-launch-1.0"
    return "check the camera's cable, and that it offers this size, rate and format"


def check_device(address: Address) -> None:
    """SourceError where the device of a local camera is not there; it names those that are."""
    if not Path(address.target).exists():
        present = sorted(glob("/dev/v4l/by-id/*")) or sorted(glob("/dev/video*"))
        there = f"present are {', '.join(present)}" if present else "no camera is plugged in, or a container was not given the device"
        raise SourceError(f"{address.shown} is not there: {there}")
