"""One camera's loop: what its reader gives goes to the accelerator, and one thread works on what that saw. How sources are kept open is `reader`'s."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from edge.change import Checkpoint
from edge.data import Frame, Size, Stamp
from edge.errors import EdgeError, SourceError
from edge.ports import Source, SourceFacts
from edge.runtime.accelerator import Lane, Seen
from edge.runtime.clock import Clock
from edge.runtime.errands import Errands, Sight
from edge.runtime.mailbox import Closed, Mailbox
from edge.runtime.reader import PATIENCE_S, Reader, ReaderParts
from edge.runtime.session import Session, SessionParts
from edge.runtime.state import CameraState, StateBoard

log = logging.getLogger(__name__)

_FILE_ROOM = 4
_GAP_S = 1.0
"""A camera that was gone for longer has a gap worth telling."""


@dataclass(frozen=True, slots=True)
class CameraParts:
    """What a camera's loop is made of. `begin` is called once, in the working thread, when the picture's size is known."""

    name: str
    live: bool
    must_open: bool
    """A source that cannot be opened at first is an error (a file, a command line), not something to wait for (a service's camera)."""
    open: Callable[[int], Source]
    begin: Callable[[SourceFacts, Size, Checkpoint | None], SessionParts]
    resume: Checkpoint | None
    last_seen_utc_ns: int | None
    say_state: Callable[[CameraState], None]
    max_pause_s: float
    patience_s: float = PATIENCE_S
    """How long a call into the source may take before it is taken to hang."""
    may_be_live: bool = False
    """Only opening it tells whether it is `live` (an http address): it is waited for as a camera is, and read as what it turns out to be."""


class CameraLoop:
    """Runs one camera until its source ends, it is stopped, or something fails that no reopening mends."""

    def __init__(self, parts: CameraParts, *, work: threading.Event, clock: Clock, on_error: Callable[[Exception], None]) -> None:
        self._parts = parts
        self._clock = clock
        self._on_error = on_error
        self.lane = Lane(
            frames=Mailbox(1 if parts.live else _FILE_ROOM, newest=parts.live, on_drop=Frame.close, on_change=work.set),
            seen=Mailbox[Seen](2, newest=False, on_change=work.set),
        )
        self.gauges = self.lane.gauges
        self.state = StateBoard(clock.utc_now_ns, self._tell_state)
        self.errands = Errands()
        self._stopping = threading.Event()
        self._facts: SourceFacts | None = None
        self._resumed: Checkpoint | None = None
        self._ended = False
        self._last_utc_ns = parts.last_seen_utc_ns
        self._next = 0
        self.gauges.drops["late"] = lambda: self.lane.frames.dropped
        self._threads = [
            threading.Thread(target=self._guarded, args=(self._read,), name=f"read {parts.name}"),
            threading.Thread(target=self._guarded, args=(self._work,), name=f"work {parts.name}"),
        ]

    @property
    def name(self) -> str:
        return self._parts.name

    @property
    def frames_done(self) -> int:
        return self.gauges.frames_processed

    @property
    def frames_in_all(self) -> int | None:
        """Frames that are still to be worked on in this run, at its start; None where nobody knows."""
        if self._facts is None or self._facts.frames is None:
            return None
        return self._facts.frames - (self._resumed.frame + 1 if self._resumed else 0)

    @property
    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Read no more; what was read is still worked on and committed."""
        self._stopping.set()
        self.lane.frames.close()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:  # noqa: BLE001  a thread's failure must reach the device, whatever it is
            self._on_error(error)
        finally:
            self.lane.frames.close()
            if run == self._work:
                self.errands.close()

    # Reading

    def _read(self) -> None:
        parts = self._parts
        reader = Reader(
            ReaderParts(
                name=self.name,
                open=self._source,
                on_opened=self._opened,
                on_frame=self._take,
                on_lost=partial(self.state.link, "reconnecting"),
                live=parts.live or parts.may_be_live,
                must_open=parts.must_open,
                max_pause_s=parts.max_pause_s,
                patience_s=parts.patience_s,
            ),
            self._stopping,
        )
        try:
            self._ended = reader.read()
        except SourceError as error:
            self.state.link("failed", str(error))
            raise

    def _opened(self, facts: SourceFacts) -> None:
        self._facts = facts
        if facts.live:
            self.lane.frames.keep_newest()
        self.gauges.opened += 1

    def _take(self, frame: Frame, first: bool) -> None:
        if first:
            self._say_live()
        self._next = frame.stamp.index + 1  # no index is given twice, by whichever opening of the source
        self.gauges.frames_in += 1
        try:
            self.lane.frames.put(frame)
        except Closed:
            self.gauges.frames_in -= 1  # nobody took it: it must not be missed among those that were counted on or dropped
            raise

    def _source(self) -> Source:
        """The source where reading goes on: at first after the checkpoint, if that is of this very file and it was not finished."""
        point = self._parts.resume
        if self._next or point is None:
            return self._parts.open(self._next)
        if self._parts.live:
            return self._parts.open(point.frame + 1)
        with self._parts.open(0) as source:
            same = source.facts.key == point.source
        if same and not point.done:
            log.info("%s: going on after frame %d, where the last run was interrupted", self.name, point.frame)
            self._resumed = point
            return self._parts.open(point.frame + 1)
        return self._parts.open(0)

    def _tell_state(self, state: CameraState) -> None:
        self.gauges.state = state.name
        self._parts.say_state(state)

    def _say_live(self) -> None:
        gap_s = None
        if self._facts is not None and self._facts.live:
            now_ns = self._clock.utc_now_ns()
            if now_ns is not None and self._last_utc_ns is not None:
                missed_s = (now_ns - self._last_utc_ns) * 1e-9
                gap_s = round(missed_s, 3) if missed_s > _GAP_S else None
        self.state.link("live", gap_s=gap_s)

    # Working

    def _work(self) -> None:
        try:
            first = self.lane.seen.take()
        except Closed:
            if not (self._ended and self._resumed):
                return
            first = None  # the last run was interrupted after the last frame: only the end is missing
        assert self._facts is not None
        point = self._parts.resume if self._parts.live else self._resumed
        size = first[0].stamp.size if first else self._facts.size
        parts = self._parts.begin(self._facts, size, point)
        after = Stamp(self.name, point.frame, point.t_ns, size) if point and not first else None
        with Session(parts, after=after, gauges=self.gauges, on_sight=self.state.sight) as session:
            try:
                if first:
                    self._step(session, first)
                self._work_on(session)
            except EdgeError:
                self._keep(session)
                raise
            session.finish(done=self._ended)
        if self._ended:
            self.state.link("ended")

    def _keep(self, session: Session) -> None:
        """Commit what was counted, whatever ends this; a failure that follows from the first is only logged."""
        try:
            session.finish(done=False)
        except EdgeError as error:
            log.error("%s: %s", self.name, error)

    def _work_on(self, session: Session) -> None:
        while True:
            try:
                seen = self.lane.seen.take(0.1)
            except Closed:
                return
            if seen is not None:
                self._step(session, seen)
            self.errands.run(session)
            session.commit_if_due()

    def _step(self, session: Session, seen: Seen) -> None:
        frame, detections = seen
        with frame:
            result = session.step(frame, detections)
            self.errands.run(session, Sight(frame, result))
        self.gauges.frames_processed += 1
        if self._facts is not None and self._facts.live:
            self.gauges.worked((self._clock.now_ns() - frame.stamp.t_ns) * 1e-9)
        self._last_utc_ns = self._clock.utc_now_ns() or self._last_utc_ns
