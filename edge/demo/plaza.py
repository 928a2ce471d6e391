"""The demonstration's scene, its configuration, and its truth beside what was counted."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.config import Config, parse
from edge.count.tally import Key
from edge.data import LineVerb, ZoneVerb
from edge.engine.box import SCORES, model_in_the_box
from edge.errors import UsageError
from edge.sources.synthetic import parse_uri, plaza_layout, scene_of, truth

Verb = LineVerb | ZoneVerb

CAMERA = "plaza"
_MARK = ".edge-demo"
_LINE_VERBS: tuple[Verb, ...] = ("in", "out")
_ZONE_VERBS: tuple[Verb, ...] = ("entered", "exited")


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a demonstration is like."""

    out: Path
    seconds: float = 60.0
    people: int = 12
    size: str = "1280x720"
    fps: float = 15.0
    seed: int = 7
    detector: Literal["box", "scene"] = "box"
    """The model in the box, or no network at all: the scene's own boxes with misses, false boxes and jitter."""

    @property
    def uri(self) -> str:
        return f"synthetic://plaza?seed={self.seed}&size={self.size}&fps={self.fps:g}&people={self.people}&seconds={self.seconds:g}"


def prepare_folder(out: Path) -> None:
    """An empty folder for a new demonstration; what an earlier one made there is deleted, what somebody else did is not."""
    try:
        if out.exists() and any(out.iterdir()) and not (out / _MARK).exists():
            raise UsageError(f"{out} holds files that no demonstration made; give another folder with --out")
        if out.exists():
            shutil.rmtree(out)
        out.mkdir(parents=True)
        (out / _MARK).write_text("what `edge demo` makes; the next demonstration deletes it\n")
    except OSError as error:
        raise UsageError(f"{out} cannot be made a folder for the demonstration ({error.strerror}); give another one with --out") from error


def demo_config(options: DemoOptions, broker: str) -> Config:
    """Two lines and a zone on the plaza. ModelError: the model in the box is asked for, and is not here or not the one that was put there."""
    import yaml

    layout = plaza_layout(parse_uri(options.uri).size)
    text = yaml.safe_dump(
        {
            "device": "demo",
            "state": str(options.out),
            "model": str(model_in_the_box()) if options.detector == "box" else "scene",
            "mqtt": {"url": broker, "protocol": "3.1.1"},  # any broker will do: amqtt knows no newer one
            "record": {},
            "counts_every_s": 5,
            "cameras": {
                CAMERA: {
                    "source": options.uri,
                    "lines": {name: {"from": list(a), "to": list(b)} for name, (a, b) in layout.lines.items()},
                    "zones": {name: [list(point) for point in ring] for name, ring in layout.zones.items()},
                    "track": dict(SCORES) if options.detector == "box" else {},
                    "heat": {"blur": 18, "colormap": "turbo", "alpha": 0.55},
                    "heatmap": {"every_s": 15},
                }
            },
        }
    )
    return parse(text, "the demonstration")


def compare(options: DemoOptions, totals: Mapping[Key, int]) -> list[tuple[str, str, int, int]]:
    """Rows (place, what, counted, true) for every number of the demonstration."""
    uri = options.uri
    layout = plaza_layout(parse_uri(uri).size)
    # A frame's last moment: what the last picture could show.
    last_s = (int(options.seconds * options.fps) - 1) / options.fps
    true = truth(scene_of(uri), lines=layout.lines, zones=layout.zones, t1_s=last_s)
    rows: list[tuple[str, str, int, int]] = []
    wanted: list[tuple[str, str, Verb]] = [("line", line, verb) for line in layout.lines for verb in _LINE_VERBS]
    wanted += [("zone", zone, verb) for zone in layout.zones for verb in _ZONE_VERBS]
    for kind, place, verb in wanted:
        counted = sum(n for key, n in totals.items() if (key.kind, key.place, key.field) == (kind, place, verb))
        rows.append((f"{kind} {place}", verb, counted, true.count(place, verb)))
    return rows
