"""One camera's parts, put together: from its configuration and what the store remembers of it. Threads begin elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edge.app.archive import Seen
from edge.app.drawn import drawn_in, warn_of_little_room
from edge.app.heatmap import HeatmapMaker
from edge.backends import painter_of
from edge.books import BookOptions, Books
from edge.change import Change, Checkpoint
from edge.config import CameraConfig, Config
from edge.count.tally import Tally, left_inside
from edge.data import Message, Result, Size
from edge.detect import class_ids
from edge.errors import DiskFull
from edge.heat import grid_size
from edge.messages import StatePayload, iso
from edge.overlay import live
from edge.pipeline import Pipeline
from edge.ports import Detector, Recorder, Source, SourceFacts, Timeline
from edge.runtime import BootTimeline, CameraParts, Clock, MediaTimeline
from edge.runtime.looking import LivePicture
from edge.runtime.recording import RecordingLane
from edge.runtime.session import SessionParts, Snapshots, Viewer
from edge.runtime.state import CameraState
from edge.scene import SightWatch
from edge.shapes import Overlay
from edge.sinks.options import RecordOptions
from edge.sources import check_source, open_source
from edge.store import Store, StoreSegments

if TYPE_CHECKING:
    from edge.backends.cuda.gpu import Gpu
    from edge.sinks.recorder_segment import MakeEncoder

log = logging.getLogger(__name__)

_LIVE_KINDS = ("rtsp", "v4l2", "csi", "gst")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all cameras of a device share."""

    config: Config
    store: Store
    clock: Clock
    boot: BootTimeline
    detector: Detector
    wake: Callable[[], None]
    most_bytes: Callable[[], int | None]
    """The largest payload the broker takes; None while it is not known."""
    realtime: bool
    must_open: bool
    start_time_utc_ns: int | None
    recorders: dict[str, Recorder]
    segments: StoreSegments | None = None
    """The index of recorded video; None where nothing is recorded."""
    make_encoder: MakeEncoder | None = None
    """Who encodes video; None for libx264."""
    open_source: Callable[..., Source] = open_source
    gpu: Gpu | None = None
    seen: dict[str, Seen] = field(default_factory=dict)
    """What is known of each camera that has given a frame."""
    looking: Mapping[str, Sequence[LivePicture]] = field(default_factory=dict)
    """Of each camera, the pictures of those who look at it now."""


class CameraBuilder:
    """Knows how one camera's loop, and later its session, is made."""

    def __init__(self, name: str, config: CameraConfig, around: Surroundings) -> None:
        self._name, self._config, self._around = name, config, around
        self._kind = check_source(config.source).kind
        self._unsaid: Message | None = None
        self._saying = threading.Lock()

    def parts(self) -> CameraParts:
        store = self._around.store
        point = store.checkpoint(self._name)
        return CameraParts(
            name=self._name,
            live=self._kind in _LIVE_KINDS,
            may_be_live=self._kind == "http",
            must_open=self._around.must_open,
            open=self._open,
            begin=self._begin,
            resume=point,
            last_seen_utc_ns=store.utc_ns(point.timeline, point.t_ns) if point else None,
            say_state=self._say_state,
            max_pause_s=self._around.config.max_pause_s,
        )

    def _open(self, start_index: int) -> Source:
        around = self._around
        return around.open_source(
            self._config.source,
            camera=self._name,
            start_index=start_index,
            realtime=around.realtime,
            start_time_utc_ns=around.start_time_utc_ns,
        )

    def _say_state(self, state: CameraState) -> None:
        around = self._around
        payload = StatePayload(
            device=around.config.device,
            camera=self._name,
            state=state.name,
            since=iso(state.since_utc_ns),
            why=state.why,
            gap_s=state.gap_s,
        )
        with self._saying:
            self._unsaid = Message(f"{self._name}/state", payload.to_bytes(), retain=True)
            try:
                self._say_unsaid()
            except DiskFull as error:  # a state that cannot be said must not end what can still be counted
                log.error("%s: the state %s is said when there is room: %s", self._name, state.name, error)
        around.wake()

    def _say_unsaid(self) -> None:
        if self._unsaid is not None:
            self._around.store.commit(Change(self._name, self._around.boot.id, last_values=[self._unsaid]))
            self._unsaid = None

    def _committed(self) -> None:
        """There is room on the disk: what could not be said before is said now, and the publisher has something to do."""
        with self._saying, contextlib.suppress(DiskFull):
            self._say_unsaid()
        self._around.wake()

    def _begin(self, facts: SourceFacts, size: Size, point: Checkpoint | None) -> SessionParts:
        """Everything for the first frame. UsageError where the configuration does not fit the picture or the model."""
        around, config, store = self._around, self._config, self._around.store
        reference = drawn_in(self._name, config, store, size, live=facts.live)
        warn_of_little_room(self._name, config, reference)
        names = around.detector.names
        options = config.pipeline_options(class_ids(config.classes, names, around.config.model))
        digest = hashlib.sha256(f"{options.digest} {reference} {names}".encode()).hexdigest()[:16]

        timeline = self._timeline(facts, point)
        if point is not None and point.timeline != timeline.id:
            remembered: Checkpoint | None = None  # another boot: its time has no continuity with this one's
        else:
            remembered = point
        last = store.checkpoint(self._name)
        if last is not None and last.done and not facts.live and last.source == facts.key:
            log.info("%s: %s was counted before; it is counted anew, into totals of a new epoch", self._name, config.source)
            # Of the day it is counted, not the day it was filmed: no two epochs may begin at one moment, or who adds them up sees one.
            store.reset(self._name, around.clock.utc_now_ns())
        places = {("line", name): line.digest for name, line in config.lines.items()}
        places |= {("zone", name): zone.digest for name, zone in config.zones.items()}
        places[("heat", "")] = f"{config.heat.cell} {reference} {config.heat.footprint} {config.anchor}"
        # Lines that are drawn anew are drawn on what the camera shows now; another file, or address, shows something else.
        scene = hashlib.sha256(f"{config.source if facts.live else facts.key} {places}".encode()).hexdigest()[:16]
        epochs = store.begin_epochs(self._name, places, around.clock.utc_now_ns())
        now_left = store.checkpoint(self._name)  # once more: a new epoch takes what was not said of the old one out of it
        unsaid = Tally() if now_left is None else now_left.unsaid
        totals = store.totals(self._name)

        pipeline = Pipeline(options, reference, first_id=1 if last is None else Pipeline.next_id(last.state))
        restored = remembered is not None and remembered.digest == digest
        if restored and remembered is not None:
            pipeline.restore(remembered.state)
        cells = grid_size(reference, config.heat.cell)
        books = Books(
            BookOptions(around.config.counts_every_s, config.heat.max_gap_s),
            device=around.config.device,
            camera=self._name,
            boot_id=timeline.id,
            timeline=timeline,
            class_names=names,
            cells=cells.width * cells.height,
            epochs={key: epoch for key, epoch in epochs.items() if key in places},
            totals=totals,
            resume=None if remembered is None else replace(remembered, unsaid=unsaid),
            unsaid=unsaid,
            since=store.epochs_since(self._name),
        )
        if not restored:
            vanished = left_inside(totals, config.zones)
            if vanished:
                books.correct(vanished, around.clock.now_ns() if facts.live else 0)
        around.seen[self._name] = Seen(reference, self._overlay(books, reference, timeline), books.totals)
        return SessionParts(
            pipeline=pipeline,
            books=books,
            digest=digest,
            source_key=facts.key,
            ledger=store,
            wake=self._committed,
            commit_s=around.config.commit_s,
            viewer=self._viewer(books, reference, timeline, facts.live),
            snapshots=self._snapshots(books, reference, timeline, facts.live),
            sight=None if config.sight is None else SightWatch(config.sight, known=store.view(self._name, scene)),
            scene_digest=scene,
        )

    def _timeline(self, facts: SourceFacts, point: Checkpoint | None) -> Timeline:
        around = self._around
        if facts.live:
            return around.boot
        start_ns = facts.start_utc_ns if facts.start_utc_ns is not None else around.clock.utc_now_ns() or 0
        if point is not None:
            known_ns = around.store.utc_ns(point.timeline, 0)
            return MediaTimeline(point.timeline, start_ns if known_ns is None else known_ns)
        timeline = MediaTimeline(f"media-{uuid.uuid4()}", start_ns)
        around.store.set_timeline(timeline.id, start_ns, known=True)
        return timeline

    def _overlay(self, books: Books, reference: Size, timeline: Timeline) -> Callable[[Result], Overlay]:
        config, names = self._config, self._around.detector.names

        def overlay(result: Result) -> Overlay:
            clock = iso(timeline.utc_ns(result.stamp.t_ns)) or ""
            shown = f"{self._name}  {clock[:10]} {clock[11:19]} UTC" if clock else self._name
            return live(config.overlay, reference, config.lines, config.zones, books.totals, result.tracks, names, shown)

        return overlay

    def _viewer(self, books: Books, reference: Size, timeline: Timeline, live_source: bool) -> Viewer | None:
        around, config = self._around, self._config
        record, looking = around.config.record if config.record else None, around.looking.get(self._name, ())
        if record is None and not looking:
            return None
        overlay = around.seen[self._name].overlay
        painter = painter_of(config.heat, reference, gpu=around.gpu, show_heat=config.overlay.heat)
        recording = None
        if record is not None:
            recording = RecordingLane(lambda: self._recorder(record, timeline), self._name, live=live_source, max_fps=record.max_fps)
        return Viewer(painter, overlay, recording, looking)

    def _recorder(self, record: RecordOptions, timeline: Timeline) -> Recorder:
        from edge.sinks.recorder import PyavRecorder

        around = self._around
        recorder = PyavRecorder(
            replace(record, folder=record.folder or around.config.state / "video"),
            self._name,
            utc_ns=timeline.utc_ns,
            timeline=timeline.id,
            index=around.segments.of(self._name) if around.segments else None,
            make_encoder=around.make_encoder,
        )
        around.recorders[self._name] = recorder
        return recorder

    def _snapshots(self, books: Books, reference: Size, timeline: Timeline, live_source: bool) -> Snapshots | None:
        around, config = self._around, self._config
        if config.heatmap is None:
            return None
        maker = HeatmapMaker(
            config,
            device=around.config.device,
            camera=self._name,
            reference=reference,
            timeline=timeline,
            store=around.store,
            totals=books.totals,
            folder=around.config.state,
            zone=around.config.timezone,
            most_bytes=around.most_bytes,
        )
        return Snapshots(config.heatmap.every_s, (maker if live_source else maker.everything()).make)
