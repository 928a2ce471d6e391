"""A broker that says no, as an error with a remedy. Reading its words off the wire is `mqtt_link`'s."""

from __future__ import annotations

from paho.mqtt.reasoncodes import ReasonCode

from edge.errors import BrokerRefused

# What to do, by MQTT 5 reason code (paho translates the six codes of 3.1.1 to these).
_REMEDY = {
    0x84: 'set protocol to "3.1.1"',
    0x85: "choose another client_id",
    0x86: "check username and password",
    0x87: "check username and password, and what the broker lets this user read and write",
    0x8A: "ask whoever runs the broker to lift the ban",
    0x8C: "this broker wants a way to log in other than a password",
    0x8E: "another connection uses the same client_id; give each device its own name",
    0x97: "raise the broker's quota for this user",
    0x9A: "let the broker keep retained messages",
    0x9B: "let the broker accept QoS 1",
}


def refused(where: str, what: str, code: ReasonCode) -> BrokerRefused:
    """`what` the broker at `where` does, and why, in a sentence."""
    remedy = _REMEDY.get(code.value, "the broker's log may say why")
    return BrokerRefused(f"{where} {what}: {str(code).lower()}; {remedy}")
