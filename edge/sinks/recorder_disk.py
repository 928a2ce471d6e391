"""Names of recorded segments and room for them on the disk. Video is not known here.

Only files named as segments, in the one camera's folder, are ever counted or deleted.
"""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timezone
from pathlib import Path

from edge.errors import RecorderError

_SEGMENT = re.compile(r"\d{8}T\d{6}Z(_\d+)?\.mp4")


def new_segment(folder: Path, *, start_utc_ns: int) -> Path:
    """A new, empty file in `folder` named after its start in UTC; one that exists is never taken. OSError as the system raises it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.fromtimestamp(start_utc_ns // 1_000_000_000, timezone.utc):%Y%m%dT%H%M%SZ}"
    number = 1
    path = folder / f"{name}.mp4"
    while True:
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            path = folder / f"{name}_{number}.mp4"
        else:
            return path


def segments(folder: Path) -> list[Path]:
    """The segments in `folder`, oldest first (by their names: the date of a file changes when it is copied)."""
    return sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name)) if folder.is_dir() else []


def make_room(folder: Path, *, writing: Path | None, max_bytes: int, free_floor_bytes: int) -> list[Path]:
    """Delete the oldest segments of `folder` until both limits hold; the paths deleted. `writing` stays.

    RecorderError when the disk is fuller than the floor allows and nothing of this camera's is left to delete.
    """
    sizes = {path: _size(path) for path in segments(folder)}
    total, deleted = sum(sizes.values()), []
    for path, size in sizes.items():
        if total <= max_bytes and _free(folder) >= free_floor_bytes:
            break
        if path != writing:
            path.unlink(missing_ok=True)
            total -= size
            deleted.append(path)
    free = _free(folder)
    if free < free_floor_bytes:
        raise RecorderError(
            f"recording to {folder} stopped: {free // 1_000_000} MB are free there and free_floor_bytes keeps {free_floor_bytes // 1_000_000} MB;"
            " free some room, or lower free_floor_bytes"
        )
    return deleted


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # someone tidied up meanwhile
        return 0


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
