"""The truth file of an annotated video, read and checked. What is derived from it (crossings, scores) is computed elsewhere.

The file is YAML: `video` and `annotation` (paths beside it), `scale` (annotation px to video px), `lines` by name with `from`, `to` and, if
somebody counted them, `in` and `out`; `floor` may give points in px and metres. The annotation is the MOT Challenge's text format: frame
(from 1), id, left, top, width, height, and a flag whether the box is to be considered; further columns are not read.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from edge.data import I64
from edge.errors import UsageError

_log = logging.getLogger(__name__)

Point = tuple[float, float]

CLASS_NAME = "person"
"""What the annotations of these files are boxes of."""


@dataclass(frozen=True, slots=True)
class TruthLine:
    """A line `start` -> `end` in video px, and how often it was crossed each way (None where the file does not say)."""

    start: Point
    end: Point
    count_in: int | None = None
    count_out: int | None = None


@dataclass(frozen=True, slots=True)
class FloorPoint:
    """A point of the ground, in video px and in metres."""

    px: Point
    m: Point


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """The boxes to be considered, by frame and id: ``frame (N,) i64`` from 1, ``id (N,) i64``, ``xyxy (N, 4) f64`` video px."""

    frame: I64
    id: I64
    xyxy: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """All that is known of an annotated video."""

    video: Path
    annotation: Annotation
    lines: Mapping[str, TruthLine]
    floor: tuple[FloorPoint, ...] = ()


def load_truth(path: str | Path) -> Truth:
    """The truth that `path` describes. Raises UsageError, one sentence, for a file that is missing or cannot be meant."""
    path = Path(path)
    try:
        raw = yaml.safe_load(_text(path, "truth file"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"{path}{where}: this is not YAML: {getattr(error, 'problem', None) or error}") from error
    top = _mapping(raw, f"{path}", wanted=("video", "annotation", "lines"), also=("scale", "objects", "boxes", "floor"))
    scale = _number(top.get("scale", 1), f"{path}: scale")
    if scale <= 0:
        raise UsageError(f"{path}: scale is {scale:g}, it must be greater than 0")
    video, annotation = (path.parent / str(top[key]) for key in ("video", "annotation"))
    if not video.is_file():
        raise UsageError(f"{path}: video {video} does not exist; its path is relative to the truth file")
    boxes = read_annotation(annotation, scale=scale)
    for key, found in (("boxes", len(boxes)), ("objects", len(np.unique(boxes.id)))):
        if key in top and top[key] != found:
            _log.warning("%s says %s: %s, its annotation has %d to be considered", path, key, top[key], found)
    return Truth(video=video, annotation=boxes, lines=_lines(top["lines"], path), floor=_floor(top.get("floor"), path))


def read_annotation(path: Path, *, scale: float = 1.0) -> Annotation:
    """The considered boxes of a MOT Challenge text file, times `scale`. UsageError names the line of a row that cannot be meant."""
    rows: dict[tuple[int, int], tuple[float, float, float, float]] = {}
    for number, text in enumerate(_text(path, "annotation").splitlines(), start=1):
        if not text.strip():
            continue
        where = f"{path}, line {number}"
        fields = text.replace(",", " ").split()
        if len(fields) < 7:
            raise UsageError(f"{where}: {len(fields)} columns, wanted at least 7: frame, id, left, top, width, height, consider")
        try:
            frame, track, left, top, width, height, consider = map(float, fields[:7])
        except ValueError as error:
            raise UsageError(f"{where}: one of its columns is not a number: {text.strip()!r}") from error
        if not frame.is_integer() or frame < 1 or not track.is_integer():
            raise UsageError(f"{where}: frame {fields[0]}, id {fields[1]}; frames are whole numbers from 1, ids whole numbers")
        if not (np.isfinite([left, top]).all() and 0 < width < np.inf and 0 < height < np.inf):
            raise UsageError(f"{where}: a box at {left:g}, {top:g} of {width:g} x {height:g} px; a box has a place and an area")
        if not consider:
            continue
        key = int(frame), int(track)
        if key in rows:
            raise UsageError(f"{where}: object {key[1]} is in frame {key[0]} a second time")
        rows[key] = (left, top, left + width, top + height)
    if not rows:
        raise UsageError(f"{path}: no box in it is to be considered (column 7), there is nothing to measure against")
    order = sorted(rows)
    keys = np.array(order, np.int64)
    return Annotation(frame=keys[:, 0], id=keys[:, 1], xyxy=np.array([rows[key] for key in order], np.float64) * scale)


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{what} {path} cannot be read: {reason}") from error


def _lines(raw: object, path: Path) -> dict[str, TruthLine]:
    lines = {}
    for name, value in _mapping(raw, f"{path}: lines").items():
        where = f"{path}: lines.{name}"
        line = _mapping(value, where, wanted=("from", "to"), also=("in", "out"))
        start, end = (_point(line[key], f"{where}.{key}") for key in ("from", "to"))
        if start == end:
            raise UsageError(f"{where}: from and to are one point, a line needs two")
        lines[name] = TruthLine(start, end, *(_count(line.get(key), f"{where}.{key}") for key in ("in", "out")))
    return lines


def _floor(raw: object, path: Path) -> tuple[FloorPoint, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise UsageError(f"{path}: floor must be a list of points, each {{px: [x, y], m: [x, y]}}")
    points = []
    for number, value in enumerate(raw):
        where = f"{path}: floor[{number}]"
        point = _mapping(value, where, wanted=("px", "m"))
        points.append(FloorPoint(px=_point(point["px"], f"{where}.px"), m=_point(point["m"], f"{where}.m")))
    return tuple(points)


def _mapping(value: object, where: str, *, wanted: tuple[str, ...] = (), also: tuple[str, ...] = ()) -> dict[str, Any]:
    """`value` as a mapping that has the `wanted` keys. A key that looks like a misspelt one is refused; other notes of the author's are left alone."""
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a mapping, here is {value!r:.60}")
    mapping = {str(key): item for key, item in value.items()}
    known = wanted + also
    for key in mapping.keys() - set(known) if known else ():
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.7)
        if near:
            raise UsageError(f"{where}: unknown key {key!r}, did you mean {near[0]!r}?")
    for key in wanted:
        if key not in mapping:
            raise UsageError(f"{where} lacks the key {key!r}")
    return mapping


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise UsageError(f"{where} must be a number, here is {value!r:.60}")
    return float(value)


def _point(value: object, where: str) -> Point:
    if not isinstance(value, list) or len(value) != 2:
        raise UsageError(f"{where} must be [x, y], here is {value!r:.60}")
    return _number(value[0], where), _number(value[1], where)


def _count(value: object, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(f"{where} must be a whole number from 0, here is {value!r:.60}")
    return value
