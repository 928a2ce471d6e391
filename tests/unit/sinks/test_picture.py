"""Pictures as bytes within a budget: that they fit, how good they are, and how little work it takes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.sinks import picture as room
from edge.sinks.picture import decode, encode


def scene(width: int = 640, height: int = 360, noise: int = 40) -> Any:
    ramp = np.linspace(0, 200, width, dtype=np.float32)[None, :, None] + np.zeros((height, 1, 3), np.float32)
    return (ramp + np.random.default_rng(0).integers(0, noise + 1, (height, width, 3))).astype(np.uint8)


@pytest.fixture
def encodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry an encode: the quality."""
    calls: list[int] = []
    real = room._encoded
    monkeypatch.setattr(room, "_encoded", lambda p, f, q: (calls.append(q), real(p, f, q))[1])
    return calls


@pytest.mark.parametrize(("format", "magic"), [("jpeg", b"\xff\xd8"), ("png", b"\x89PNG"), ("webp", b"RIFF")])
def test_each_format_is_what_its_type_says_and_comes_back(format: Any, magic: bytes) -> None:
    data, content_type = encode(scene(160, 90), max_bytes=200_000, format=format)
    assert content_type == f"image/{format}"
    assert data.startswith(magic)
    assert np.abs(decode(data).astype(int) - scene(160, 90)).mean() < (1 if format == "png" else 15)


def test_what_fits_at_once_is_encoded_once(encodes: list[int]) -> None:
    encode(scene(noise=0), max_bytes=100_000)
    assert encodes == [85]


def test_quality_goes_down_before_the_size_and_ends_near_the_best_that_fits(encodes: list[int]) -> None:
    picture = scene()
    best = {quality: len(cv2.imencode(".jpeg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]) for quality in range(40, 86)}
    budget = best[70]
    data, _ = encode(picture, max_bytes=budget)
    assert decode(data).shape == picture.shape
    assert best[64] <= len(data) <= budget
    assert len(encodes) <= 5


def test_the_size_is_halved_when_no_quality_fits() -> None:
    data, _ = encode(scene(), max_bytes=6_000)
    assert len(data) <= 6_000
    assert decode(data).shape in ((180, 320, 3), (90, 160, 3))


@settings(max_examples=25)
@given(st.integers(3_500, 60_000), st.integers(16, 200), st.integers(16, 200), st.sampled_from(["jpeg", "png", "webp"]))
def test_any_sensible_budget_is_met(max_bytes: int, width: int, height: int, format: Any) -> None:
    data, _ = encode(scene(width, height, 255), max_bytes=max_bytes, format=format)
    assert len(data) <= max_bytes


def test_a_grey_picture_is_taken() -> None:
    data, _ = encode(scene(64, 48)[:, :, 0], max_bytes=50_000, format="png")
    assert decode(data).shape == (48, 64, 3)


def test_an_impossible_budget_and_an_unknown_format_are_wrong_usage() -> None:
    with pytest.raises(UsageError, match="max_bytes 20 is too little"):
        encode(scene(), max_bytes=20)
    with pytest.raises(UsageError, match="jpeg, png, webp"):
        encode(scene(), max_bytes=20_000, format="gif")  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"", b"no picture", encode(scene(64, 48), max_bytes=9_000)[0][:20]])
def test_bytes_that_are_no_picture_are_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="hold no picture"):
        decode(data)
