"""What a user can say about requests: which are answered, and how many. How they are answered is not here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """Which requests are answered. Whoever can write to the device's `cmd` topics can ask; the broker decides who that is."""

    snapshot: bool = True
    """Whether heat is told: pictures without people, and grids."""
    counts: bool = True
    """Whether counts of a span are told."""
    commands: bool = False
    """Whether `reset`, `config` and `cameras` are done too. They change what is counted, and tell where cameras are."""
    per_minute: float = 60.0
    """So many requests are answered in the long run; what comes faster hears `too_many` once a second, then nothing."""
    burst: int = 10
    """So many requests are answered at once after a quiet time."""

    def __post_init__(self) -> None:
        if not 0 < self.per_minute <= 6000:
            raise ValueError(f"per_minute is {self.per_minute:g}, wanted more than 0 and at most 6000")
        if not 1 <= self.burst <= 1000:
            raise ValueError(f"burst is {self.burst}, wanted 1..1000")
