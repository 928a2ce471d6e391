"""The broker of the configuration, really asked: a connection with its own settings, and a goodbye. Who publishes what is not known here."""

from __future__ import annotations

import time

from edge.doctor.findings import Finding, right, wrong
from edge.doctor.machine import Machine
from edge.doctor.needs import Needs
from edge.errors import EdgeError


def broker(machine: Machine, needs: Needs) -> list[Finding]:
    """Reached, spoken to and logged in at, by the very code that the service does it with; under a name that throws nobody out."""
    if needs.config is None or needs.config.mqtt is None:
        return []
    from edge.sinks.mqtt_check import check_broker

    options = needs.config.mqtt
    began_s = time.monotonic()
    try:
        check_broker(options)
    except EdgeError as error:
        says, _, remedy = str(error).partition("; ")
        return [wrong("broker", says, remedy or "check `mqtt.url`, and that a broker runs there")]
    took_ms = (time.monotonic() - began_s) * 1000
    user = options.username or options.username_file or options.username_env
    who = f"takes the login of {user}" if user else "asks for no login"
    safe = "" if options.url.startswith("mqtt:") else ", has a certificate that can be trusted"
    return [right("broker", f"{options.url} answers in {took_ms:.0f} ms{safe}, speaks MQTT {options.protocol} and {who}")]
