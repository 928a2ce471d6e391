"""What a user says about the page on which the cameras can be looked at. Nothing is served here, and no vendor is imported."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """Where, and how much, a browser sees of the cameras at work: live pictures with people on them, states and counts."""

    host: str = "127.0.0.1"
    """The address it is looked at. This machine only, unless told otherwise: the page has no password. Any other needs `live_pictures: true`."""
    port: int = 8090
    """The port it is looked at, `http://host:port/`."""
    max_fps: float = 10.0
    """At most so many pictures a second of each camera."""
    max_width: int = 960
    """Wider pictures are scaled down to so many pixels."""
    viewers: int = 8
    """At most so many moving pictures at once; whoever comes later is told so."""
    names: tuple[str, ...] = ()
    """Names under which browsers may ask for it, besides addresses, localhost and the host's own: a reverse proxy's, for instance."""

    def __post_init__(self) -> None:
        if not self.host:
            raise ValueError("host is empty, wanted an address of this machine such as 127.0.0.1")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port is {self.port}, wanted 1..65535 (0 takes a free one)")
        if not 0.1 <= self.max_fps <= 60:
            raise ValueError(f"max_fps is {self.max_fps:g}, wanted 0.1 to 60 pictures a second")
        if self.max_width < 64:
            raise ValueError(f"max_width is {self.max_width}, wanted at least 64 px")
        if not 1 <= self.viewers <= 100:
            raise ValueError(f"viewers is {self.viewers}, wanted 1 to 100 at once")
        object.__setattr__(self, "names", tuple(name.lower() for name in self.names))

    @property
    def on_this_machine(self) -> bool:
        """Whether nobody but this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"
