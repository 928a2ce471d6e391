"""Last values of cameras and heatmaps that went out of the configuration are taken back from the broker. What is said of those that stay is not here."""

from __future__ import annotations

import logging

from edge.change import Change
from edge.config import Config
from edge.discovery import retraction
from edge.errors import StoreError
from edge.store import Store, StoreOutbox

log = logging.getLogger(__name__)


def retire(config: Config, store: Store, outbox: StoreOutbox) -> None:
    """Put nothing in the place of each retained value that nobody will renew: else a camera that was taken away stays `live` for ever.

    A value of which newer ones still wait in the outbox is taken back at the next start. A disk that is full costs this, and nothing else.
    """
    try:
        gone = [message.topic for message in outbox.last_values() if message.payload and not _stands(config, message.topic)]
        if gone:
            store.commit(Change("", "", last_values=[retraction(topic) for topic in gone]))
            log.info("no longer in the configuration, and taken back from the broker: %s", ", ".join(gone))
    except StoreError as error:
        log.error("what is no longer in the configuration stays at the broker: %s", error)


def _stands(config: Config, topic: str) -> bool:
    name, _, kind = topic.partition("/")
    if not name or not kind:  # on a whole topic, or the device's own
        return True
    camera = config.cameras.get(name)
    return camera is not None and (camera.heatmap is not None or not kind.startswith("heatmap"))
