"""A device announced to Home Assistant: as a last value of the store, so that every connection says it. What is told is `discovery`'s."""

from __future__ import annotations

import logging
from collections.abc import Callable

from edge import __version__
from edge.app.answering import base_topic
from edge.change import Change
from edge.config import Config
from edge.data import Message
from edge.discovery import CameraFound, DeviceFound, announcement, discovery_topic, retraction
from edge.errors import StoreError
from edge.ports import Heard
from edge.store import Store, StoreOutbox

log = logging.getLogger(__name__)


def announce(config: Config, store: Store, outbox: StoreOutbox) -> None:
    """Put the announcement among the last values, and take back one that stands elsewhere, or stands though it is not wanted any more.

    A disk that is full costs the announcement, and nothing else.
    """
    assert config.mqtt is not None
    try:
        before = {message.topic: message.payload for message in _announced(outbox)}
        now: list[Message] = []
        if config.mqtt.home_assistant:
            device, prefix = _found(config), config.mqtt.home_assistant_prefix
            now.append(announcement(device, prefix=prefix, before=before.get(f"/{discovery_topic(prefix, device)}", b"")))
        now += [retraction(topic) for topic in before if topic not in {message.topic for message in now}]
        changed = [message for message in now if before.get(message.topic) != message.payload]
        if changed:
            store.commit(Change("", "", last_values=changed))
    except StoreError as error:
        log.error("what Home Assistant is told stays as it was: %s", error)


def hears_home_assistant(config: Config, outbox: StoreOutbox, say: Callable[[Message], None]) -> dict[str, Callable[[Heard], None]]:
    """Where Home Assistant says that it has come: all is announced to it again, by `say`."""
    assert config.mqtt is not None
    if not config.mqtt.home_assistant:
        return {}

    def come(heard: Heard) -> None:
        if heard.payload == b"online" and not heard.retained:
            for message in _announced(outbox):
                say(message)

    return {f"{config.mqtt.home_assistant_prefix}/status": come}


def _announced(outbox: StoreOutbox) -> list[Message]:
    """The last values that stand on whole topics: announcements, and what took them back."""
    return [message for message in outbox.last_values() if message.topic.startswith("/")]


def _found(config: Config) -> DeviceFound:
    cameras = {
        name: CameraFound(
            lines=list(camera.lines),
            zones=list(camera.zones),
            classes=camera.classes,
            picture=None if camera.heatmap is None else f"image/{camera.heatmap.format}",
        )
        for name, camera in config.cameras.items()
    }
    return DeviceFound(config.device, base_topic(config), __version__, config.health_every_s, cameras)
