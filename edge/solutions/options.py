"""What a user of Ultralytics' Heatmap can say, under its names there, and what of it cannot be meant. No file is read and no model is opened here."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from edge.count import LineOptions, ZoneOptions
from edge.detect import DetectOptions
from edge.errors import UsageError
from edge.heat import HeatOptions, colormap_number

JET = 2
"""cv2.COLORMAP_JET, without loading OpenCV for a number."""

SWITCHES = ("show", "show_in", "show_out", "show_conf", "show_labels", "persist", "verbose")
_DECAY_FPS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapOptions:
    """The arguments of `Heatmap`, all by keyword."""

    model: str | Path | None = None
    """Path or name of a YOLO11 model, as in yolo11n.pt or yolo11n.onnx; None for the one in the box."""
    colormap: int | str = JET
    """One of OpenCV's 22 colour maps by constant, number or name."""
    show: bool = False
    """Show every frame in a window; `q` closes it."""
    show_in: bool = True
    """Draw how many came in."""
    show_out: bool = True
    """Draw how many went out."""
    region: Sequence[Sequence[float]] | None = None
    """2 points (x, y) in px: a line, `in` leads to the right hand of someone who walks from the first to the second; 4: a rectangle or any
    other quadrilateral; 5: a ring. Of an area, `in` are those who entered across its border and `out` those who left across it."""
    line_width: int | None = 2
    """Thickness of boxes and lines in px of the frame; None lets it grow with the frame."""
    classes: Sequence[int | str] | int | str | None = None
    """The classes that count, by id or name; None for all."""
    tracker: str | Path = "bytetrack.yaml"
    """A tracker file with ByteTrack's settings, or bytetrack.yaml for this package's own ones."""
    conf: float = 0.1
    """Least score of a box."""
    iou: float = 0.7
    """Boxes of one class that overlap more are one object."""
    max_det: int = 300
    """Most boxes a frame."""
    imgsz: int | Sequence[int] | None = None
    """Network size for models with a free one: a side, or (height, width); None for 640."""
    persist: bool = True
    """Accepted: tracks always live on from frame to frame."""
    device: str | int | None = None
    """Accepted: the solutions run on the CPU. Any other is answered with a sentence, for the GPU is the service's (`edge run`)."""
    verbose: bool = True
    """Accepted: what is worth saying is logged, and nothing is said a frame."""
    show_conf: bool = True
    """Write the score at each box."""
    show_labels: bool = True
    """Write class and id at each box."""
    decay: float | None = None
    """What is left of heat after 1/30 s, as in 0.99; None keeps it for ever."""
    fps: float = 30.0
    """Frames a second: bare arrays carry no time."""

    def __post_init__(self) -> None:
        for name in SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} is {getattr(self, name)!r}, it must be True or False")
        for name in ("conf", "iou", "fps"):
            _check_number(name, getattr(self, name))
        if not 0 < self.fps < math.inf:
            raise UsageError(f"fps is {self.fps:g}, it must be the frames a second of what is shown, greater than 0")
        if self.decay is not None:
            _check_number("decay", self.decay)
            if not 0 < self.decay <= 1:
                raise UsageError(
                    f"decay is {self.decay:g}, it must be greater than 0 and at most 1: what is left of heat a frame, as in 0.99"
                )
        if self.line_width is not None and (not _is_whole(self.line_width) or not 1 <= self.line_width <= 100):
            raise UsageError(f"line_width is {self.line_width!r}, it must be a whole number of pixels, 1 to 100")
        if not isinstance(self.model, str | Path | None) or self.model == "":
            raise UsageError(f"model is {self.model!r}, it must be the path or name of a model, as in yolo11n.pt")
        # The rooms that read these say what is wrong with them.
        _ = self.place, self.wanted_classes, self.detect, self.heat

    @property
    def place(self) -> LineOptions | ZoneOptions | None:
        """The region as what is counted over. UsageError for what is neither a line nor an area."""
        if self.region is None:
            return None
        points = _points(self.region)
        if len(points) not in (2, 4, 5):
            s = "" if len(points) == 1 else "s"
            raise UsageError(
                f"region has {len(points)} point{s}, it must have 2 (a line), 4 (a rectangle) or 5 (a ring),"
                " as in [(20, 400), (1080, 400), (1080, 360), (20, 360)]"
            )
        if len(points) > 2 and _on_one_line(points):
            raise UsageError(f"region has {len(points)} points on one line, which enclose no area; give 2 of them for a line")
        try:
            return LineOptions(*points) if len(points) == 2 else ZoneOptions(points)
        except ValueError as wrong:
            raise UsageError(f"region cannot be counted over: {wrong}") from None

    @property
    def wanted_classes(self) -> tuple[int | str, ...]:
        """The classes that count; empty for all."""
        if self.classes is None:
            return ()
        several = isinstance(self.classes, Iterable) and not isinstance(self.classes, str)
        wanted = tuple(self.classes) if several else (self.classes,)  # type: ignore[arg-type]
        for value in wanted:
            if not isinstance(value, str) and not _is_whole(value):
                raise UsageError(f"classes holds {value!r}; a class is its id, as in 0, or its name, as in person")
        return tuple(value if isinstance(value, str) else int(value) for value in wanted)  # type: ignore[arg-type]  # whole, as checked

    @property
    def detect(self) -> DetectOptions:
        size = self.imgsz
        if size is not None and not _is_whole(size):
            if isinstance(size, str) or not isinstance(size, Sequence) or len(size) != 2 or not all(map(_is_whole, size)):
                raise UsageError(f"imgsz is {size!r}, it must be a side in pixels, as in 640, or (height, width)")
            size = (int(size[1]), int(size[0]))
        if not _is_whole(self.max_det):
            raise UsageError(f"max_det is {self.max_det!r}, it must be a whole number")
        try:
            return DetectOptions(conf=self.conf, iou=self.iou, max_det=self.max_det, imgsz=size)  # type: ignore[arg-type]  # whole, as checked
        except ValueError as wrong:
            raise UsageError(str(wrong)) from None

    @property
    def heat(self) -> HeatOptions:
        try:
            return HeatOptions(colormap=colormap_number(self.colormap), half_life_s=self.half_life_s)
        except ValueError as wrong:
            raise UsageError(str(wrong)) from None

    @property
    def half_life_s(self) -> float | None:
        """After how long `decay` leaves half, whatever the frame rate; None: never."""
        return None if self.decay is None or self.decay == 1 else math.log(0.5) / math.log(self.decay) / _DECAY_FPS


def options_of(arguments: Mapping[str, Any]) -> HeatmapOptions:
    """The options that keyword `arguments` mean. UsageError names one that does not exist, and the nearest that does."""
    known = [field.name for field in fields(HeatmapOptions)]
    for name in arguments:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
            raise UsageError(f"Heatmap has no argument {name!r}; {hint}")
    return HeatmapOptions(**arguments)


def _points(region: object) -> tuple[tuple[float, float], ...]:
    try:
        if isinstance(region, str | Mapping):
            raise TypeError
        points = tuple((float(x), float(y)) for x, y in region)  # type: ignore[attr-defined]  # whatever cannot be walked raises
    except (TypeError, ValueError):
        raise UsageError(f"region is {region!r}, it must be a list of points (x, y), as in [(20, 400), (1080, 400)]") from None
    if not all(math.isfinite(value) for point in points for value in point):
        raise UsageError(f"region is {region!r}; its points must be finite numbers")
    return points


def _on_one_line(points: Sequence[tuple[float, float]]) -> bool:
    x0, y0 = points[0]
    x1, y1 = max(points, key=lambda point: math.dist(point, points[0]))
    return all(abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) <= 1e-6 * math.dist((x0, y0), (x1, y1)) for x, y in points)


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise UsageError(f"{name} is {value!r}, it must be a number")


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
