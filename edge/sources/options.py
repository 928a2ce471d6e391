"""What a user says about where a camera's pictures come from. Nothing is opened here, and no vendor is imported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge.sources.address import check_source


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """One camera's source. Size, rate and format of a local camera stand in its URI."""

    uri: str
    """A path, or a URI: file:// http(s):// rtsp(s):// v4l2:// csi:// gst:// synthetic://"""

    realtime: bool = False
    """Pace a file by its own time instead of reading it as fast as it goes. Live sources are always paced by the camera."""

    start_time: datetime | None = None
    """The wall time of a file's first picture, with its zone; silent: the file's own creation tag, else its date."""

    open_timeout_s: float = 5.0
    """How long connecting may take."""

    read_timeout_s: float = 2.0
    """How long an opened camera or URL may be silent before that is an error."""

    def __post_init__(self) -> None:
        check_source(self.uri)
        if self.start_time is not None and self.start_time.tzinfo is None:
            raise ValueError(
                f"start_time {self.start_time.isoformat()} has no zone; write {self.start_time.isoformat()}Z or +02:00 behind it"
            )
        for name in ("open_timeout_s", "read_timeout_s"):
            if not 0 < getattr(self, name) <= 300:
                raise ValueError(f"{name} must be over 0 and at most 300 seconds, here it is {getattr(self, name)}")

    @property
    def start_time_utc_ns(self) -> int | None:
        """`start_time` in nanoseconds since 1970, UTC."""
        return None if self.start_time is None else round(self.start_time.timestamp() * 1_000_000) * 1000

    @property
    def timeout_s(self) -> tuple[float, float]:
        """Opening and reading, as `open_source` takes them."""
        return (self.open_timeout_s, self.read_timeout_s)
