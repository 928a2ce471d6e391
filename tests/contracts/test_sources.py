"""What every Source promises, held against each that can be made here: files, a URL with an end, the synthetic camera, a GStreamer pipeline.

Live cameras cannot resume or repeat; what else they promise is in tests/flow/test_rtsp.py and tests/flow/test_gstreamer_rtsp.py.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edge.data import Frame
from edge.errors import SourceError
from edge.ports import Source
from edge.sources import open_source
from tests.unit.sources.film import make_film

Open = Callable[..., Source]
SOME = 25


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    make_film(folder / "h264.mp4", count=40)
    make_film(folder / "fragmented.mp4", count=40, movflags="frag_keyframe+empty_moov+default_base_moof")
    make_film(folder / "h264.mkv", count=40)
    make_film(folder / "mjpeg.avi", count=40, codec="mjpeg")
    make_film(folder / "broken-times.mkv", count=40, pts=[*range(20), 60, 61, 62, *range(200, 217)])
    return folder


@pytest.fixture(scope="module")
def server(films: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(films))) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


RESUMABLE = ["h264.mp4", "fragmented.mp4", "h264.mkv", "mjpeg.avi", "broken-times.mkv", "http", "synthetic"]
LIVE = pytest.param("gstreamer", marks=pytest.mark.system)


@pytest.fixture(params=[*RESUMABLE, LIVE])
def opened(request: pytest.FixtureRequest, films: Path, server: str) -> Open:
    """Opens the same source anew at each call."""
    return opener(request.param, films, server)


@pytest.fixture(params=RESUMABLE)
def resumable(request: pytest.FixtureRequest, films: Path, server: str) -> Open:
    """Opens the same source anew at each call; it gives the same frames each time."""
    return opener(request.param, films, server)


def opener(which: str, films: Path, server: str) -> Open:
    match which:
        case "gstreamer":
            if find_spec("gi") is None:
                pytest.skip("PyGObject is not in this environment (scripts/pygobject.sh puts it there)")
            uri = "gst://videotestsrc is-live=true num-buffers=40 ! video/x-raw,width=321,height=240,framerate=60/1"
        case "http":
            uri = f"{server}/h264.mp4"
        case "synthetic":
            uri = "synthetic://plaza?size=320x240&fps=10&people=3&seconds=4"
        case name:
            uri = str(films / name)
    return functools.partial(open_source, uri, camera="gate")


def some(source: Source, count: int = SOME) -> list[Frame]:
    return list(itertools.islice(source, count))


def test_frames_come_in_order_with_growing_times_and_their_camera(opened: Open) -> None:
    with opened() as source:
        frames = list(source)
    assert len(frames) >= SOME
    assert [frame.stamp.index for frame in frames] == list(range(len(frames)))
    times = [frame.stamp.t_ns for frame in frames]
    assert times[0] == 0 or source.facts.live
    assert all(a < b for a, b in itertools.pairwise(times))
    assert {frame.stamp.camera for frame in frames} == {"gate"}


def test_pictures_are_bgr_of_the_size_that_was_said(opened: Open) -> None:
    with opened() as source:
        frame, size = some(source, 1)[0], source.facts.size
        assert frame.stamp.size == size
        assert frame.bgr.shape == (size.height, size.width, 3)
        assert frame.bgr.dtype == np.uint8


def test_the_facts_hold(opened: Open) -> None:
    with opened() as source:
        facts = source.facts
        assert facts.fps > 0
        count = sum(1 for _ in source)
        assert facts.frames in (None, count)
        assert not facts.live or (facts.frames, facts.start_utc_ns, facts.key) == (None, None, "")


def test_the_end_is_the_iterators_end(opened: Open) -> None:
    with opened() as source:
        frames = iter(source)
        assert sum(1 for _ in frames) >= SOME
        assert next(frames, None) is None


@pytest.mark.parametrize("index", [1, 7, 24])
def test_a_resumed_source_gives_the_very_frames_it_would_have(resumable: Open, index: int) -> None:
    with resumable() as source:
        whole, key = some(source), source.facts.key
        assert not source.facts.live
    with resumable(start_index=index) as source:
        rest = some(source, SOME - index)
        assert source.facts.key == key
    assert [frame.stamp for frame in rest] == [frame.stamp for frame in whole[index:]]
    assert all(np.array_equal(a.bgr, b.bgr) for a, b in zip(rest, whole[index:], strict=True))


def test_a_resume_behind_the_end_is_the_end(resumable: Open) -> None:
    with resumable() as source:
        count = sum(1 for _ in source)
    with resumable(start_index=count) as source:
        assert list(source) == []


def test_making_a_source_opens_nothing_and_leaving_it_twice_is_harmless(opened: Open) -> None:
    never_entered = opened()
    never_entered.__exit__(None, None, None)
    source = opened()
    with source:
        some(source, 2)
    source.__exit__(None, None, None)


def test_a_source_is_left_also_on_an_error_which_goes_on(opened: Open) -> None:
    source = opened()
    with pytest.raises(ZeroDivisionError), source:  # noqa: PT012
        some(source, 1)
        raise ZeroDivisionError
    with pytest.raises(SourceError, match="not open"):
        some(source, 1)


def test_a_source_is_read_inside_its_with_block(opened: Open) -> None:
    with pytest.raises(SourceError, match=r"camera gate.* not open"):
        some(opened(), 1)
