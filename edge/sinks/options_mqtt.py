"""How a broker is reached, as values a user writes; nothing here opens a socket or knows a client library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """Where the broker is and how it is spoken to. ValueError says which field is wrong and what would be right."""

    url: str = "mqtt://localhost:1883"
    """`mqtt://host[:port]`, port 1883 if silent. User and password have fields of their own, so that no log shows them."""
    username: str | None = None
    """Who the broker takes us for; None for a broker that asks nobody."""
    password: str | None = field(default=None, repr=False)
    """Never in a repr, never in a log."""
    protocol: Literal["5", "3.1.1"] = "5"
    """The version of MQTT that is spoken; old brokers know 3.1.1 only."""
    prefix: str = "edge"
    """First level or levels of every topic: `{prefix}/{device}/...`."""
    client_id: str | None = None
    """The name of the connection; None makes one of prefix and device. Two connections of one name throw each other out."""
    keepalive_s: int = 30
    """A connection on which nothing comes back for about twice as long is given up."""
    in_flight: int = 20
    """How many messages may be under way unacknowledged; also bounds what a lost connection repeats."""
    connect_timeout_s: float = 5.0
    """How long a broker may take to answer at all."""
    ack_timeout_s: float = 60.0
    """A broker that acknowledges nothing for so long, while messages wait, is dialled anew."""
    first_pause_s: float = 0.5
    """The pause after a first failure; it doubles with each further one, jittered."""
    max_pause_s: float = 15.0
    """The longest pause between two attempts, and the usual one after a refusal."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username is not None or parts.password is not None:
            # The url is not repeated: it holds a password.
            raise ValueError("url must not hold a user or password; write them as username and password")
        if parts.scheme == "mqtts":
            raise ValueError(f"url is {self.url!r}: TLS comes in a later version; use mqtt:// inside a network you trust")
        if parts.scheme != "mqtt" or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"url is {self.url!r}, wanted mqtt://host or mqtt://host:port")
        try:
            valid = parts.port is None or parts.port > 0
        except ValueError:
            valid = False
        if not valid:
            raise ValueError(f"url is {self.url!r}: the port must be a number in 1..65535")
        if self.protocol not in ("5", "3.1.1"):
            raise ValueError(f'protocol is {self.protocol!r}, wanted "5" or "3.1.1"')
        if self.password is not None and not self.username:
            raise ValueError("a password is given without a username; give both or none")
        levels = self.prefix.split("/")
        if not all(levels) or len(levels) > 3 or set(self.prefix) & set("+#\0") or self.prefix.startswith("$"):
            raise ValueError(
                f"prefix is {self.prefix!r}, wanted one to three topic levels such as edge or site/edge, without + # or a leading $"
            )
        if self.client_id == "":
            raise ValueError("client_id is empty; leave it out to have one made of prefix and device")
        if not 1 <= self.in_flight <= 1000:
            raise ValueError(f"in_flight is {self.in_flight}, wanted 1..1000")
        if not 1 <= self.keepalive_s <= 65535:
            raise ValueError(f"keepalive_s is {self.keepalive_s}, wanted 1..65535")
        for name in ("connect_timeout_s", "ack_timeout_s", "first_pause_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted more than 0")
        if self.max_pause_s < self.first_pause_s:
            raise ValueError(f"max_pause_s is {self.max_pause_s}, wanted at least first_pause_s, {self.first_pause_s}")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 1883
