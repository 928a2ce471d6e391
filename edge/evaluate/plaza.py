"""The product measured on synthetic video, whose truth is the scene's own: counts and heat. Annotated video of real places is `score`'s."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from edge.data import Size
from edge.evaluate import heat
from edge.evaluate.events import count_error
from edge.pipeline import Pipeline
from edge.ports import Detector
from edge.sources.synthetic import Layout, PlazaOptions, Truth, parse_uri, plaza_layout, truth
from edge.sources.synthetic.album import LEAST_SEEN
from edge.sources.synthetic.render import Renderer
from edge.sources.synthetic.scene import Scene
from edge.sources.synthetic.site import site_of
from edge.sources.synthetic.view import View
from edge.track import TrackOptions

BLUR_PX = 16
_LOOK_S = 4.0
Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class VideoReport:
    """The product on one synthetic video."""

    uri: str
    crossings: int
    """True ones, of all lines and directions."""
    count_error: float
    """Crossings counted wrong, summed over lines and directions, as a share of the true ones."""
    heat_correlation: float
    """Of the heat with the exact presence, both blurred by `BLUR_PX`."""
    hidden: float
    """The part of the true presence that a camera there hardly sees, see `hidden`."""
    lines: dict[str, dict[str, tuple[int, int]]]
    """By line and direction: counted, true."""


def video(uri: str, detector: Detector, *, track: TrackOptions | None = None, tick: Tick = lambda: None) -> VideoReport:
    """Run the product over the synthetic camera `uri`, which ends, and compare it with the scene's truth. People alone are counted.

    `track` in place of the defaults.
    """
    from edge.config import CameraConfig
    from edge.count import LineOptions
    from edge.sources import open_source

    options = parse_uri(uri)
    if options.seconds is None:
        raise ValueError(f"{uri} never ends; a measured video has seconds, as in &seconds=180")
    layout = measured_layout(options.size, options.layout)
    lines = {name: LineOptions(a, b) for name, (a, b) in layout.lines.items()}
    camera = CameraConfig(source=uri, lines=lines, track=track or TrackOptions())
    people = frozenset({list(detector.names).index("person")})
    pipeline = Pipeline(camera.pipeline_options(people), options.size)
    counted: dict[tuple[str, str], int] = {}
    grid = heat.empty_grid(options.size, camera.heat.cell)
    last_s = 0.0
    with open_source(uri, camera="plaza") as source:
        for frame in source:
            with frame:
                result = pipeline.step(frame.stamp, detector.detect([frame])[0])
            for event in result.events:
                if event.kind == "line":
                    counted[event.place, event.verb] = counted.get((event.place, event.verb), 0) + 1
            np.add.at(grid.reshape(-1), result.warmth.cell, result.warmth.us / 1e6)
            last_s = frame.stamp.t_ns / 1e9
            tick()
    true = truth(Scene(options), lines=layout.lines, cell=camera.heat.cell, t1_s=last_s)
    warm = heat.correlation(true.seconds, grid, sigma=BLUR_PX / camera.heat.cell)
    return _report(uri, layout.lines, counted, true, warm, hidden(options, options.seconds))


def hidden(options: PlazaOptions, seconds: float) -> float:
    """The part of all presence of the first `seconds` of which trees, kiosks and nearer people leave less than a quarter of the person to be seen.

    The truth is where everybody is, so this is a property of the place and its camera, and what no detector can be asked for.
    """
    renderer = Renderer(Scene(options))
    seen: list[np.ndarray] = []
    for t_s in np.arange(0, seconds, _LOOK_S):
        people = renderer.scene.at(float(t_s))
        people = people[people.share > 0]
        seen.append(renderer.seen(renderer.things(people))[people.visible])
    of_all = np.concatenate(seen)
    return float((of_all < LEAST_SEEN).mean()) if len(of_all) else 0.0


def _report(uri: str, lines: Iterable[str], counted: dict[tuple[str, str], int], true: Truth, warm: float, unseen: float) -> VideoReport:
    pairs = {name: {verb: (counted.get((name, verb), 0), true.count(name, verb)) for verb in ("in", "out")} for name in lines}
    wanted = {(name, verb): pair[1] for name, verbs in pairs.items() for verb, pair in verbs.items()}
    return VideoReport(uri, sum(wanted.values()), count_error(counted, wanted), warm, unseen, pairs)


def measured_layout(size: Size, number: int) -> Layout:
    """The plaza's own lines and one more, right across it, so that three minutes hold enough crossings."""
    layout = plaza_layout(size, number)
    view = View(size, site_of(number))
    start, end = (view.ground(u * view.half_width_m(13.0), 13.0) for u in (-0.8, 0.8))
    return Layout({**layout.lines, "across": (start, end)}, layout.zones)
