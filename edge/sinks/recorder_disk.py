"""Names of recorded segments and room for them on the disk. Video is not known here.

Only files named as segments, in the camera's folder and in those beside it, are ever counted or deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from edge.errors import RecorderError

_SEGMENT = re.compile(r"\d{8}T\d{6}Z(_\d+)?\.mp4")


def new_segment(folder: Path, *, start_utc_ns: int) -> Path:
    """A new, empty file in `folder` named after its start in UTC; one that exists is never taken. OSError as the system raises it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{_moment(start_utc_ns):%Y%m%dT%H%M%SZ}"
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


def dated(path: Path, *, start_utc_ns: int) -> Path:
    """Give a segment the name of its true start, now that it is known; the path that it has then."""
    if path.name.startswith(f"{_moment(start_utc_ns):%Y%m%dT%H%M%SZ}"):
        return path
    return path.replace(new_segment(path.parent, start_utc_ns=start_utc_ns))


def is_dated(path: Path) -> bool:
    """False for a name that was given while the clock was not right: those lie in 1970, where a clock begins."""
    return not path.name.startswith("1970")


def start_of(path: Path) -> int:
    """The UTC ns that a segment's name tells."""
    return int(datetime.strptime(path.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()) * 1_000_000_000


def _moment(utc_ns: int) -> datetime:
    return datetime.fromtimestamp(utc_ns // 1_000_000_000, timezone.utc)


def segments(folder: Path) -> list[Path]:
    """The segments in `folder`, oldest first (by their names: the date of a file changes when it is copied)."""
    return sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name)) if folder.is_dir() else []


def make_room(folder: Path, *, writing: Path | None, max_bytes: int, free_floor_bytes: int) -> list[Path]:
    """Delete the oldest segments of `folder` until they take at most `max_bytes`, and of all cameras beside it until the floor holds.

    The paths deleted. `writing` stays, and so does what anybody else holds.
    RecorderError when the disk is fuller than the floor allows and nothing is left to delete.
    """
    sizes = {path: _size(path) for path in segments(folder)}
    total, deleted = sum(sizes.values()), []
    for path, size in sizes.items():
        if total <= max_bytes:
            break
        if path != writing:
            path.unlink(missing_ok=True)
            total -= size
            deleted.append(path)
    if _free(folder) < free_floor_bytes:
        for path in _oldest_of_all(folder, writing):
            path.unlink(missing_ok=True)
            deleted.append(path)
            if _free(folder) >= free_floor_bytes:
                break
    free = _free(folder)
    if free < free_floor_bytes:
        raise NoRoom(
            f"recording to {folder} stopped: {free // 1_000_000} MB are free there and free_floor_bytes keeps {free_floor_bytes // 1_000_000} MB;"
            " free some room, or lower free_floor_bytes",
            deleted,
        )
    return deleted


class NoRoom(RecorderError):
    """The floor cannot be held; `deleted` is what went for it nonetheless."""

    def __init__(self, sentence: str, deleted: list[Path]) -> None:
        super().__init__(sentence)
        self.deleted = deleted


def hold(path: Path) -> BinaryIO:
    """Keep a segment from being deleted for another camera's sake, until what is returned is closed. The lock is the file's, whatever its name becomes."""
    file = path.open("rb")
    with contextlib.suppress(OSError):  # a file system without locks: nobody is kept from anything
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _oldest_of_all(folder: Path, writing: Path | None) -> Iterator[Path]:
    """What may go for the floor, oldest first: a camera that is quiet must not keep old video while another's new one goes."""
    paths = [path for each in _cameras(folder) for path in segments(each) if path != writing]
    return (path for path in sorted(paths, key=lambda path: path.name) if not _is_held(path))


def _cameras(folder: Path) -> list[Path]:
    """`folder` and those beside it, but for what lies elsewhere: deleting there would free nothing here."""
    if not folder.is_dir():
        return []
    disk = folder.stat().st_dev
    beside = [other for other in folder.parent.iterdir() if other.is_dir() and not other.is_symlink() and other.stat().st_dev == disk]
    return [folder, *(other for other in beside if other != folder)]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # someone tidied up meanwhile
        return 0


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
