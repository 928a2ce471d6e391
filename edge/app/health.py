"""How a device's health is measured and who is told: the meter over its cameras, put together. What is measured is the runtime's."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge import __version__
from edge.config import Config
from edge.errors import StoreError
from edge.health import BrokerHealth, HealthPayload, health_message
from edge.runtime import Clock, Device, HealthMeter
from edge.store import Store, StoreOutbox

if TYPE_CHECKING:
    from edge.sinks.mqtt import MqttPublisher

log = logging.getLogger(__name__)


def health_meter(
    config: Config,
    device: Device,
    *,
    store: Store,
    clock: Clock,
    boot_id: str,
    publisher: MqttPublisher | None,
    outbox: StoreOutbox | None,
) -> HealthMeter:
    """Measures every `health_every_s`, and says it on `health`."""

    def broker() -> BrokerHealth:
        assert publisher is not None
        assert outbox is not None
        try:
            waiting = outbox.waiting()
        except StoreError as error:
            log.error("%s", error)
            waiting = 0
        return BrokerHealth(
            connected=publisher.connected,
            connects=publisher.memory.connects,
            trouble=publisher.trouble,
            outbox=waiting,
            left_out=publisher.memory.left_out,
        )

    def say(health: HealthPayload) -> None:
        if publisher is not None:
            # Whoever sleeps through three of them is not to be woken with the first.
            publisher.say(health_message(health, expiry_s=max(1, round(3 * config.health_every_s))))

    return HealthMeter(
        head={"device": config.device, "stream": store.stream, "boot_id": boot_id, "version": __version__},
        clock=clock,
        cameras={camera.name: camera.gauges for camera in device.cameras},
        folder=store.path.parent,
        every_s=config.health_every_s,
        broker=broker if publisher is not None and outbox is not None else None,
        on_health=say,
    )
