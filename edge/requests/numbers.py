"""Tallies of a span as an answer tells them: per line and zone, per epoch, per class. The sums come from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from edge.count.tally import SEEN, Tally
from edge.messages import Time, line_payload, zone_payload
from edge.requests.payloads import CameraCounts, LineCounts, LineSpan, ZoneCounts, ZoneSpan

T = TypeVar("T")


def camera_counts(epochs: Mapping[int, Tally], present: Mapping[tuple[str, str], int], *, from_: Time, to: Time) -> CameraCounts:
    """What a camera counted; `epochs` holds the sums of the span by the epoch they belong to, `present` the epoch of each (kind, place) of now.

    A place at which nothing happened has an entry of zeros in its present epoch.
    """
    told = {key: {epoch} for key, epoch in present.items()}
    for epoch, tally in epochs.items():
        for key in tally:
            told.setdefault((key.kind, key.place), set()).add(epoch)
    return CameraCounts(
        from_=from_,
        to=to,
        seen_s=round(sum(tally[SEEN] for tally in epochs.values()) * 1e-6, 6),
        lines=_places("line", told, epochs, _line),
        zones=_places("zone", told, epochs, _zone),
    )


def _places(
    kind: str, told: Mapping[tuple[str, str], set[int]], epochs: Mapping[int, Tally], made: Callable[[str, int, Tally], T]
) -> dict[str, list[T]]:
    return {
        name: [made(name, epoch, epochs.get(epoch, Tally())) for epoch in sorted(numbers)]
        for (of, name), numbers in sorted(told.items())
        if of == kind
    }


def _line(name: str, epoch: int, tally: Tally) -> LineCounts:
    sums = line_payload(name, epoch, tally, tally)
    classes = {of: LineSpan(in_=n.in_, out=n.out) for of, n in sums.classes.items()}
    return LineCounts(epoch=epoch, in_=sums.in_, out=sums.out, classes=classes)


def _zone(name: str, epoch: int, tally: Tally) -> ZoneCounts:
    sums = zone_payload(name, epoch, tally, tally)

    def verbs(of: object) -> dict[str, int]:
        return {verb: getattr(of, verb) for verb in ("entered", "exited", "appeared", "vanished")}

    return ZoneCounts(
        epoch=epoch,
        presence_s=round(sums.presence_s, 6),
        occupied_s=round(sums.occupied_s, 6),
        dwell=sums.dwell,
        classes={of: ZoneSpan(**verbs(n)) for of, n in sums.classes.items()},
        **verbs(sums),
    )
