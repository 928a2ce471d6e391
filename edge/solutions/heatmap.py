"""Ultralytics' Heatmap over this package's pipeline: frames in, pictures and counts out. Its arguments are `options`; no rule is decided here."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np

from edge.count import LineOptions, ZoneOptions
from edge.count.tally import Tally, of_events
from edge.data import U8, Frame, HostPixels, Result, Size, Stamp
from edge.errors import UsageError
from edge.overlay import OverlayOptions, live
from edge.pipeline import Pipeline, PipelineOptions
from edge.ports import Detector, Painter
from edge.shapes import Boxes, Overlay, Panel, Shape
from edge.sinks.window import Windows
from edge.solutions.model import detector_of, wanted_ids
from edge.solutions.options import HeatmapOptions, options_of
from edge.solutions.tracker import track_options

log = logging.getLogger(__name__)

CAMERA = "heatmap"
_PLACE = "region"
_IN = ("in", "entered")
_OUT = ("out", "exited")


@dataclass(frozen=True, slots=True, eq=False)
class SolutionResults:
    """What one frame showed, and what was counted up to it."""

    plot_im: U8
    """(H, W, 3) BGR: the frame with heat, tracks, region and counts on it."""
    in_count: int
    """Crossings of the line to its right hand, or entries into the area across its border. Who was first seen inside has not entered."""
    out_count: int
    """Crossings of the line to its left hand, or exits from the area across its border. Who vanished inside has not left."""
    classwise_count: dict[str, dict[str, int]]
    """The same for each class that was counted: ``{"person": {"IN": 2, "OUT": 1}}``."""
    total_tracks: int
    """Tracks in sight in this frame."""


class Heatmap:
    """Follows objects through frames, gathers heat where they stood, counts them over a region.

    Takes the arguments of HeatmapOptions by keyword. The model is loaded here and given back by `close`, by leaving a `with` block, or with
    the object. UsageError: an argument cannot be meant. ModelError: the model cannot be used.
    """

    __signature__ = signature(HeatmapOptions)  # what help() and editors show

    def __init__(self, *, detector: Detector | None = None, **arguments: Any) -> None:
        """`detector` replaces the model, for tests and for scenes whose boxes are known."""
        self._options = options = options_of(arguments)
        track = track_options(options.tracker)
        place = options.place
        self._lines = {_PLACE: place} if isinstance(place, LineOptions) else {}
        self._zones = {_PLACE: place} if isinstance(place, ZoneOptions) else {}
        with ExitStack() as stack:
            self._detector = stack.enter_context(detector if detector is not None else detector_of(options))
            names = self._detector.names
            self._reasoning = PipelineOptions(
                lines=self._lines,
                zones=self._zones,
                track=track,
                heat=options.heat,
                class_ids=wanted_ids(options.wanted_classes, names, str(options.model or "the model")),
            )
            self._stack = stack.pop_all()
        self._pipeline: Pipeline | None = None
        self._painter: Painter | None = None
        self._windows = Windows() if options.show else None
        self._totals: Tally = Tally()
        self._frames = 0

    def __enter__(self) -> Heatmap:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give model and window back. Closing twice is harmless."""
        if self._windows is not None:
            self._windows.close()
        self._stack.close()

    def generate_heatmap(self, im0: U8) -> U8:
        """The next frame, (H, W, 3) uint8 BGR, with heat, tracks, region and counts on it; `im0` itself stays untouched."""
        return self(im0).plot_im

    def __call__(self, im0: U8) -> SolutionResults:
        """The next frame, (H, W, 3) uint8 BGR, seen ``1 / fps`` after the one before. UsageError: it is no such array."""
        t_ns = round(self._frames * 1e9 / self._options.fps)
        height, width = _checked(im0).shape[:2]
        return self.look(Frame(Stamp(CAMERA, self._frames, t_ns, Size(width, height)), HostPixels(im0)))

    def look(self, frame: Frame) -> SolutionResults:
        """The next frame with a time of its own; the caller gives the frame back."""
        self._frames += 1
        if self._pipeline is None or self._painter is None:
            self._pipeline, self._painter = self._begin(frame.stamp.size)
        result = self._pipeline.step(frame.stamp, self._detector.detect([frame])[0])
        self._totals.update(of_events(result.events, self._detector.names))
        self._painter.warm(frame.stamp, result.warmth)
        picture = self._painter.paint(frame, self._overlay(result, self._pipeline.reference))
        if self._windows is not None:
            self._windows.show({"edge heatmap": picture})
        classwise = self._classwise()
        return SolutionResults(
            plot_im=picture,
            in_count=sum(counts["IN"] for counts in classwise.values()),
            out_count=sum(counts["OUT"] for counts in classwise.values()),
            classwise_count=classwise,
            total_tracks=len(result.tracks),
        )

    def _begin(self, size: Size) -> tuple[Pipeline, Painter]:
        """What the first frame's size is needed for."""
        from edge.backends.cpu.painter import CpuPainter

        for x, y in () if self._options.place is None else self._options.place.points:
            if not (0 <= x <= size.width and 0 <= y <= size.height):
                log.warning("the region's point (%g, %g) is outside the picture of %s; nobody is counted out there", x, y, size)
                break
        painter = self._stack.enter_context(CpuPainter(self._reasoning.heat, size))
        return Pipeline(self._reasoning, size), painter

    def _classwise(self) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        for key, n in self._totals.items():
            way = "IN" if key.field in _IN else "OUT" if key.field in _OUT else None
            if way is not None:
                counts.setdefault(key.class_name, {"IN": 0, "OUT": 0})[way] += n
        return counts

    def _overlay(self, result: Result, reference: Size) -> Overlay:
        options, names = self._options, self._detector.names
        shown = OverlayOptions(labels=options.show_labels, counts=False)
        overlay = live(shown, reference, self._lines, self._zones, self._totals, result.tracks, names)
        shapes: list[Shape] = [_with_scores(shape, result) if options.show_conf else shape for shape in overlay.shapes]
        rows = self._rows()
        if rows:
            shapes.append(Panel(rows, "top right"))
        return replace(overlay, shapes=tuple(shapes), stroke_px=options.line_width)

    def _rows(self) -> tuple[str, ...]:
        """The counts in words: a row a class, as far as they shall be shown."""
        ways = [way for way, shown in (("IN", self._options.show_in), ("OUT", self._options.show_out)) if shown]
        if not ways or not (self._lines or self._zones):
            return ()
        classwise = self._classwise() or {"": {"IN": 0, "OUT": 0}}
        return tuple(" ".join([name, *(f"{way} {counts[way]}" for way in ways)]).strip() for name, counts in sorted(classwise.items()))


def _with_scores(shape: Shape, result: Result) -> Shape:
    """Boxes with the score of each behind its tag."""
    if not isinstance(shape, Boxes):
        return shape
    return replace(shape, tag=tuple(f"{tag} {score:.2f}".strip() for tag, score in zip(shape.tag, result.tracks.score, strict=True)))


def _checked(im0: object) -> U8:
    if isinstance(im0, np.ndarray) and im0.dtype == np.uint8 and im0.ndim == 3 and im0.shape[2] == 3 and im0.size:
        return im0
    here = f"an array of {im0.dtype} shaped {im0.shape}" if isinstance(im0, np.ndarray) else "None" if im0 is None else type(im0).__name__
    hint = "; where a video ends, its reader gives None: stop there" if im0 is None else ""
    raise UsageError(f"a frame is an array of uint8 shaped (height, width, 3), blue first; here it is {here}{hint}")
