"""The GStreamer source over a real RTSP server, which is killed, frozen, locked and moved: what test_rtsp.py asks of the other source."""

from __future__ import annotations

import itertools
import signal
import statistics
import time
import traceback
from collections.abc import Callable
from importlib.util import find_spec

import pytest

from edge.errors import SourceError, SourceTimeout
from edge.sources import open_source
from tests.flow.rtsp_servers import Server

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(find_spec("gi") is None, reason="PyGObject is not in this environment (scripts/pygobject.sh puts it there)"),
]


@pytest.mark.parametrize("query", ["transport=tcp", "transport=udp", "latency_ms=1000", "latency_ms=0"])
def test_frames_arrive_with_their_own_time_whatever_the_transport_and_the_jitter_buffer(serve: Callable[..., Server], query: str) -> None:
    with open_source(f"{serve().url}?via=gstreamer&{query}", camera="gate", start_index=100) as source:
        assert source.facts.live
        assert (source.facts.size, source.facts.fps) == ((320, 240), 15)
        stamps, ages_s = [], []
        for frame in itertools.islice(source, 30):
            stamps.append(frame.stamp)
            ages_s.append((time.monotonic_ns() - frame.stamp.t_ns) / 1e9)
            assert frame.bgr.std() > 1
    assert [stamp.index for stamp in stamps] == list(range(100, 130))
    assert all(a.t_ns < b.t_ns for a, b in itertools.pairwise(stamps))
    assert all(0 <= age_s < 1 for age_s in ages_s), ages_s
    steps_ms = [(b.t_ns - a.t_ns) / 1e6 for a, b in itertools.pairwise(stamps[10:])]
    assert statistics.median(steps_ms) == pytest.approx(1000 / 15, rel=0.1)


def test_a_killed_server_is_an_error_at_once_and_the_next_opening_is_refused(serve: Callable[..., Server]) -> None:
    server = serve()
    uri = f"{server.url}?via=gstreamer"
    with open_source(uri, camera="gate") as source:
        list(itertools.islice(source, 5))
        server.signal(signal.SIGKILL)
        began_s = time.monotonic()
        with pytest.raises(SourceError, match=r"broke off|went silent"):
            list(source)
        assert time.monotonic() - began_s < 5
    server.process.wait(10)
    with pytest.raises(SourceError, match="nothing listens"):
        open_source(uri, camera="gate").__enter__()


def test_a_frozen_server_is_a_timeout_when_reading_and_when_opening(serve: Callable[..., Server]) -> None:
    server = serve()
    uri = f"{server.url}?via=gstreamer"
    with open_source(uri, camera="gate", timeout_s=(5, 2)) as source:
        list(itertools.islice(source, 5))
        server.signal(signal.SIGSTOP)
        began_s = time.monotonic()
        with pytest.raises(SourceTimeout, match="went silent"):
            list(source)
        assert 1.5 < time.monotonic() - began_s < 6
    began_s = time.monotonic()
    with pytest.raises(SourceTimeout, match="did not answer in time"):
        open_source(uri, camera="gate", timeout_s=(1, 1)).__enter__()
    assert time.monotonic() - began_s < 6
    server.signal(signal.SIGCONT)
    with open_source(uri, camera="gate") as source:
        assert len(list(itertools.islice(source, 3))) == 3


def test_a_stream_that_is_moved_to_another_size_and_rate_is_followed(serve: Callable[..., Server]) -> None:
    server = serve(door="320x240@15")
    with open_source(f"{server.url}?via=gstreamer", camera="gate") as source:
        frames = iter(source)
        assert next(frames).stamp.size == (320, 240)
        server.move("door", "642x360@20")
        moved = next(frame for frame in frames if frame.stamp.size != (320, 240))
        assert moved.bgr.shape == (360, 642, 3)
        assert len(list(itertools.islice(frames, 20))) == 20


def test_a_path_the_server_does_not_know_is_said(serve: Callable[..., Server]) -> None:
    with pytest.raises(SourceError, match="knows no such path"):
        open_source(f"{serve().base}/nowhere?via=gstreamer", camera="gate").__enter__()


def test_a_password_opens_and_a_wrong_one_is_refused_without_showing_it(serve: Callable[..., Server]) -> None:
    server = serve("--user", "joe", "--password", "hunter2", login="joe:hunter2@")
    uri = f"{server.url}?via=gstreamer"
    with open_source(uri, camera="gate") as source:
        assert len(list(itertools.islice(source, 3))) == 3
    for wrong in (uri.replace("hunter2", "hunter3"), uri.replace("joe:hunter2@", "")):
        with pytest.raises(SourceError, match="refuses the user name or password") as caught:
            open_source(wrong, camera="gate").__enter__()
        assert "hunter" not in "".join(traceback.format_exception(None, caught.value, None))


def test_ten_returns_leave_threads_and_handles_as_they_were(serve: Callable[..., Server], leaves_nothing: Callable[..., None]) -> None:
    uri = f"{serve().url}?via=gstreamer"

    def once() -> None:
        with open_source(uri, camera="gate") as source:
            list(itertools.islice(source, 2))

    leaves_nothing(once, times=10)
