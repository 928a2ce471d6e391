"""What can be said about models that are made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data import Size
from edge.engine import EngineOptions, ExportOptions


@pytest.mark.parametrize(
    ("picture", "network"),
    [((1920, 1080), (640, 384)), ((1280, 720), (640, 384)), ((640, 480), (640, 480)), ((1080, 1920), (384, 640)), ((4000, 100), (640, 32))],
)
def test_a_network_gets_the_shape_of_the_cameras_picture(picture, network):
    assert ExportOptions.fitting(Size(*picture)) == network


@given(st.integers(16, 8000), st.integers(16, 8000))
def test_such_a_network_can_be_exported_and_holds_the_picture(width, height):
    made = ExportOptions(ExportOptions.fitting(Size(width, height)))
    scale = 640 / max(width, height)
    assert made.imgsz[0] >= width * scale - 1e-6
    assert made.imgsz[1] >= height * scale - 1e-6


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"precision": "fp8"}, "it must be fp32, fp16 or int8"),
        ({"batch": (2, 1)}, "1 <= least <= most <= 64"),
        ({"batch": (0, 1)}, "1 <= least <= most <= 64"),
        ({"workspace_mib": 1}, "16 to 65536"),
    ],
)
def test_what_no_engine_can_be_is_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        EngineOptions(**options)
