"""That a GStreamer source always ends, also where its driver hangs, and leaves nothing behind. What it reads is in test_gstreamer.py."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import pytest

from edge.data import Frame
from edge.errors import SourceError, SourceHeld, SourceTimeout
from edge.sources import gstreamer
from edge.sources.address import check_source
from edge.sources.gstreamer import GstreamerSource

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(find_spec("gi") is None, reason="PyGObject is not in this environment (scripts/pygobject.sh puts it there)"),
]
LIVE = "gst://videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1"


def opened(uri: str, **how: Any) -> GstreamerSource:
    return GstreamerSource(check_source(uri), camera="gate", **how)


def some(source: GstreamerSource, count: int) -> list[Frame]:
    return list(itertools.islice(source, count))


@pytest.mark.parametrize("kind", ["gst", "csi"])
def test_closing_from_another_thread_wakes_the_reader_and_is_no_failure(kind: Any) -> None:
    with opened(f"{LIVE} ! valve name=tap", timeout_s=(2, 60)) as source:
        assert source._opened is not None
        source._address = replace(source._address, kind=kind)  # a sensor has no end, so that an end would be an error
        some(source, 2)
        source._opened.pipeline.get_by_name("tap").set_property("drop", True)
        reader = threading.Thread(target=some, args=(source, 100))  # an error in it would fail this test
        reader.start()
        time.sleep(0.1)
        source.__exit__()
        reader.join(2)
        assert not reader.is_alive()


class Stuck:
    """A pipeline whose driver hangs in the calls that change its state until `let_go`."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self.let_go = threading.Event()

    def set_state(self, state: Any) -> Any:
        self.let_go.wait(20)
        return self._pipeline.set_state(state)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[GstreamerSource], Stuck]]:
    """`hang(source)` makes the driver of an opened, or of a not yet opened, source hang; it is let go at the end of the test."""
    stuck: list[Stuck] = []
    monkeypatch.setattr(gstreamer, "_CLOSE_S", 0.2)
    build = GstreamerSource._build

    def of(given: gstreamer._Opened) -> gstreamer._Opened:
        stuck.append(Stuck(given.pipeline))
        return gstreamer._Opened(stuck[-1], given.sink, given.bus)

    def make(source: GstreamerSource) -> Stuck:
        if source._opened is not None:
            source._opened = of(source._opened)
            return stuck[-1]
        monkeypatch.setattr(source, "_build", lambda lib: of(build(source, lib)))
        return Stuck(None)

    yield make
    for pipeline in stuck:
        pipeline.let_go.set()
    for thread in [thread for thread in threading.enumerate() if thread.name in ("start gate", "close gate")]:
        thread.join(5)
        assert not thread.is_alive()


def test_a_pipeline_that_hangs_at_its_start_is_left_behind_in_time_and_not_tried_again_until_it_returns(hang: Callable[..., Stuck]) -> None:
    source = opened(LIVE, timeout_s=(0.3, 1))
    hang(source)
    began_s = time.monotonic()
    with pytest.raises(SourceTimeout, match="did not answer in time"):
        source.__enter__()
    assert time.monotonic() - began_s < 3
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(SourceHeld, match="still hangs in its driver"):
            opened(LIVE).__enter__()
    assert threading.active_count() == before


def test_a_pipeline_that_hangs_at_its_end_does_not_keep_anyone(hang: Callable[..., Stuck], eventually: Callable[..., bool]) -> None:
    with opened(LIVE) as source:
        some(source, 2)
        stuck = hang(source)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 3
    with pytest.raises(SourceHeld, match="still hangs in its driver"):
        opened(LIVE).__enter__()
    stuck.let_go.set()
    assert eventually(lambda: not any(thread.name == "close gate" for thread in threading.enumerate()))
    with opened(LIVE) as source:
        assert len(some(source, 2)) == 2


@pytest.mark.parametrize(
    "uri", [LIVE, "gst://nosuchelement", "gst://audiotestsrc", "gst://v4l2src device=/dev/null", "gst://videotestsrc ! appsink"]
)
def test_thirty_openings_leave_threads_and_handles_as_they_were(uri: str, leaves_nothing: Callable[..., None]) -> None:
    def once() -> None:
        with suppress(SourceError), opened(uri) as source:
            some(source, 3)

    leaves_nothing(once, times=30)
