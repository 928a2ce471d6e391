"""The arguments of Ultralytics' Heatmap: their defaults, what they mean here, and the one sentence for each that cannot be meant."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.count import LineOptions, ZoneOptions
from edge.errors import UsageError
from edge.heat import COLORMAPS
from edge.solutions.options import HeatmapOptions, options_of


def refused(**arguments: Any) -> str:
    with pytest.raises(UsageError) as refusal:
        options_of(arguments)
    said = str(refusal.value)
    assert "\n" not in said
    return said


def test_the_defaults_are_those_of_the_page() -> None:
    options = HeatmapOptions()
    assert (options.model, options.colormap, options.show, options.region, options.line_width) == (None, cv2.COLORMAP_JET, False, None, 2)
    assert options.show_in
    assert options.show_out
    assert (options.classes, options.tracker, options.decay, options.fps) == (None, "bytetrack.yaml", None, 30.0)


@pytest.mark.parametrize("number", range(22))
def test_every_colour_map_can_be_written_as_constant_number_or_name(number: int) -> None:
    name = COLORMAPS[number].upper()
    constant = getattr(cv2, f"COLORMAP_{name}")
    assert constant == number
    for spelling in (constant, str(number), name, name.lower(), f"COLORMAP_{name}", f"cv2.COLORMAP_{name}", f"cv::COLORMAP_{name}"):
        assert options_of({"colormap": spelling}).heat.colormap == number


def test_an_unknown_colour_map_is_answered_with_the_nearest() -> None:
    assert "inferno" in refused(colormap="cv2.COLORMAP_INFERN")
    refused(colormap=22)


def test_two_points_are_a_line_four_a_rectangle_and_five_a_closed_ring() -> None:
    line = options_of({"region": [(20, 400), (1080, 400)]}).place
    assert line == LineOptions((20, 400), (1080, 400))
    corners = [(20, 400), (1080, 400), (1080, 360), (20, 360)]
    area = options_of({"region": corners}).place
    assert area == ZoneOptions(tuple((float(x), float(y)) for x, y in corners))
    assert options_of({"region": [*corners, corners[0]]}).place == area
    assert options_of({"region": np.array(corners)}).place == area


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        ([(10, 10)], "1 point"),
        ([(10, 10), (20, 20), (30, 30)], "3 points"),
        ([(10, 10), (10, 10)], "2 px apart"),
        ([(10, 10), (20, 20), (30, 30), (40, 40)], "one line"),
        ([(10, 10), (90, 90), (90, 10), (10, 90)], "cross"),
        ([(10, 10), (float("nan"), 5)], "finite"),
        ([], "0 points"),
        ("(10, 10)", "list of points"),
        ([1, 2, 3, 4], "list of points"),
        (7, "list of points"),
    ],
)
def test_a_region_that_cannot_be_counted_over_is_refused_with_the_reason(region: object, reason: str) -> None:
    assert reason in refused(region=region)


@pytest.mark.parametrize(
    "arguments",
    [
        {"show": "yes"},
        {"decay": 0},
        {"decay": 1.01},
        {"decay": "slow"},
        {"fps": 0},
        {"fps": math.inf},
        {"conf": 1.5},
        {"conf": "high"},
        {"iou": -0.1},
        {"max_det": 0},
        {"max_det": 1.5},
        {"imgsz": 100},
        {"imgsz": (640, 640, 3)},
        {"line_width": 0},
        {"line_width": 1.5},
        {"classes": 2.5},
        {"classes": [None]},
        {"model": 3},
    ],
    ids=str,
)
def test_a_value_that_cannot_be_meant_is_refused_by_the_name_of_its_argument(arguments: dict[str, Any]) -> None:
    (name,) = arguments
    assert name in refused(**arguments)


def test_an_unknown_argument_is_answered_with_the_nearest() -> None:
    assert "did you mean colormap?" in refused(colourmap=2)
    assert "line_width" in refused(zzzzz=1)


@given(decay=st.floats(0.5, 0.999999), frames=st.integers(1, 300))
def test_decay_is_the_half_life_it_means_at_thirty_frames_a_second(decay: float, frames: int) -> None:
    half_life_s = HeatmapOptions(decay=decay).half_life_s
    assert half_life_s is not None
    assert 0.5 ** (frames / 30 / half_life_s) == pytest.approx(decay**frames, rel=1e-6)


def test_decay_does_not_depend_on_the_frame_rate_and_one_is_for_ever() -> None:
    assert HeatmapOptions(decay=0.99, fps=10).half_life_s == HeatmapOptions(decay=0.99).half_life_s == pytest.approx(2.299, abs=1e-3)
    assert HeatmapOptions(decay=1.0).half_life_s is None
    assert HeatmapOptions().half_life_s is None


def test_a_network_size_is_height_and_width_as_theirs() -> None:
    assert HeatmapOptions(imgsz=(384, 640)).detect.imgsz == (640, 384)
    assert HeatmapOptions(imgsz=320).detect.imgsz == 320


def test_numbers_of_numpy_are_numbers() -> None:
    options = HeatmapOptions(classes=np.array([0, 2]), conf=np.float32(0.25))  # type: ignore[arg-type]
    assert options.wanted_classes == (0, 2)
