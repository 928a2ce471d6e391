"""What one camera's steps have changed since its last commit, as values: what the books fill and the store writes. Neither is here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from edge.count.tally import Tally
from edge.data import I64, Message
from edge.roll import Array

Draft = Callable[[str, int], Message]
"""A message that is waiting for its place in the stream: called with (stream, seq) inside the transaction that gives it one."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A camera's memory after frame `frame`, good for going on from there as if nothing had happened.

    `source` names the file (or camera) it was, `done` that it had ended there; `digest` the options that `state`, the pipeline's arrays, is
    good for; `unsaid` what was counted since the last counts message, which began at `said_ns`.
    """

    timeline: str
    source: str
    frame: int
    t_ns: int
    digest: str
    state: Mapping[str, Array]
    unsaid: Tally
    said_ns: int
    done: bool = False


@dataclass(frozen=True, slots=True)
class KnownScene:
    """What a camera looked at when it was set up, as arrays, good for noticing that it was moved while nobody watched.

    `digest` names what that belongs to: the camera's address, and the lines and zones that were drawn on what it showed.
    """

    digest: str
    state: Mapping[str, Array]


@dataclass(slots=True)
class WindowChange:
    """What is added to one window [t0_ns, t1_ns): numbers, and microseconds in cells for each class."""

    t0_ns: int
    t1_ns: int
    tally: Tally = field(default_factory=Tally)
    heat: dict[str, I64] = field(default_factory=dict)
    """By class, all cells."""
    packed: dict[str, list[tuple[I64, I64]]] = field(default_factory=dict)
    """By class, what stood in `heat` before: cells that are not nothing, and what stood in them."""

    def pack(self) -> None:
        """Take less room: few cells of a minute are warm, and a full disk may keep minutes waiting for days."""
        for name, grid in self.heat.items():
            cells = np.flatnonzero(grid)
            self.packed.setdefault(name, []).append((cells, grid[cells]))
        self.heat.clear()

    def warm(self) -> Iterator[tuple[str, I64, I64]]:
        """Class, cells (each at most once) and what is added to them; a class may come several times."""
        for name, parts in self.packed.items():
            yield from ((name, *part) for part in parts)
        for name, grid in self.heat.items():
            cells = np.flatnonzero(grid)
            yield name, cells, grid[cells]


@dataclass(frozen=True, slots=True)
class Reset:
    """A new epoch for everything of a camera; `utc_ns` is None while the clock was never right."""

    utc_ns: int | None


@dataclass(slots=True)
class Change:
    """All of it, to be committed at once; `outbox` drafts get their sequence numbers then, in this order. A `reset` comes before all else of it."""

    camera: str
    timeline: str
    windows: dict[int, WindowChange] = field(default_factory=dict)
    outbox: list[Draft] = field(default_factory=list)
    last_values: list[Message] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    view: KnownScene | None = None
    reset: Reset | None = None

    def window(self, span: tuple[int, int]) -> WindowChange:
        """The part of this change that belongs to a window (t0_ns, t1_ns), made when it is first asked for."""
        if span[0] not in self.windows:
            for window in self.windows.values():
                window.pack()
            self.windows[span[0]] = WindowChange(*span)
        return self.windows[span[0]]
