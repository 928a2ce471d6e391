"""What size of network the CPU's detector runs: what the user says, else what the cameras' pictures need of the model's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.backends.cpu import detector as cpu
from edge.backends.cpu.detector import OnnxDetector
from edge.data import Size
from edge.detect import DetectOptions
from edge.errors import ModelError
from tests.contracts.standin_network import StandIn, frame, stand_in


def test_a_network_of_free_size_is_as_large_as_the_user_says_or_640_and_looks_at_no_grey_that_it_need_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for imgsz, shape in ((None, (384, 640)), (320, (224, 320)), ((640, 640), (640, 640))):
        made, session = stand_in(monkeypatch, (None, 3, None, None), options=DetectOptions(imgsz=imgsz))
        with made as detector:
            detector.detect([frame(Size(1280, 720), None)])
        assert session.tensors[-1].shape[2:] == shape


@contextmanager
def of_sizes(monkeypatch: pytest.MonkeyPatch, own: Size, **options: Any) -> Iterator[tuple[OnnxDetector, list[str]]]:
    """A detector whose network of one size is had of others, "WxH.onnx" each; with the files that were loaded."""
    loaded: list[str] = []

    def load(path: Path, threads: int) -> StandIn:
        loaded.append(path.stem)
        width, height = own if path.stem == "own" else map(int, path.stem.split("x"))
        return StandIn((1, 3, height, width))

    monkeypatch.setattr(cpu, "Network", load)
    with OnnxDetector(Path("own.onnx"), DetectOptions(**options), model_for=lambda _, size: Path(f"{size}.onnx")) as detector:
        yield detector, loaded


def test_a_network_is_no_larger_than_what_the_cameras_need(monkeypatch: pytest.MonkeyPatch) -> None:
    box = (100, 60, 200, 300)
    with of_sizes(monkeypatch, Size(640, 640)) as (detector, loaded):
        for size in (Size(1280, 720), Size(1280, 720), Size(640, 480), Size(1280, 720), Size(480, 640)):
            (found,) = detector.detect([frame(size, box)])
            np.testing.assert_allclose(found.xyxy[0], box, atol=3)
    # As the cameras come: one of 16:9, one of 4:3, one that stands on its side.
    assert loaded == ["own", "640x384", "640x512", "own"]


def test_a_network_is_of_the_size_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    wide, square = Size(1280, 720), Size(640, 640)
    for imgsz, files in (([640, 640], ["own"]), ([320, 320], ["own", "320x320"]), (320, ["own", "320x224"]), (960, ["own", "640x384"])):
        with of_sizes(monkeypatch, square, imgsz=tuple(imgsz) if isinstance(imgsz, list) else imgsz) as (detector, loaded):
            detector.detect([frame(wide, None)])
            assert loaded == files


def test_where_a_smaller_network_cannot_be_had_the_whole_one_looks_on_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(onnx: Path, size: Size) -> Path:
        raise ModelError(f"no {size} of {onnx}")

    box = (100, 60, 200, 300)
    monkeypatch.setattr(cpu, "Network", lambda *_: StandIn((1, 3, 640, 640)))
    with OnnxDetector(Path("own.onnx"), DetectOptions(), model_for=none) as detector:
        for size in (Size(1280, 720), Size(640, 480)):
            (found,) = detector.detect([frame(size, box)])
            np.testing.assert_allclose(found.xyxy[0], box, atol=3)
    assert [record.getMessage() for record in caplog.records] == [
        "the whole of a picture of 640x640 is looked at, whatever it holds: no 640x384 of own.onnx"
    ]


def test_a_smaller_network_that_is_broken_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(path: Path, threads: int) -> StandIn:
        if path.stem != "own":
            raise ModelError(f"{path} is not a readable ONNX model")
        return StandIn((1, 3, 640, 640))

    monkeypatch.setattr(cpu, "Network", load)
    with OnnxDetector(Path("own.onnx"), DetectOptions(), model_for=lambda *_: Path("cut.onnx")) as detector:
        (found,) = detector.detect([frame(Size(1280, 720), (100, 60, 200, 300))])
    assert len(found) == 1


def test_a_size_that_was_asked_for_and_cannot_be_had_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "Network", lambda *_: StandIn((1, 3, 640, 640)))
    with pytest.raises(ModelError, match="takes pictures of 640x640 only, and imgsz is 640x384"):
        OnnxDetector(Path("own.onnx"), DetectOptions(imgsz=(640, 384))).__enter__()


def test_where_only_the_next_size_cannot_be_had_it_is_the_whole_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    box = (100, 60, 200, 300)
    with of_sizes(monkeypatch, Size(640, 640)) as (detector, loaded):
        detector.detect([frame(Size(1280, 720), box)])

        def none(onnx: Path, size: Size) -> Path:
            raise ModelError(f"no {size} of {onnx}")

        monkeypatch.setattr(detector, "_model_for", none)
        (found,) = detector.detect([frame(Size(640, 480), box)])
    np.testing.assert_allclose(found.xyxy[0], box, atol=3)
    assert loaded == ["own", "640x384", "own"]


def test_beside_a_picture_is_grey_whatever_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    made, session = stand_in(monkeypatch, (1, 3, 320, 320))
    bright = (0, 0, 5000, 5000)
    with made as detector:
        for size in (Size(640, 320), Size(320, 640), Size(320, 320), Size(640, 320)):
            detector.detect([frame(size, bright)])
            beside = session.tensors[-1][0] < 0.9
            assert beside.mean() == 1 - min(size) / max(size)
            assert np.unique(session.tensors[-1][0][beside]).tolist() == [np.float32(114) * np.float32(1 / 255)] * bool(beside.any())
