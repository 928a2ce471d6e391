"""Which encoder is taken, and when it is not the hardware's. The trial itself runs with x264's element in the place of a Jetson's."""

from __future__ import annotations

import logging
import platform
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from edge.data import Size, Stamp
from edge.errors import RecorderError
from edge.sinks import recorder_choice
from edge.sinks.options import RecordOptions
from edge.sinks.recorder import PyavRecorder
from edge.sinks.recorder_choice import HardwareEncoder, choose_encoder, trial
from tests.contracts.test_recorders import gstreamer_trouble
from tests.unit.sources.film import number_on, numbered

needs_gstreamer = pytest.mark.skipif(bool(gstreamer_trouble()), reason=gstreamer_trouble() or "-")

X264 = "x264enc name=encoder tune=zerolatency speed-preset=ultrafast"


def codec_of(options: RecordOptions, folder: Path) -> str:
    folder.mkdir()
    with PyavRecorder(options, "gate", utc_ns=lambda t_ns: t_ns, make_encoder=choose_encoder(options)) as recorder:
        recorder.record(Stamp("gate", 0, 0, Size(320, 240)), numbered(0))
        assert recorder._segment is not None
        return recorder._segment.codec


def test_a_pc_tries_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(recorder_choice, "trial", lambda: pytest.fail("tried"))
    assert codec_of(RecordOptions(folder=tmp_path), tmp_path / "video") == "libx264"


def test_a_board_whose_encoder_does_not_work_uses_the_processor_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(recorder_choice, "trial", lambda: "there is no hardware behind it")
    assert codec_of(RecordOptions(folder=tmp_path), tmp_path / "video") == "libx264"
    assert caplog.records[-1].levelno == logging.INFO
    assert codec_of(RecordOptions(folder=tmp_path, encoder="nvenc"), tmp_path / "asked") == "libx264"
    assert caplog.records[-1].levelno == logging.WARNING
    assert "there is no hardware behind it" in caplog.text


def test_who_wants_x264_gets_it_untried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(recorder_choice, "trial", lambda: pytest.fail("tried"))
    assert codec_of(RecordOptions(folder=tmp_path, encoder="x264"), tmp_path / "video") == "libx264"


def test_a_trial_that_hangs_or_crashes_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("edge", 30)

    monkeypatch.setattr(subprocess, "run", hang)
    assert "did not encode" in trial()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], -11, "", "noise"))
    assert trial() == "its process ended with -11"


@needs_gstreamer
def test_an_encoder_that_gives_key_frames_where_they_are_asked_for_is_good() -> None:
    assert trial(f"x264enc {X264} key-int-max=9999") == ""


@needs_gstreamer
@pytest.mark.parametrize(
    ("element", "why"),
    [
        (f"stubborn {X264} key-int-max=9999 min-force-key-unit-interval=60000000000", "1 key frames of 20 pictures"),
        ("missing missing name=encoder", "cannot make the encoder missing"),
        (f"broken identity error-after=2 ! {X264}", "the encoder broken failed: Failed after iterations as requested"),
    ],
)
def test_one_that_does_not_is_refused_with_the_reason(element: str, why: str) -> None:
    assert why in trial(element)


@needs_gstreamer
def test_gstreamers_pictures_are_right_at_any_size_and_in_colour(tmp_path: Path) -> None:
    import av
    import numpy as np

    from edge.sinks.recorder_gstreamer import GstreamerElement, GstreamerEncoder

    element = GstreamerElement("x264enc", f"{X264} pass=quant quantizer={{crf}}")

    def make(container: Any, size: Size) -> GstreamerEncoder:
        return GstreamerEncoder(container, size, crf=18, element=element)

    for width, height in ((322, 242), (326, 246), (640, 480)):
        options = RecordOptions(folder=tmp_path / str(width), free_floor_bytes=0)
        with PyavRecorder(options, "gate", utc_ns=lambda t_ns: t_ns, make_encoder=make) as recorder:
            for number in range(5):
                picture = numbered(number, width=width, height=height)
                picture[: height // 4, : width // 4] = (200, 60, 20)
                recorder.record(Stamp("gate", number, number * 100_000_000, Size(width, height)), picture)
        with av.open(str(recorder.recorded[0])) as container:
            frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
        assert [number_on(frame) for frame in frames] == list(range(5))
        assert frames[0].shape == (height, width, 3)
        assert np.abs(frames[-1][10:30, 10:30].mean(axis=(0, 1)) - (200, 60, 20)).max() < 6


@needs_gstreamer
def test_an_encoder_that_stops_giving_packets_is_an_error_in_time_not_a_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.sinks import recorder_gstreamer
    from edge.sinks.recorder_gstreamer import GstreamerElement, GstreamerEncoder

    monkeypatch.setattr(recorder_gstreamer, "_PATIENCE_NS", 100_000_000)
    element = GstreamerElement("silent", "identity drop-probability=1.0 ! x264enc name=encoder")
    options = RecordOptions(folder=tmp_path, free_floor_bytes=0)
    make = lambda container, size: GstreamerEncoder(container, size, crf=26, element=element)  # noqa: E731
    with PyavRecorder(options, "gate", utc_ns=lambda t_ns: t_ns, make_encoder=make) as recorder:
        with pytest.raises(RecorderError, match="the encoder silent failed: it gives no packet"):  # noqa: PT012
            for number in range(10):
                recorder.record(Stamp("gate", number, number * 100_000_000, Size(320, 240)), numbered(number))
        assert number == 4


@needs_gstreamer
def test_an_encoder_that_fails_again_and_again_is_not_asked_for_ever(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from edge.sinks.recorder_gstreamer import GstreamerElement

    options = RecordOptions(folder=tmp_path, free_floor_bytes=0)
    make = HardwareEncoder(options, GstreamerElement("worn", f"identity error-after=4 ! {X264}"))
    codecs, kept = [], []
    with PyavRecorder(options, "gate", utc_ns=lambda t_ns: t_ns, make_encoder=make) as recorder:
        for number in range(60):  # half a second apart: it is tried again after five seconds
            with suppress(RecorderError):
                recorder.record(Stamp("gate", number, number * 500_000_000, Size(320, 240)), numbered(number))
                assert recorder._segment is not None
                codecs.append(recorder._segment.codec)
                kept.append(number)
    assert list(dict.fromkeys(codecs)) == ["worn", "libx264"]
    assert kept[0] == 0
    assert kept[-10:] == list(range(50, 60)), "recording goes on"
    assert sum("until the next start: the encoder worn failed" in record.getMessage() for record in caplog.records) == 1
    assert len(recorder.recorded) == 4, "three that the hardware began, and one of libx264"
