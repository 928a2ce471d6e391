"""How a broker is reached, as values a user writes; nothing here opens a socket, reads a secret or knows a client library."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How an encrypted connection proves who is at its ends. The broker's certificate and its name are checked, always unless said otherwise."""

    ca: Path | None = None
    """A file of certificates (PEM) of those who may sign the broker's; None for those the system trusts."""
    certificate: Path | None = None
    """This device's own certificate (PEM), for a broker that asks for one."""
    key: Path | None = None
    """The key of that certificate (PEM), without a password: protect it by its owner and mode; None if it stands in the same file."""
    insecure_skip_server_name_check: bool = False
    """Take a good certificate for another name than the one that was dialled: anybody who has one can then be your broker."""

    def __post_init__(self) -> None:
        if self.key is not None and self.certificate is None:
            raise ValueError("key is given without a certificate; give both, or none")


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """Where the broker is and how it is spoken to. ValueError says which field is wrong and what would be right."""

    url: str = "mqtt://localhost:1883"
    """`mqtt://host[:port]`, port 1883 if silent, or `mqtts://` for TLS, port 8883. User and password have keys of their own, so that no log shows them."""
    username: str | None = None
    """Who the broker takes us for; null for a broker that asks nobody."""
    username_file: Path | None = None
    """Instead: a file whose first line is the user's name."""
    username_env: str | None = None
    """Instead: an environment variable that holds the user's name."""
    password: str | None = field(default=None, repr=False)
    """Never in a log. Rather write it elsewhere and name the place, with one of the next two keys."""
    password_file: Path | None = None
    """Instead: a file whose first line is the password. It is read at each connection, so it may change."""
    password_env: str | None = None
    """Instead: an environment variable that holds the password."""
    tls: TlsOptions | None = None
    """With a mqtts:// url, {ca, certificate, key, insecure_skip_server_name_check}; null checks the broker against the system's certificates."""
    protocol: Literal["5", "3.1.1"] = "5"
    """The version of MQTT that is spoken; old brokers know 3.1.1 only."""
    prefix: str = "edge"
    """First level or levels of every topic: `{prefix}/{device}/...`."""
    client_id: str | None = None
    """The name of the connection; null makes one of prefix and device. Two connections of one name throw each other out."""
    home_assistant: bool = False
    """Whether the device shows itself in Home Assistant, by MQTT discovery: its lines, zones, heatmaps and state."""
    home_assistant_prefix: str = "homeassistant"
    """Where Home Assistant listens for devices; the discovery prefix of its MQTT integration."""
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
        self._check_url()
        if self.protocol not in ("5", "3.1.1"):
            raise ValueError(f'protocol is {self.protocol!r}, wanted "5" or "3.1.1"')
        for name in ("username", "password"):
            places = (f"{name}_file", f"{name}_env")
            if sum(getattr(self, place) is not None for place in (name, *places)) > 1:
                raise ValueError(f"{name} stands in more than one place; give one of {name}, {places[0]}, {places[1]}")
        if self._has("password") and not self._has("username"):
            raise ValueError("a password is given without a username; give both or none")
        levels = self.prefix.split("/")
        if not all(levels) or len(levels) > 3 or set(self.prefix) & set("+#\0") or self.prefix.startswith("$"):
            raise ValueError(
                f"prefix is {self.prefix!r}, wanted one to three topic levels such as edge or site/edge, without + # or a leading $"
            )
        if not all(self.home_assistant_prefix.split("/")) or set(self.home_assistant_prefix) & set("+#\0$"):
            raise ValueError(
                f"home_assistant_prefix is {self.home_assistant_prefix!r}, wanted a topic such as homeassistant, without + # or $"
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

    def _check_url(self) -> None:
        parts = urlsplit(self.url)
        if parts.username is not None or parts.password is not None:
            # The url is not repeated: it holds a password.
            raise ValueError("url must not hold a user or password; write them as username and password")
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"url is {self.url!r}, wanted mqtt://host or mqtt://host:port, or mqtts:// for TLS")
        try:
            valid = parts.port is None or parts.port > 0
        except ValueError:
            valid = False
        if not valid:
            raise ValueError(f"url is {self.url!r}: the port must be a number in 1..65535")
        if self.tls is not None and parts.scheme != "mqtts":
            raise ValueError(f"tls is given, and url is {self.url!r}; write mqtts:// to use it, or leave tls out")

    def _has(self, name: str) -> bool:
        return any(getattr(self, place) for place in (name, f"{name}_file", f"{name}_env"))

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def encrypted(self) -> bool:
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (8883 if self.encrypted else 1883)
