"""Where pictures come from: one Source a URI. What is done with the pictures, and reopening after a failure, is not in this room.

The vendor's import is inside the branch that needs it, so that `check_source` costs nothing and a missing vendor only matters where it is used.
"""

from __future__ import annotations

from edge.ports import Source
from edge.sources.address import Address, check_source, redact
from edge.sources.options import SourceOptions
from edge.sources.pipelines import read_by_gstreamer

__all__ = ["Address", "SourceOptions", "check_source", "open_source", "redact"]


def open_source(
    uri: str,
    *,
    camera: str,
    start_index: int = 0,
    realtime: bool = False,
    start_time_utc_ns: int | None = None,
    timeout_s: tuple[float, float] = (5.0, 2.0),
) -> Source:
    """The Source that `uri` names, not opened yet: entering it opens it.

    `start_index` resumes a file at that very picture, and is the first index of a live source. `realtime` paces a file by its own time.
    `timeout_s` bounds (connecting, silence). UsageError: the URI cannot be meant. SourceError, also on entering: it cannot be opened.
    """
    address = check_source(uri)
    match address.kind:
        case "synthetic":
            from edge.sources.synthetic import open_synthetic

            return open_synthetic(uri, camera, start_index=start_index, realtime=realtime)
        case _ if read_by_gstreamer(address, in_hardware=_in_hardware):
            from edge.sources.gstreamer import GstreamerSource

            return GstreamerSource(address, camera=camera, start_index=start_index, timeout_s=timeout_s)
        case _:
            from edge.sources.video import VideoSource

            return VideoSource(
                address,
                camera=camera,
                start_index=start_index,
                realtime=realtime,
                start_time_utc_ns=start_time_utc_ns,
                timeout_s=timeout_s,
            )


def _in_hardware() -> bool:
    from edge.sources.gstreamer_library import decodes_in_hardware

    return decodes_in_hardware()
