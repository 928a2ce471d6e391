"""Which of a camera's files there are: what this recorder wrote, and the index's rows beside the folder's files. Nothing is encoded or measured out here.

An index that cannot be written stops no recording: it is said, and the next recorder puts it right.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Literal

from edge.errors import EdgeError
from edge.ports import Clip, VideoIndex
from edge.sinks.recorder_disk import dated, hold, is_dated, segments, start_of
from edge.sinks.recorder_fragments import whole_part
from edge.sinks.recorder_segment import Segment

log = logging.getLogger(__name__)

UTC_TIMELINE = "utc"
"""The timeline of a file that only its name tells of: its zero is 1970."""


class Shelf:
    """The files of one camera in `folder`; `timeline` is where a segment's times are counted from."""

    def __init__(self, folder: Path, timeline: str, index: VideoIndex | None) -> None:
        self._folder, self._timeline, self._index = folder, timeline, index
        self._recorded: list[Path] = []
        self._held: BinaryIO | None = None
        self._undated = False

    @property
    def recorded(self) -> tuple[Path, ...]:
        """Of this recorder, in order of time; the one being written is the last."""
        return tuple(self._recorded)

    def begun(self, segment: Segment) -> None:
        self._recorded.append(segment.path)
        self._held = hold(segment.path)
        self._undated |= not is_dated(segment.path)
        self._keep(segment, "open")

    def ended(self, segment: Segment) -> None:
        """The file is closed; one in which nothing plays goes."""
        if self._held is not None:
            self._held.close()
            self._held = None
        if segment.pictures:
            self._keep(segment, "cut" if segment.failed else "closed")
        else:
            segment.path.unlink(missing_ok=True)
            self._forget([segment.path])

    def deleted(self, paths: Sequence[Path]) -> None:
        """These went, so that there is room."""
        if paths:
            log.info("%s: deleted %d oldest segments, up to %s", self._folder, len(paths), paths[-1].name)
            self._forget(paths)

    def date(self, path: Path, start_utc_ns: int | None) -> Path:
        """The present file's path. If the clock has become right meanwhile, it and those before it have got their true names."""
        if start_utc_ns is None or not self._undated:
            return path
        self._undated = False
        path = self._move(path, start_utc_ns)
        with self._telling() as index:
            self._date_all(index)
        return path

    def put_right(self) -> None:
        """Make the index tell what is on the disk: after a kill, after files were deleted or brought, and after the clock was set."""
        with self._telling() as index:
            known = {clip.path: clip for clip in index.clips()}
            there = [path.absolute() for path in segments(self._folder)]
            index.forget(sorted(known.keys() - set(there)))
            for path in there:
                clip = known.get(path)
                if clip is None:
                    self._adopt(index, path)
                elif clip.state == "open":
                    self._cut(index, clip)
            self._date_all(index)

    def _adopt(self, index: VideoIndex, path: Path) -> None:
        """A file that the index does not know: another store's, or older than the index."""
        whole, start_ns = whole_part(path), start_of(path)
        if whole.pictures:
            end_ns = start_ns + whole.length_ns
            index.keep(Clip(path, UTC_TIMELINE, start_ns, end_ns, whole.pictures, path.stat().st_size, whole.size, "", "closed"))

    def _cut(self, index: VideoIndex, clip: Clip) -> None:
        """A file that was being written when its process ended."""
        whole = whole_part(clip.path)
        if not whole.pictures:
            clip.path.unlink(missing_ok=True)
            index.forget([clip.path])
            return
        log.info("%s was cut off: %d pictures of it play, %.1f s", clip.path, whole.pictures, whole.length_ns * 1e-9)
        end_ns, size = clip.t0_ns + whole.length_ns, clip.path.stat().st_size
        index.keep(replace(clip, t1_ns=end_ns, pictures=whole.pictures, bytes=size, state="cut"))

    def _date_all(self, index: VideoIndex) -> None:
        for clip in index.clips():
            if clip.utc0_ns is not None and not is_dated(clip.path):
                self._move(clip.path, clip.utc0_ns)

    def _move(self, path: Path, start_utc_ns: int) -> Path:
        try:
            to = dated(path, start_utc_ns=start_utc_ns)
        except OSError as error:
            log.warning("%s keeps its name, though the clock is right now (%s)", path, error.strerror)
            return path
        if to != path:
            self._recorded = [to if each.absolute() == path.absolute() else each for each in self._recorded]
            with self._telling() as index:
                index.moved(path.absolute(), to.absolute())
        return to

    def _forget(self, paths: Sequence[Path]) -> None:
        self._recorded = [path for path in self._recorded if path not in paths]
        with self._telling() as index:
            index.forget([path.absolute() for path in paths])

    def _keep(self, segment: Segment, state: Literal["open", "closed", "cut"]) -> None:
        with self._telling() as index:
            index.keep(
                Clip(
                    segment.path.absolute(),
                    self._timeline,
                    segment.start_ns,
                    segment.last_ns,
                    segment.pictures,
                    segment.path.stat().st_size,
                    segment.size,
                    segment.codec,
                    state,
                )
            )

    @contextmanager
    def _telling(self) -> Iterator[VideoIndex]:
        try:
            yield self._index or _Nobody()
        except (EdgeError, OSError) as error:
            log.warning("the index of %s is not up to date: %s; it is put right at the next start", self._folder, error)


class _Nobody:
    """A VideoIndex where none is wanted."""

    def clips(self) -> list[Clip]:
        return []

    def keep(self, clip: Clip) -> None:
        pass

    def moved(self, path: Path, to: Path) -> None:
        pass

    def forget(self, paths: Sequence[Path]) -> None:
        pass
