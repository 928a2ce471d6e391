"""The disk that keeps counts and video: room, the right to write, and what writing for good costs. Nothing stays of what is tried here."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from edge.doctor.findings import Finding, note, right, wrong
from edge.doctor.machine import Machine
from edge.doctor.needs import Needs

_LEAST_FREE = 200_000_000
_TRIES = 8
_SLOW_MS = 50.0


def state(machine: Machine, needs: Needs) -> list[Finding]:
    """The state folder, or the nearest folder above it that is there already; the video's folder where it is another."""
    if needs.config is None:
        return []
    folder = needs.config.state
    found = [_written(folder)]
    found.append(_room("disk", folder, _LEAST_FREE, 0))
    record = needs.config.record
    if record is not None and needs.recorded:
        video = record.folder or folder / "video"
        most = record.max_bytes * needs.recorded
        if record.folder is not None:
            found.append(_written(video, "video folder"))
        found.append(_room("disk for video", video, record.free_floor_bytes, most - _used(video)))
    return found


def _written(folder: Path, name: str = "state folder") -> Finding:
    there = _nearest(folder)
    where = f"{folder}" if there == folder.absolute() else f"{folder} (to be made in {there})"
    if not there.is_dir():
        return wrong(name, f"{folder} cannot be made: {there} is no folder", "choose another one")
    costs_ms = []
    try:
        with tempfile.NamedTemporaryFile(prefix=".edge-doctor-", dir=there) as file:
            for _ in range(_TRIES):
                file.write(bytes(4096))
                file.flush()
                began_s = time.perf_counter()
                os.fsync(file.fileno())
                costs_ms.append((time.perf_counter() - began_s) * 1000)
    except OSError as error:
        return wrong(name, f"{where} cannot be written ({error.strerror})", "give it to the user that edge runs as, or choose another one")
    cost_ms = statistics.median(costs_ms)
    says = f"{where} can be written; fsync takes about {cost_ms:.1f} ms"
    if cost_ms > _SLOW_MS:
        return note(name, f"{says}, which is slow", "a disk instead of an SD card or a network folder; or `commit_s: 2`")
    return right(name, says)


def _room(name: str, folder: Path, floor: int, more: int) -> Finding:
    """Free bytes against what must stay free, and against what is still to come."""
    there = _nearest(folder)
    free = shutil.disk_usage(there).free
    says = f"{_gb(free)} free at {there}"
    if free < floor:
        return wrong(name, f"{says}, and {_gb(floor)} are to stay free", "make room, or choose another disk")
    if free - floor < more:
        return note(name, f"{says}; video may take {_gb(more)} more, and will keep less", "a larger disk, or smaller `record.max_bytes`")
    return right(name, says)


def _used(folder: Path) -> int:
    """Bytes of the segments that are there already."""
    return sum(path.stat().st_size for path in folder.rglob("*.mp4") if path.is_file())


def _nearest(folder: Path) -> Path:
    folder = folder.absolute()
    return next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
