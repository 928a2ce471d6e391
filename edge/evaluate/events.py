"""How well counted crossings are the true ones: totals and single events. Finding crossings is not done here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge.data import LineVerb

TOLERANCE_NS = 1_000_000_000
"""A counted crossing and a true one that are farther apart than this are two."""


@dataclass(frozen=True, slots=True)
class Passing:
    """One crossing of one line, counted or true, and when; a true one at infinity was never shown to the counter."""

    line: str
    verb: LineVerb
    t_ns: float


def event_f1(counted: Iterable[Passing], truth: Iterable[Passing], *, tolerance_ns: float = TOLERANCE_NS) -> float:
    """The F1 score of counted events, matched one to one with true ones of the same line and direction within the tolerance; 1 when there are none."""
    ours, theirs = _times(counted), _times(truth)
    events = sum(map(len, ours.values())) + sum(map(len, theirs.values()))
    matched = sum(_matched(ours[key], theirs[key], tolerance_ns) for key in ours.keys() & theirs.keys())
    return 2 * matched / events if events else 1.0


def count_error(counted: Mapping[tuple[str, str], int], truth: Mapping[tuple[str, str], int]) -> float:
    """Sum of ``|counted - true|`` over lines and directions, in true crossings (where there are none, in single crossings)."""
    wrong = sum(abs(counted.get(key, 0) - truth.get(key, 0)) for key in counted.keys() | truth.keys())
    return wrong / max(sum(truth.values()), 1)


def _times(passings: Iterable[Passing]) -> dict[tuple[str, str], list[float]]:
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for passing in passings:
        times[passing.line, passing.verb].append(passing.t_ns)
    return {key: sorted(values) for key, values in times.items()}


def _matched(a: list[float], b: list[float], tolerance_ns: float) -> int:
    """The most pairs one to one within the tolerance, of sorted times.

    All tolerances are equal, so the earliest of each side may always be paired: swapping it out of a better matching loses nothing.
    """
    i = j = matched = 0
    while i < len(a) and j < len(b):
        if abs(a[i] - b[j]) <= tolerance_ns:
            i, j, matched = i + 1, j + 1, matched + 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return matched
