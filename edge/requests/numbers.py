"""Tallies of a span as an answer tells them: per line and zone, per epoch, per class. The sums come from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from edge.count.tally import SEEN, Tally
from edge.messages import Time, line_payload, zone_payload
from edge.requests.payloads import CameraCounts, LineCounts, LineSpan, ZoneCounts, ZoneSpan

T = TypeVar("T")


def camera_counts(epochs: Mapping[int, Tally], *, from_: Time, to: Time) -> CameraCounts:
    """What a camera counted; `epochs` holds the sums of the span by the epoch they belong to."""
    return CameraCounts(
        from_=from_,
        to=to,
        seen_s=round(sum(tally[SEEN] for tally in epochs.values()) * 1e-6, 6),
        lines=_places("line", epochs, _line),
        zones=_places("zone", epochs, _zone),
    )


def _places(kind: str, epochs: Mapping[int, Tally], told: Callable[[str, int, Tally], T]) -> dict[str, list[T]]:
    names = sorted({key.place for tally in epochs.values() for key in tally if key.kind == kind})
    return {
        name: [
            told(name, epoch, epochs[epoch]) for epoch in sorted(epochs) if any((k.kind, k.place) == (kind, name) for k in epochs[epoch])
        ]
        for name in names
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
        presence_s=sums.presence_s,
        occupied_s=sums.occupied_s,
        dwell=sums.dwell,
        classes={of: ZoneSpan(**verbs(n)) for of, n in sums.classes.items()},
        **verbs(sums),
    )
