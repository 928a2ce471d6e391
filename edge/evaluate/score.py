"""One annotated video against what the pipeline made of it, start to end. The pipeline is run by whoever calls; each measure has a file of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.data import Result, Size, Tracks, Warmth
from edge.errors import SourceError, UsageError
from edge.evaluate import heat
from edge.evaluate.crossings import true_crossings
from edge.evaluate.events import Passing, count_error, event_f1
from edge.evaluate.mot import MotScore
from edge.evaluate.report import LineReport, Report
from edge.evaluate.truth import CLASS_NAME, Annotation, Truth

F64 = NDArray[np.float64]

BLURS_PX = (8, 16)
"""Sigmas at which heat is compared: what lies a step beside the truth is hardly wrong."""


def evaluate(
    truth: Truth,
    results: Iterable[Result],
    names: Sequence[str] = (CLASS_NAME,),
    *,
    cell: int = 8,
    clock_s: Callable[[], float] = time.perf_counter,
) -> Report:
    """Measure `results` of one camera against `truth`; each result is looked at once and let go.

    Result `index` k belongs to the annotation's frame k + 1; boxes, lines and heat are in px of the video itself (its size is the pipeline's
    reference). `names` are the detector's classes, of which people alone are judged; `cell` is the heat grid's, in px. `fps` is measured over
    the time that `results` takes to come. Raises UsageError when no class is a person's, SourceError when no result comes.
    """
    people = [number for number, name in enumerate(names) if name == CLASS_NAME]
    if not people:
        raise UsageError(f"the model knows {', '.join(names) or 'no class'}; the truth is about the class {CLASS_NAME!r}")
    tally = _Tally(truth, people, cell)
    watch = _Stopwatch(clock_s)
    for result in watch.over(results):
        tally.add(result)
    return tally.report(fps=watch.fps)


class _Tally:
    """Everything that is summed up while results come."""

    def __init__(self, truth: Truth, people: Sequence[int], cell: int) -> None:
        self._truth = truth
        self._people = people
        self._cell = cell
        self._mot = MotScore()
        self._counted: list[Passing] = []
        self._frames: list[int] = []
        self._t_ns: list[int] = []
        self._size: Size | None = None
        self._heat = np.empty((0, 0))

    def add(self, result: Result) -> None:
        stamp = result.stamp
        if self._size is None:
            self._size = stamp.size
            self._heat = heat.empty_grid(stamp.size, self._cell)
        frame = stamp.index + 1
        self._frames.append(frame)
        self._t_ns.append(stamp.t_ns)
        self._follow(frame, result.tracks)
        self._warm(result.warmth)
        for event in result.events:
            if event.kind == "line" and event.place in self._truth.lines and event.class_id in self._people:
                self._counted.append(Passing(event.place, "in" if event.verb == "in" else "out", event.t_ns))

    def report(self, *, fps: float) -> Report:
        if self._size is None:
            raise SourceError(f"not one frame came from {self._truth.video}")
        unseen = np.setdiff1d(self._truth.annotation.frame, self._frames)
        for frame in unseen.tolist():  # what was annotated there was missed
            self._follow(frame, Tracks.empty())
        crossings = true_crossings(self._truth.annotation, self._truth.lines)
        lines = self._lines(Counter((crossing.line, str(crossing.verb)) for crossing in crossings))
        t_ns = self._time_ns([crossing.frame for crossing in crossings])
        passings = [Passing(crossing.line, crossing.verb, t) for crossing, t in zip(crossings, t_ns.tolist(), strict=True)]
        stood = self._stood(self._truth.annotation, self._size)
        return Report(
            mota=self._mot.mota,
            idf1=self._mot.idf1,
            id_switches=self._mot.switches,
            count_error=count_error(
                {(name, verb): n for name, line in lines.items() for verb, n in (("in", line.count_in), ("out", line.count_out))},
                {(name, verb): n for name, line in lines.items() for verb, n in (("in", line.truth_in), ("out", line.truth_out))},
            ),
            event_f1=event_f1(self._counted, passings),
            lines=lines,
            heat_correlation={str(px): heat.correlation(stood, self._heat, sigma=px / self._cell) for px in BLURS_PX},
            fps=fps,
        )

    def _follow(self, frame: int, tracks: Tracks) -> None:
        annotation = self._truth.annotation
        first, last = np.searchsorted(annotation.frame, [frame, frame + 1])
        person = np.isin(tracks.class_id, self._people)
        self._mot.add(annotation.id[first:last], annotation.xyxy[first:last], tracks.id[person], tracks.xyxy[person])

    def _warm(self, warmth: Warmth) -> None:
        person = np.isin(warmth.class_id, self._people)
        np.add.at(self._heat.reshape(-1), warmth.cell[person], warmth.us[person] / 1e6)

    def _lines(self, crossed: Counter[tuple[str, str]]) -> dict[str, LineReport]:
        """Each line as counted and in truth: as the truth file says, and where it is silent as the annotation says."""
        counted = Counter((passing.line, str(passing.verb)) for passing in self._counted)
        return {
            name: LineReport(
                count_in=counted[name, "in"],
                count_out=counted[name, "out"],
                truth_in=crossed[name, "in"] if line.count_in is None else line.count_in,
                truth_out=crossed[name, "out"] if line.count_out is None else line.count_out,
            )
            for name, line in self._truth.lines.items()
        }

    def _time_ns(self, frames: Sequence[float]) -> F64:
        """When these frames (with fractions) were, by the stamps of the results; what lies outside of them is infinitely far."""
        return np.interp(frames, self._frames, self._t_ns, left=-np.inf, right=np.inf)

    def _stood(self, annotation: Annotation, size: Size) -> F64:
        """The annotated presence: each box lasts until the next frame, as far as the results go."""
        until, since = (np.interp(annotation.frame + step, self._frames, self._t_ns) for step in (1, 0))
        return heat.presence(annotation.xyxy, (until - since) / 1e9, size, self._cell)


class _Stopwatch:
    """The time that an iterable's items take to come, without what is done with them."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._spent_s = 0.0
        self._items = 0

    def over(self, results: Iterable[Result]) -> Iterator[Result]:
        source = iter(results)
        while True:
            start_s = self._clock_s()
            try:
                result = next(source)
            except StopIteration:
                return
            self._spent_s += self._clock_s() - start_s
            self._items += 1
            yield result

    @property
    def fps(self) -> float:
        return self._items / self._spent_s if self._spent_s > 0 else 0.0
