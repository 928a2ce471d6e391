"""What every Recorder promises, above all to whoever kills it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import av
import pytest

from edge.data import Size, Stamp
from edge.ports import Recorder
from edge.sinks.options import RecordOptions
from edge.sinks.recorder import PyavRecorder
from tests.unit.sources.film import number_on, numbered

FPS = 25
ROOT = Path(__file__).parents[2]


def open_pyav(folder: Path) -> Recorder:
    return PyavRecorder(RecordOptions(folder=folder, free_floor_bytes=0), "gate", utc_ns=lambda t_ns: t_ns)


def open_gstreamer(folder: Path) -> Recorder:
    """As on a Jetson, with x264's element in the place of the hardware's."""
    from edge.sinks.recorder_gstreamer import GstreamerElement, GstreamerEncoder

    element = GstreamerElement(
        "x264enc", "x264enc name=encoder tune=zerolatency speed-preset=ultrafast pass=quant quantizer={crf} key-int-max=9999"
    )
    make = partial(GstreamerEncoder, crf=26, element=element)
    return PyavRecorder(RecordOptions(folder=folder, free_floor_bytes=0), "gate", utc_ns=lambda t_ns: t_ns, make_encoder=make)


OPENERS: dict[str, Callable[[Path], Recorder]] = {"libx264": open_pyav, "GStreamer": open_gstreamer}


@cache
def gstreamer_trouble() -> str:
    """Why there is no x264enc of GStreamer here; '' where there is one."""
    try:
        import gi

        gi.require_version("Gst", "1.0")
        from gi.repository import Gst
    except (ImportError, ValueError) as error:
        return f"no GStreamer for this Python ({error})"
    Gst.init(None)
    return "" if Gst.ElementFactory.find("x264enc") else "GStreamer has no x264enc here (gstreamer1.0-plugins-ugly)"


@pytest.fixture(params=list(OPENERS))
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "GStreamer" and (trouble := gstreamer_trouble()):
        pytest.skip(trouble)
    return str(request.param)


def record(to: Recorder, number: int) -> None:
    to.record(Stamp("gate", number, number * 1_000_000_000 // FPS, Size(320, 240)), numbered(number % 1000))


def numbers_in(folder: Path) -> list[int]:
    numbers = []
    for path in sorted(folder.rglob("*.mp4")):
        with av.open(str(path)) as container:
            numbers += [number_on(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    return numbers


def record_for_ever(name: str, folder: str) -> None:
    """The child that gets killed: says each picture's number once it is recorded."""
    with OPENERS[name](Path(folder)) as recorder:
        for number in range(10_000):
            record(recorder, number)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


def test_what_was_recorded_plays_in_order(name: str, tmp_path: Path) -> None:
    with OPENERS[name](tmp_path) as recorder:
        for number in range(30):
            record(recorder, number)
    assert numbers_in(tmp_path) == list(range(30))


def test_a_recorder_that_was_told_nothing_leaves_nothing(name: str, tmp_path: Path) -> None:
    with OPENERS[name](tmp_path):
        pass
    assert list(tmp_path.rglob("*.mp4")) == []


def test_an_error_on_the_way_out_goes_on_and_the_video_plays(name: str, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), OPENERS[name](tmp_path) as recorder:  # noqa: PT012
        record(recorder, 0)
        raise ZeroDivisionError
    assert numbers_in(tmp_path) == [0]


def test_a_recorder_is_entered_once_left_harmlessly_twice_and_records_inside(name: str, tmp_path: Path) -> None:
    recorder = OPENERS[name](tmp_path)
    with pytest.raises(RuntimeError):
        record(recorder, 0)
    with recorder, pytest.raises(RuntimeError):
        recorder.__enter__()
    recorder.__exit__(None, None, None)
    with pytest.raises(RuntimeError):
        record(recorder, 0)


def test_it_plays_to_within_a_second_of_a_kill(name: str, tmp_path: Path) -> None:
    code = f"from tests.contracts.test_recorders import record_for_ever; record_for_ever({name!r}, {{!r}})"
    for kill, until in enumerate((31, 87, 149)):
        folder = tmp_path / str(kill)
        with subprocess.Popen([sys.executable, "-c", code.format(str(folder))], stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
            assert child.stdout is not None
            said = 0
            while said < until:
                said = int(child.stdout.readline())
            child.send_signal(signal.SIGKILL)
            rest = child.stdout.read().split()
            # What was said last is recorded for sure; of a word cut in two only the one before.
            said = int(rest[-2]) if len(rest) > 1 else said
        assert child.returncode == -signal.SIGKILL
        numbers = numbers_in(folder)
        assert numbers == [number % 1000 for number in range(len(numbers))]
        assert len(numbers) >= said - FPS, f"killed at picture {said}, plays to {len(numbers)}"
