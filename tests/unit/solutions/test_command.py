"""The words of `edge heatmap`: keys and values, in one piece or as the shell split them."""

from __future__ import annotations

import shlex
from dataclasses import fields

import pytest

from edge.cli.heatmap import KEYS, arguments_of
from edge.errors import UsageError
from edge.solutions.options import HeatmapOptions


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("show=True", {"show": True}),
        ("show", {"show": True}),
        ("show=false verbose=False", {"show": False, "verbose": False}),
        ('source="path/to my/video (1.mp4" show=True', {"source": "path/to my/video (1.mp4", "show": True}),
        ("colormap=cv2.COLORMAP_INFERNO", {"colormap": "cv2.COLORMAP_INFERNO"}),
        ("colormap=14", {"colormap": "14"}),
        ("source=0 device=0", {"source": "0", "device": "0"}),
        ("model=None decay=0.99", {"model": None, "decay": 0.99}),
        ("classes=0", {"classes": 0}),
        ("classes=[0, 2] show=True", {"classes": [0, 2], "show": True}),
        ("classes=person,car", {"classes": ["person", "car"]}),
        ("classes=[person, car]", {"classes": ["person", "car"]}),
        ('region="[(20, 400), (1080, 400), (1080, 360), (20, 360)]"', {"region": [(20, 400), (1080, 400), (1080, 360), (20, 360)]}),
        ("region=[(20, 400), (1080, 400)] show=True", {"region": [(20, 400), (1080, 400)], "show": True}),
        ("imgsz=384,640", {"imgsz": (384, 640)}),
        ("", {}),
    ],
)
def test_words_become_arguments(line: str, arguments: dict[str, object]) -> None:
    assert arguments_of(shlex.split(line)) == arguments


@pytest.mark.parametrize(
    "line", ["video.mp4", "show=True video.mp4", "source=a.mp4 source=b.mp4", "region=[(20, 400)", "show=", "region=20)"]
)
def test_words_that_mean_nothing_are_refused(line: str) -> None:
    with pytest.raises(UsageError, match="edge heatmap"):
        arguments_of(shlex.split(line))


def test_the_help_names_every_key() -> None:
    assert [name.strip() for name in KEYS.split(",")] == [field.name for field in fields(HeatmapOptions)]
