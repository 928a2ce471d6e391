"""Whether a broker would have us: asked before a device runs, and by `edge doctor`."""

from __future__ import annotations

import uuid

from edge.sinks.mqtt_link import Link
from edge.sinks.options_mqtt import MqttOptions


def check_broker(options: MqttOptions) -> None:
    """Connect once, and leave. Raises BrokerError when nobody answers, BrokerRefused when the answer is no."""
    # A name of its own: the device that runs meanwhile must not be thrown out.
    with Link(options, f"{options.client_id or 'edge'}-check-{uuid.uuid4().hex[:8]}") as link:
        link.farewell()
