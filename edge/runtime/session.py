"""One camera's work on one frame, and what it needs for that. Threads and reopening are in `camera`; building the parts is the app's."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

import numpy as np

from edge.books import Books
from edge.data import F32, U8, Detections, Frame, Message, Result, Stamp, Warmth
from edge.errors import DiskFull
from edge.pipeline import Pipeline
from edge.ports import Ledger, Painter
from edge.runtime.gauges import CameraGauges
from edge.runtime.looking import LivePicture
from edge.runtime.recording import RecordingLane
from edge.scene import EmptyScene, Eyesight, SightWatch
from edge.shapes import Overlay

log = logging.getLogger(__name__)

_SEEN_SCORE = 0.2
"""A box of at least this score may be a person, and is kept out of the empty scene even when nobody follows it."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """What a camera's pictures need: a painter, what to draw for a result, and who wants the picture: the recording, whoever looks now."""

    painter: AbstractContextManager[Painter]
    overlay: Callable[[Result], Overlay]
    recording: RecordingLane | None = None
    looking: Sequence[LivePicture] = ()


@dataclass(frozen=True, slots=True)
class Snapshots:
    """A periodic heatmap: every `every_s` of frame time, `make(scene, t_ns)` gives its messages."""

    every_s: float
    make: Callable[[EmptyScene, int], tuple[Message, ...]]


@dataclass(frozen=True, slots=True)
class SessionParts:
    """All that a camera's session is made of, once the size of its picture and the detector's classes are known."""

    pipeline: Pipeline
    books: Books
    digest: str
    source_key: str
    ledger: Ledger
    wake: Callable[[], None]
    commit_s: float
    viewer: Viewer | None = None
    snapshots: Snapshots | None = None
    sight: SightWatch | None = None
    """Whether the camera sees; None where nobody watches that, and it always does."""
    scene_digest: str = ""
    """What the scene that `sight` knows belongs to."""


class Session:
    """Steps, books, paints and commits. A context manager: leaving it closes the painter and the recording; `finish` commits what is left."""

    def __init__(
        self,
        parts: SessionParts,
        *,
        after: Stamp | None = None,
        gauges: CameraGauges | None = None,
        on_sight: Callable[[Eyesight, str], None] = lambda sight, why: None,
    ) -> None:
        """`after`: the last frame of the run that this one ends, where no frame is left; `gauges` get how long the stages took.

        `on_sight` hears what the camera's pictures are good for, and why, when that changes.
        """
        self._parts = parts
        self._gauges = gauges or CameraGauges()
        self._on_sight = on_sight
        self._told: tuple[Eyesight, str] = ("clear", "")
        self._scene = EmptyScene()
        self._stack = ExitStack()
        self._painter: Painter | None = None
        self._stamp: Stamp | None = after
        self._snapshot_ns: int | None = None
        self._committed_at_s = time.monotonic()
        self._changed = False
        self._disk_full = False

    def __enter__(self) -> Session:
        viewer = self._parts.viewer
        if viewer is not None:
            self._painter = self._stack.enter_context(viewer.painter)
            if (recording := viewer.recording) is not None:
                self._stack.enter_context(recording)
                self._gauges.drops["recorder"] = lambda: recording.dropped
                self._gauges.recording = lambda: recording.recording
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def scene(self) -> EmptyScene:
        """The camera's picture with nobody in it, as far as it is known."""
        return self._scene

    def step(self, frame: Frame, detections: Detections) -> Result:
        """One frame, from its detections to the books, and to the picture if somebody wants one; what was found in it."""
        parts, stamp, sight = self._parts, frame.stamp, self._parts.sight
        if sight is not None and sight.wants(stamp.t_ns):
            sight.look(frame.bgr, stamp.t_ns)
            self._tell_sight(sight, stamp.camera)
        sees = sight is None or sight.sees
        with self._gauges.timed("step"):
            result = parts.pipeline.step(stamp, detections)
            if not sees:  # who stands in a frozen picture stands there no longer, and in a moved one elsewhere: heat is never taken back
                result = replace(result, warmth=Warmth.empty())
            parts.books.enter(result, parts.pipeline.occupancy(), sees=sees)
        self._stamp, self._changed = stamp, True
        if (sight is None or not sight.blind) and self._scene.wants(stamp.t_ns):
            self._scene.learn(frame.bgr, self._people(result, detections), stamp.t_ns)
        if self._painter is not None and parts.viewer is not None:
            self._painter.warm(stamp, result.warmth)
            self._paint(frame, result, self._painter, parts.viewer)
        snapshots = parts.snapshots
        if snapshots is not None:
            if self._snapshot_ns is None:
                self._snapshot_ns = stamp.t_ns
            elif (stamp.t_ns - self._snapshot_ns) * 1e-9 >= snapshots.every_s:
                self._snapshot()
        return result

    def commit_if_due(self) -> None:
        """Commit when the last commit is `commit_s` ago and something has changed since: a camera that is gone must not wear the disk."""
        if self._changed and time.monotonic() - self._committed_at_s >= self._parts.commit_s:
            self.commit()

    def commit(self, *, done: bool = False, last: bool = False) -> None:
        """Write all that changed. A full disk is said once and tried again: nothing that was counted is lost by it while the process lives.

        The `last` commit has no second try, and raises DiskFull.
        """
        self._committed_at_s = time.monotonic()
        if self._stamp is None:
            return
        parts = self._parts
        if parts.sight is not None and (known := parts.sight.to_keep()) is not None:
            parts.books.keep_view(parts.scene_digest, known)
        parts.books.checkpoint(parts.source_key, self._stamp.index, parts.digest, parts.pipeline.state(), done=done)
        try:
            with self._gauges.timed("commit"):
                parts.ledger.commit(parts.books.change)
        except DiskFull as error:
            if last:
                raise
            if not self._disk_full:
                log.error("%s", error)
            self._disk_full = True
            return
        self._disk_full = self._changed = False
        parts.books.committed()
        parts.wake()
        self._gauges.published()

    def reset(self, utc_ns: int | None) -> None:
        """Say and commit what was counted, then begin new epochs of everything, in one commit with who is inside. DiskFull: there is no room.

        Where the camera looks from now on is where it shall look.
        """
        books, sight = self._parts.books, self._parts.sight
        books.say_counts()
        self.commit(last=True)
        books.reset(utc_ns)
        if sight is not None:
            books.keep_view(self._parts.scene_digest, sight.accept())
            self._tell_sight(sight, books.change.camera)
        self.commit(last=True)

    def finish(self, *, done: bool) -> None:
        """The last commit. `done`: the source has ended, so every track has; otherwise a restart goes on from here."""
        if self._stamp is None:
            return
        parts = self._parts
        if done:
            t_ns = self._stamp.t_ns
            result = Result.nothing_but(self._stamp, parts.pipeline.expire(t_ns))
            parts.books.enter(result, parts.pipeline.occupancy())
        parts.books.say_counts()
        if parts.snapshots is not None:
            # The picture shows what is committed, so that comes first.
            self.commit(done=done, last=True)
            self._snapshot()
        self.commit(done=done, last=True)

    def _paint(self, frame: Frame, result: Result, painter: Painter, viewer: Viewer) -> None:
        """One picture for all who want one of this frame; none where nobody does."""
        recording = viewer.recording if viewer.recording is not None and viewer.recording.wants_picture(frame.stamp.t_ns) else None
        looking = [live for live in viewer.looking if live.wants_picture]
        if recording is None and not looking:
            return
        with self._gauges.timed("paint"):
            picture: U8 = painter.paint(frame, viewer.overlay(result))
        if recording is not None:
            recording.put(frame.stamp, picture)
        for live in looking:
            live.put(picture)

    def _tell_sight(self, sight: SightWatch, camera: str) -> None:
        now = (sight.state, sight.why)
        if now == self._told:
            return
        self._told = now
        if sight.state == "clear":
            log.info("%s: it sees again", camera)
        else:
            log.warning("%s: %s; meanwhile its time is not called seen, and no heat is kept", camera, sight.why)
        self._on_sight(*now)

    def _snapshot(self) -> None:
        assert self._stamp is not None
        assert self._parts.snapshots is not None
        self._snapshot_ns = self._stamp.t_ns
        self._parts.books.say(*self._parts.snapshots.make(self._scene, self._stamp.t_ns))

    def _people(self, result: Result, detections: Detections) -> F32:
        """Boxes (N, 4), in the frame's pixels, of all that may be people."""
        reference, size = self._parts.pipeline.reference, result.stamp.size
        scale = np.array([size.width / reference.width, size.height / reference.height] * 2, np.float32)
        return np.concatenate([result.tracks.xyxy * scale, detections.xyxy[detections.score >= _SEEN_SCORE]])
