"""Requests joined to a device: from the publisher to the desk, from the desk to the archive, and back. No rule is decided here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.app.archive import DeviceArchive, Seen
from edge.config import Config
from edge.data import Message
from edge.ports import Heard
from edge.requests import Answerer, Asked
from edge.runtime import Clock, Device
from edge.runtime.desk import Desk
from edge.store import Store, StoreReader

if TYPE_CHECKING:
    from edge.sinks.mqtt import MqttPublisher


def base_topic(config: Config) -> str:
    """What the device's topics begin with."""
    assert config.mqtt is not None
    return f"{config.mqtt.prefix}/{config.device}"


def hears(config: Config, desk: Desk) -> dict[str, Callable[[Heard], None]]:
    """The topics on which somebody asks, and who takes what comes there."""
    commands = f"{base_topic(config)}/cmd"

    def take(heard: Heard) -> None:
        verb = heard.topic.removeprefix(commands).removeprefix("/")
        desk.take(Asked.of(verb, heard.payload, reply_to=heard.reply_to, correlation=heard.correlation, retained=heard.retained))

    return {f"{commands}/#": take}


@contextmanager
def answering(
    desk: Desk, config: Config, *, store: Store, clock: Clock, device: Device, seen: Mapping[str, Seen], publisher: MqttPublisher
) -> Iterator[None]:
    """The desk at work, over a device that is ready to run."""
    loops = {loop.name: loop for loop in device.cameras}
    with StoreReader(store.path) as reader:
        archive = DeviceArchive(config, reader=reader, clock=clock, seen=seen, loops=loops)
        answerer = Answerer(config.requests, archive, device=config.device, base=base_topic(config), live_pictures=config.live_pictures)

        def answer(asked: Asked, now_s: float) -> Iterator[Message]:
            return answerer.answer(asked, now_s, most_bytes=publisher.memory.most_bytes)

        with desk.answering(answer, publisher.reply):
            yield
