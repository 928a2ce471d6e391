"""One camera's deterministic step from detections to what was found out. It takes a Stamp, never pixels, never a clock, never a file.

Everything is reckoned in reference pixels: the size in which lines and zones were drawn. Whatever size arrives is scaled to it, so a camera
that changes its resolution goes on with the same tracks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np

from edge import __version__, geometry
from edge.count import LineOptions, Lines, ZoneOptions, Zones
from edge.data import I64, Bools, Detections, Event, Result, Sights, Size, Stamp, Tracks, Warmth
from edge.heat import HeatGrid, HeatOptions
from edge.roll import Array, Roll
from edge.track import ByteTrack, TrackOptions

_STILL_SHARE = 0.25
"""A track has moved when its point is farther than this share of its height from where it stood."""


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """What one camera's reasoning is told."""

    lines: Mapping[str, LineOptions] = field(default_factory=dict)
    zones: Mapping[str, ZoneOptions] = field(default_factory=dict)
    ignore: tuple[ZoneOptions, ...] = ()
    """Areas whose boxes are dropped (by their feet)."""
    track: TrackOptions = field(default_factory=TrackOptions)
    heat: HeatOptions = field(default_factory=HeatOptions)
    anchor: Literal["feet", "center"] = "feet"
    """The point of an object."""
    band: float = 0.1
    """Clearly on a side, or inside, means farther from the border than this share of the box's height."""
    least_box_px: float = 0.0
    """Boxes lower or narrower than this, in reference pixels, are dropped."""
    max_still_s: float | None = None
    """What has not moved for so long (a poster, a mannequin) stops counting until it moves; null lets it count."""
    class_ids: frozenset[int] | None = None
    """The classes that matter; null for all."""

    def __post_init__(self) -> None:
        if not 0 <= self.band < 1:
            raise ValueError(f"band is {self.band:g}, it must be at least 0 and less than 1")
        if self.anchor not in ("feet", "center"):
            raise ValueError(f"anchor is {self.anchor!r}, it must be feet or center")
        if not 0 <= self.least_box_px < float("inf"):
            raise ValueError(f"least_box_px is {self.least_box_px:g}, it must be 0 or more")
        if self.max_still_s is not None and not 0 < self.max_still_s < float("inf"):
            raise ValueError(f"max_still_s is {self.max_still_s:g}, it must be greater than 0")

    @property
    def digest(self) -> str:
        """Names all that the meaning of a checkpoint depends on: the options but for mere views, and the version whose arrays they are."""
        meant = {**{f.name: getattr(self, f.name) for f in fields(self)}, "heat": self.heat.kept}
        return hashlib.sha256(f"{__version__} {meant}".encode()).hexdigest()[:16]


class Pipeline:
    """Follows, counts and warms. Its whole memory is arrays: `state` and `restore` make a restart exact."""

    def __init__(self, options: PipelineOptions, reference: Size, *, first_id: int = 1) -> None:
        self.reference = reference
        self._options = options
        self._track = ByteTrack(options.track, first_id=first_id)
        self._lines = Lines(options.lines, band=options.band)
        self._zones = Zones(options.zones, band=options.band)
        self._heat = HeatGrid(options.heat, reference, feet_below=0.0 if options.anchor == "feet" else 0.5)
        self._still = Roll({"point": ((2,), np.float64, np.nan), "since_ns": ((), np.int64, 0)})

    def step(self, stamp: Stamp, detections: Detections) -> Result:
        """One frame's detections (boxes in the frame's own pixels). Stamps must go forward in time."""
        seen = self._admit(detections, stamp.size)
        tracks = self._track.follow(seen, stamp.t_ns)
        events: list[Event] = []
        warmths: list[Warmth] = []
        for sights in self._sights(tracks, seen, stamp):
            if self._options.max_still_s is not None:
                sights = self._without_still(sights, self._options.max_still_s, stamp.t_ns, events)
            events += self._lines.count(sights, stamp.t_ns)
            events += self._zones.count(sights, stamp.t_ns)
            warmths.append(self._heat.warm(sights))
        if len(tracks.ended):
            events += self._forget(tracks.ended, stamp.t_ns)
        return Result(stamp, tracks, tuple(events), _join(warmths))

    def expire(self, t_ns: int) -> tuple[Event, ...]:
        """Every track ends: time has no continuity with what comes next. Who was in a zone vanished there."""
        return tuple(self._forget(self._track.end(), t_ns))

    def occupancy(self) -> dict[str, int]:
        """How many are inside each zone now."""
        return self._zones.occupancy()

    def state(self) -> dict[str, Array]:
        """All memory as plain arrays, for `restore` in a pipeline of equal options and reference."""
        return {f"{room}/{name}": array for room, part in self._parts().items() for name, array in part.state().items()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from `state()` as if nothing had happened in between."""
        for room, part in self._parts().items():
            prefix = room + "/"
            part.restore({name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)})

    @staticmethod
    def next_id(state: Mapping[str, Array]) -> int:
        """The first id that the pipeline of `state()` had not given out."""
        return ByteTrack.next_id({name.removeprefix("track/"): array for name, array in state.items() if name.startswith("track/")})

    def _parts(self) -> dict[str, Any]:
        """Whatever remembers something, each with `state` and `restore`."""
        return {"track": self._track, "lines": self._lines, "zones": self._zones, "heat": self._heat, "still": self._still}

    def _admit(self, detections: Detections, size: Size) -> Detections:
        """The detections that matter, in reference pixels."""
        options, xyxy = self._options, detections.xyxy
        if size != self.reference:
            scale = np.array([self.reference.width / size.width, self.reference.height / size.height] * 2, np.float32)
            xyxy = xyxy * scale
            detections = Detections(xyxy, detections.score, detections.class_id)
        if options.class_ids is None and not options.least_box_px and not options.ignore:
            return detections
        keep = np.ones(len(detections), np.bool_)
        if options.class_ids is not None:
            keep &= np.isin(detections.class_id, list(options.class_ids))
        if options.least_box_px:
            keep &= (xyxy[:, 2:] - xyxy[:, :2] >= options.least_box_px).all(axis=1)
        for area in options.ignore:
            keep &= ~geometry.inside(geometry.feet(xyxy), np.array(area.polygon, np.float64))
        return detections if keep.all() else detections[keep]

    def _sights(self, tracks: Tracks, seen: Detections, stamp: Stamp) -> Iterator[Sights]:
        """Where the tracks stood, in rounds: the first earlier sight of each newly confirmed track, its second, ..., then all as they are now."""
        backlog = tracks.backlog
        border = self.reference.height * (1 - 1 / stamp.size.height)  # the frame's last row of pixels
        if len(backlog):
            _, starts = np.unique(backlog.id, return_index=True)
            nth = np.arange(len(backlog)) - np.repeat(starts, np.diff([*starts, len(backlog)]))
            for round_ in range(int(nth.max()) + 1):
                rows = nth == round_
                ids = backlog.id[rows]
                classes = tracks.class_id[np.searchsorted(tracks.id, ids)]
                yield self._stood(ids, backlog.t_ns[rows], backlog.xyxy[rows], classes, backlog.xyxy[rows, 3] < border)
        # The box that was seen tells whether the border cut it; a track's own is smoothed, and may stand a little off.
        yield self._stood(tracks.id, np.full(len(tracks), stamp.t_ns), tracks.xyxy, tracks.class_id, seen.xyxy[tracks.row, 3] < border)

    def _stood(self, ids: I64, t_ns: I64, xyxy: Array, class_id: Array, uncut: Bools) -> Sights:
        feet = self._options.anchor == "feet"
        point = geometry.feet(xyxy) if feet else geometry.centers(xyxy)
        wide = xyxy.astype(np.float64)
        size = wide[:, 2:] - wide[:, :2]
        sure = uncut if feet else np.ones(len(ids), np.bool_)
        return Sights(ids, t_ns, point, size[:, 0], size[:, 1], sure, class_id)

    def _without_still(self, sights: Sights, max_still_s: float, t_ns: int, events: list[Event]) -> Sights:
        """The sights of tracks that have moved within `max_still_s`; the zones' events about the others are added to `events`."""
        if not len(sights):
            return sights
        rows, new = self._still.rows(sights.id)
        away = np.hypot(*(sights.point - self._still["point"][rows]).T)
        moved = new | (away > _STILL_SHARE * sights.height)
        self._still["point"][rows[moved]] = sights.point[moved]
        self._still["since_ns"][rows[moved]] = sights.t_ns[moved]
        moving: Bools = sights.t_ns - self._still["since_ns"][rows] <= max_still_s * 1e9
        if moving.all():
            return sights
        # Lines keep what they know of the still: the step with which one moves on may be the one across a line.
        still = sights.id[~moving]
        events += self._zones.end(still, t_ns)
        self._heat.end(still)
        return _select(sights, moving)

    def _forget(self, ids: I64, t_ns: int) -> list[Event]:
        """Whoever remembers something of these tracks drops it."""
        self._lines.end(ids)
        self._heat.end(ids)
        self._still.drop(ids)
        return self._zones.end(ids, t_ns)


def _select(sights: Sights, rows: Bools) -> Sights:
    return Sights(
        sights.id[rows],
        sights.t_ns[rows],
        sights.point[rows],
        sights.width[rows],
        sights.height[rows],
        sights.sure[rows],
        sights.class_id[rows],
    )


def _join(parts: list[Warmth]) -> Warmth:
    if len(parts) == 1:
        return parts[0]
    return Warmth(
        np.concatenate([p.cell for p in parts]), np.concatenate([p.us for p in parts]), np.concatenate([p.class_id for p in parts])
    )
