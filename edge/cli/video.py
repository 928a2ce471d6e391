"""`edge video`: which files hold what was recorded in a span. They are found in the state folder's index, whether the service runs or not."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.cli.moment import utc_ns
from edge.errors import UsageError
from edge.ports import Clip


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "video",
        help="list recorded video: the files of a camera and a span",
        description="Lists the files that hold what was recorded, in order of time: start, length, pictures, size, state, path.",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-c", "--config", type=Path, help="the service's configuration, for its state folder")
    where.add_argument("--state", type=Path, help="the state folder (edge-data)")
    parser.add_argument("--camera", help="of this camera only")
    parser.add_argument("--from", dest="from_", type=utc_ns, metavar="ISO", help="beginning, as in 2026-11-24T09:00:00Z")
    parser.add_argument("--to", type=utc_ns, metavar="ISO", help="end")
    parser.add_argument("--paths", action="store_true", help="nothing but the paths, one a line")
    parser.add_argument("--json", action="store_true", help="all that is known of each, one a line")
    parser.set_defaults(command=_video)


def _video(given: argparse.Namespace) -> int:
    from edge.store import StoreSegments

    path = _state(given) / "edge.db"
    if not path.is_file():
        raise UsageError(f"{path} does not exist: nothing was recorded there; name the service's folder by --state, or its file by -c")
    first = given.from_
    with StoreSegments(path) as segments:
        rows = segments.between((first, given.to), camera=given.camera)
    found = [(camera, _as_it_is(clip)) for camera, clip in rows if clip.path.exists()]
    found = [(camera, clip) for camera, clip in found if clip.pictures and _reaches(clip, first)]
    if given.paths:
        lines = [str(clip.path) for _, clip in found]
    elif given.json:
        lines = [json.dumps(_whole(camera, clip)) for camera, clip in found]
    else:
        lines = _table(found) or ["nothing is kept of that"]
    for line in lines:
        print(line)
    return 0


def _state(given: argparse.Namespace) -> Path:
    if given.config is not None:
        from edge.config import load

        return Path(load(given.config).state)
    return Path(given.state or "edge-data")


def _as_it_is(clip: Clip) -> Clip:
    """An open file grows, and its row tells of its beginning; so does that of one whose writer was killed, until the next start."""
    if clip.state != "open":
        return clip
    from edge.sinks.recorder_fragments import whole_part

    whole = whole_part(clip.path)
    return replace(clip, t1_ns=clip.t0_ns + whole.length_ns, pictures=whole.pictures, bytes=clip.path.stat().st_size)


def _reaches(clip: Clip, first: int | None) -> bool:
    end_ns = _utc1_ns(clip)
    return first is None or end_ns is None or end_ns >= first


def _utc1_ns(clip: Clip) -> int | None:
    return None if clip.utc0_ns is None else clip.utc0_ns + clip.t1_ns - clip.t0_ns


def _whole(camera: str, clip: Clip) -> dict[str, Any]:
    from edge.messages import iso

    return {
        "camera": camera,
        "path": str(clip.path),
        "from": iso(clip.utc0_ns),
        "to": iso(_utc1_ns(clip)),
        "pictures": clip.pictures,
        "bytes": clip.bytes,
        "size": list(clip.size),
        "codec": clip.codec,
        "state": clip.state,
    }


def _table(found: Sequence[tuple[str, Clip]]) -> list[str]:
    rows = []
    for camera, clip in found:
        whole = _whole(camera, clip)
        start = str(whole["from"] or "clock not set")[:19].replace("T", " ")
        length_s = (clip.t1_ns - clip.t0_ns) * 1e-9
        size = f"{clip.bytes / 1e6:.1f} MB"
        rows.append(f"{camera:12} {start:19} {length_s:8.1f} s {clip.pictures:7} pictures {size:>10} {clip.state:6} {clip.path}")
    return rows
