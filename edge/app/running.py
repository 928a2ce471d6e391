"""A whole device from a configuration: store, broker, detector, cameras, in one ExitStack."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge import __version__
from edge.app.announcing import announce, hears_home_assistant
from edge.app.answering import answering, base_topic, hears
from edge.app.camera import CameraBuilder, Surroundings
from edge.app.health import health_meter
from edge.app.heartbeat import Heartbeat
from edge.app.model import Machinery, machinery
from edge.app.notify import ServiceManager
from edge.app.retiring import retire
from edge.app.viewing import WINDOW_FPS, live_pictures, view_page
from edge.app.warming import Warming
from edge.config import Config
from edge.data import Message
from edge.engine import OnProgress, Progress
from edge.errors import BrokerError, StoreError
from edge.messages import SCHEMA, StatusPayload, iso
from edge.ports import Detector, Recorder, Source
from edge.runtime import BootTimeline, Clock, Device, HealthMeter
from edge.runtime.clock import this_boot
from edge.runtime.desk import Desk
from edge.runtime.heaps import keep_heaps_few
from edge.runtime.looking import LivePicture
from edge.runtime.watchdog import Watchdog
from edge.sinks.recorder_choice import choose_encoder
from edge.sources import open_source
from edge.store import Store, StoreOutbox, StoreSegments

if TYPE_CHECKING:
    from edge.sinks.mqtt import MqttPublisher

log = logging.getLogger(__name__)

_CONDENSE_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run differs from a service's."""

    realtime: bool = False
    """Files at their own pace."""
    must_open: bool = False
    """A camera that is not there ends the run, instead of being waited for."""
    start_time_utc_ns: int | None = None
    """When a file was filmed."""
    show: bool = False
    """Somebody draws windows: `Running.shown` are the pictures for them."""
    drain_s: float = 10.0
    """How long the end waits for the broker to take what is left."""


@dataclass(slots=True)
class Running:
    """A device that is ready to run."""

    device: Device
    store: Store
    publisher: MqttPublisher | None
    recorders: dict[str, Recorder]
    health: HealthMeter
    watchdog: Watchdog
    shown: Mapping[str, LivePicture]
    _manager: ServiceManager = field(default_factory=ServiceManager)
    _heartbeat: Heartbeat = field(default_factory=Heartbeat)
    _drain_s: float = 0.0
    _condense: Callable[[], None] = field(default=lambda: None)

    def run(self, on_tick: Callable[[], None] = lambda: None, *, every_s: float = 0.2) -> None:
        """Run to the end, then give the broker time to take what is left; raises what made it fail. `on_tick` is called `every_s` or so.

        BrokerError: the sources came to their end, and the broker has not taken all. Who stops a run has said that it may be left.
        """

        def tick() -> None:
            self._condense()
            self.health.tick()
            now_s = time.monotonic()
            self.watchdog.look(now_s)
            self._manager.tick(now_s, self.watchdog)
            self._heartbeat.tick(now_s, self.watchdog)
            on_tick()

        try:
            with self._manager.at_work():
                self.device.run(tick, every_s=every_s)
        except BaseException:
            if self.publisher is not None and self.publisher.connected:  # a failure is not kept waiting for a broker that is away
                self.publisher.drain(self._drain_s)
            raise
        if self.publisher is not None and not self.publisher.drain(self._drain_s):
            why = self.publisher.trouble or f"the broker did not take all messages in {self._drain_s:g} s"
            left = f"{why}; what was counted is kept, and its messages wait in the outbox for the next run"
            if not self.device.stopped:
                raise BrokerError(left)
            log.warning("%s", left)


@contextmanager
def running(
    config: Config,
    options: RunOptions,
    *,
    detector: Detector | None = None,
    sources: Callable[..., Source] = open_source,
    on_warming: OnProgress | None = None,
) -> Iterator[Running]:
    """All parts of a device, opened; closed in reverse. `detector` replaces the configuration's own, `sources` what opens its cameras.

    Where an engine must be built first, that is waited for here: `status` says so, and `on_warming` hears of it.
    """
    keep_heaps_few()  # before threads begin
    with ExitStack() as stack:
        store = stack.enter_context(Store(config.state / "edge.db", outbox_rows=config.outbox_rows if config.mqtt else 0))
        boot_id = this_boot()
        clock = Clock(
            on_offset=lambda offset_ns, known, step_at_ns: store.set_timeline(boot_id, offset_ns, known=known, step_at_ns=step_at_ns),
            remembered=store.timeline(boot_id),
        )
        clock.observe()
        status = _status(config, store, boot_id, clock)
        desk = Desk()
        outbox = stack.enter_context(StoreOutbox(store.path)) if config.mqtt else None
        if outbox is not None:
            announce(config, store, outbox)
            retire(config, store, outbox)
        publisher = stack.enter_context(_publisher(config, store, outbox, status, desk)) if outbox is not None else None

        manager, heartbeat = ServiceManager.from_environment(), Heartbeat.from_environment()
        heartbeat.starting()

        def warms(progress: Progress) -> None:
            manager.warming(progress)
            heartbeat.warming(progress)
            if publisher is not None:
                left_s = None if progress.left_s is None else round(progress.left_s, 1)
                publisher.announce(status("warming", share=round(progress.share, 3), left_s=left_s))

        warming = Warming(warms, on_warming)
        made = Machinery(detector) if detector is not None else stack.enter_context(machinery(config, warming))
        if publisher is not None and (warming.began or made.trouble):
            publisher.announce(status("online", trouble=made.trouble))
        recorders: dict[str, Recorder] = {}
        shown = live_pictures(config, WINDOW_FPS) if options.show else {}
        viewed = live_pictures(config, config.view.max_fps) if config.view is not None else {}
        around = Surroundings(
            config=config,
            store=store,
            clock=clock,
            boot=BootTimeline(clock, boot_id),
            detector=made.detector,
            gpu=made.gpu,
            wake=publisher.wake if publisher else lambda: None,
            most_bytes=lambda: publisher.memory.most_bytes if publisher else None,
            realtime=options.realtime,
            must_open=options.must_open,
            start_time_utc_ns=options.start_time_utc_ns,
            recorders=recorders,
            segments=stack.enter_context(StoreSegments(store.path)) if config.record else None,
            make_encoder=choose_encoder(config.record) if config.record else None,
            open_source=sources,
            looking={name: [by[name] for by in (shown, viewed) if by] for name in config.cameras},
        )
        cameras = [CameraBuilder(name, camera, around).parts() for name, camera in config.cameras.items()]
        device = Device(around.detector, cameras, clock)
        if publisher is not None:
            parts = answering(desk, config, store=store, clock=clock, device=device, seen=around.seen, publisher=publisher)
            stack.enter_context(parts)
        health = health_meter(config, device, store=store, clock=clock, boot_id=boot_id, publisher=publisher, outbox=outbox)
        if config.metrics is not None:
            from edge.sinks.metrics import MetricsPage

            stack.enter_context(MetricsPage(config.metrics, lambda: health.latest))
        if config.view is not None:
            page = view_page(config, store=store, device=device, seen=around.seen, health=health, pictures=viewed)
            stack.enter_context(page)
        watchdog = Watchdog({camera.name: camera.gauges for camera in device.cameras})
        condense = _condenser(config, store, clock)
        yield Running(
            device,
            store,
            publisher,
            recorders,
            health,
            watchdog,
            shown,
            _manager=manager,
            _heartbeat=heartbeat,
            _drain_s=options.drain_s,
            _condense=condense,
        )


def _status(config: Config, store: Store, boot_id: str, clock: Clock) -> Callable[..., Message]:
    """A function that makes the device's `status` of a state and what else is to be said."""

    def status(state: str, **more: Any) -> Message:
        payload = StatusPayload(
            device=config.device,
            state=state,
            version=__version__,
            stream=store.stream,
            boot_id=boot_id,
            cameras=list(config.cameras),
            since=iso(clock.utc_now_ns()),
            **more,
        )
        return Message("status", payload.to_bytes(), retain=True)

    return status


def _publisher(config: Config, store: Store, outbox: StoreOutbox, status: Callable[..., Message], desk: Desk) -> MqttPublisher:
    from edge.sinks.mqtt import MqttPublisher

    assert config.mqtt is not None

    def again(message: Message) -> None:
        publisher.reply(message, timeout_s=0.0)  # called in its own thread, which must not wait for itself

    publisher = MqttPublisher(
        config.mqtt,
        outbox,
        base_topic=base_topic(config),
        birth=status("online"),
        will=status("offline"),
        user_properties={"schema": str(SCHEMA), "stream": store.stream},
        hears={**hears(config, desk), **hears_home_assistant(config, outbox, again)},
    )
    return publisher


def _condenser(config: Config, store: Store, clock: Clock) -> Callable[[], None]:
    """A function that merges old minutes into hours, at most once an hour however often it is called."""
    due_s = time.monotonic() + 60

    def condense() -> None:
        nonlocal due_s
        now_ns = clock.utc_now_ns()
        if time.monotonic() < due_s or now_ns is None:
            return
        due_s = time.monotonic() + _CONDENSE_EVERY_S
        try:
            store.condense(now_ns - round(config.minute_retention_days * 86_400e9))
        except StoreError as error:
            log.error("%s", error)

    return condense
