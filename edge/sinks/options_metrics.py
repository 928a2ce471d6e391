"""What a user says about the page that Prometheus reads. Nothing is served here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Where Prometheus reads the device's health."""

    host: str = "127.0.0.1"
    """The address it is read at. This machine only, unless told otherwise: the page has no password."""
    port: int = 9464
    """The port it is read at, `http://host:port/metrics`."""

    def __post_init__(self) -> None:
        if not self.host:
            raise ValueError("host is empty, wanted an address of this machine such as 127.0.0.1")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port is {self.port}, wanted 1..65535 (0 takes a free one)")
