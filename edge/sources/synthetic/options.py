"""What can be asked of the synthetic plaza, and how it is written as a URI. No scene is made here."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from urllib.parse import parse_qsl, urlsplit

from edge.data import Size
from edge.errors import UsageError

EXAMPLE = "synthetic://plaza?seed=7&size=1280x720&fps=15&people=12&seconds=60"
_SIZE = Size(1280, 720)


@dataclass(frozen=True, slots=True)
class PlazaOptions:
    """A plaza and its people. The walk follows from `seed` and `people`, the shape of the picture only decides where it begins and ends."""

    seed: int = 7
    """Another seed, another crowd; 0 or more."""
    size: Size = _SIZE
    """Pixels of the picture, each side 32 to 4096."""
    fps: float = 15.0
    """Frames a second, up to 240. The walk does not depend on it."""
    people: int = 12
    """About how many are in the picture at any time, 0 to 300."""
    seconds: float | None = None
    """How long the camera runs; None never ends."""
    layout: int = 0
    """Another plaza, camera and sun for each number, 0 or more."""
    traffic: int = 0
    """About how many bicycles and cars are in the picture at any time, 0 to 20. The plaza's truth counts people on foot only."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}, it must be 0 or more")
        if not (32 <= self.size.width <= 4096 and 32 <= self.size.height <= 4096):
            raise ValueError(f"size is {self.size}, each side must be 32 to 4096 px, as in 1280x720")
        if not 0 < self.fps <= 240:
            raise ValueError(f"fps is {self.fps:g}, it must be greater than 0 and at most 240")
        if not 0 <= self.people <= 300:
            raise ValueError(f"people is {self.people}, it must be 0 to 300")
        if self.layout < 0:
            raise ValueError(f"layout is {self.layout}, it must be 0 or more")
        if not 0 <= self.traffic <= 20:
            raise ValueError(f"traffic is {self.traffic}, it must be 0 to 20")
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise ValueError(f"seconds is {self.seconds:g}, it must be greater than 0; leave it out for a camera that never ends")

    @property
    def uri(self) -> str:
        """The URI that says all of this, in one spelling."""
        text = f"synthetic://plaza?seed={self.seed}&size={self.size}&fps={self.fps!r}&people={self.people}"
        text += "" if self.seconds is None else f"&seconds={self.seconds!r}"
        # What is as ever is not said, so that a camera's key stays what it was.
        return text + "".join(f"&{name}={value}" for name in ("layout", "traffic") if (value := getattr(self, name)))


def parse_uri(uri: str) -> PlazaOptions:
    """The options that `uri` names; what it leaves out keeps its default. UsageError names the key that is wrong, and what is right."""
    parts = urlsplit(uri)
    if parts.scheme != "synthetic" or parts.netloc != "plaza" or parts.path not in ("", "/") or parts.fragment:
        raise UsageError(f"{uri} is no synthetic camera; there is one, the plaza: {EXAMPLE}")
    known = [field.name for field in fields(PlazaOptions)]
    values: dict[str, int | float | Size] = {}
    for key, text in parse_qsl(parts.query, keep_blank_values=True):
        if key not in known:
            raise UsageError(f"{uri}: the plaza knows no key {key!r}, only {', '.join(known)}, as in {EXAMPLE}")
        if key in values:
            raise UsageError(f"{uri}: {key} is given twice; once is right")
        values[key] = _value(uri, key, text)
    try:
        return PlazaOptions(**values)  # type: ignore[arg-type]  # _value keeps to the fields' types
    except ValueError as wrong:
        raise UsageError(f"{uri}: {wrong}") from wrong


def _value(uri: str, key: str, text: str) -> int | float | Size:
    match key:
        case "size":
            if found := re.fullmatch(r"(\d{1,6})x(\d{1,6})", text):
                return Size(int(found[1]), int(found[2]))
            wanted = "width x height in px, as in 1280x720"
        case "seed" | "people" | "layout" | "traffic":
            if re.fullmatch(r"\d{1,18}", text):
                return int(text)
            wanted = "a whole number, 0 or more"
        case _:
            if re.fullmatch(r"\d{1,12}(\.\d{1,12})?", text):
                return float(text)
            wanted = "a number, as in 15 or 29.97"
    raise UsageError(f"{uri}: {key} is {text!r}, it must be {wanted}")
