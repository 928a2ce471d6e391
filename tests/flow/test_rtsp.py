"""RTSP against a real server (GStreamer's), which is killed, frozen and locked: frames, or the right error in time."""

from __future__ import annotations

import itertools
import signal
import time
import traceback
from collections.abc import Callable

import pytest

from edge.errors import SourceError, SourceTimeout
from edge.sources import open_source
from tests.flow.rtsp_servers import Server

pytestmark = pytest.mark.system


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frames_arrive_with_growing_times_of_this_machines_clock(serve: Callable[..., Server], transport: str) -> None:
    with open_source(f"{serve().url}?transport={transport}", camera="gate", start_index=100) as source:
        assert source.facts.live
        assert source.facts.size == (320, 240)
        assert source.facts.frames is None
        stamps, ages_s = [], []
        for frame in itertools.islice(source, 45):
            stamps.append(frame.stamp)
            ages_s.append((time.monotonic_ns() - frame.stamp.t_ns) / 1e9)
            assert frame.bgr.std() > 1
    assert [stamp.index for stamp in stamps] == list(range(100, 145))
    assert all(a.t_ns < b.t_ns for a, b in itertools.pairwise(stamps))
    assert all(0 <= age_s < 1 for age_s in ages_s)
    # Once the first burst is through, the times keep the camera's pace of 15 a second.
    steps_ms = [(b.t_ns - a.t_ns) / 1e6 for a, b in itertools.pairwise(stamps[25:])]
    assert sum(steps_ms) / len(steps_ms) == pytest.approx(1000 / 15, rel=0.1)


def test_a_killed_server_is_an_end_or_an_error_at_once(serve: Callable[..., Server]) -> None:
    server = serve()
    with open_source(server.url, camera="gate") as source:
        list(itertools.islice(source, 5))
        server.signal(signal.SIGKILL)
        started_s = time.monotonic()
        try:
            list(source)
        except SourceError as error:
            assert "broke off" in str(error) or isinstance(error, SourceTimeout)  # noqa: PT017
        assert time.monotonic() - started_s < 5


def test_a_frozen_server_is_a_timeout_within_seconds(serve: Callable[..., Server]) -> None:
    server = serve()
    with open_source(server.url, camera="gate", timeout_s=(5, 2)) as source:
        list(itertools.islice(source, 5))
        server.signal(signal.SIGSTOP)
        started_s = time.monotonic()
        with pytest.raises(SourceTimeout, match="went silent"):
            list(source)
        assert 1.5 < time.monotonic() - started_s < 6


def test_a_path_the_server_does_not_know_is_said(serve: Callable[..., Server]) -> None:
    with pytest.raises(SourceError, match="knows no such path"):
        open_source(f"{serve().base}/nowhere", camera="gate").__enter__()


def test_a_password_opens_and_a_wrong_one_is_refused_without_showing_it(serve: Callable[..., Server]) -> None:
    server = serve("--user", "joe", "--password", "hunter2", login="joe:hunter2@")
    with open_source(server.url, camera="gate") as source:
        assert len(list(itertools.islice(source, 3))) == 3
    with pytest.raises(SourceError, match="refuses the user name or password") as caught:
        open_source(server.url.replace("hunter2", "hunter3"), camera="gate").__enter__()
    said = "".join(traceback.format_exception(None, caught.value, None))
    assert "hunter" not in said
    assert "joe:***@" in said


def test_another_size_and_rate_in_mid_stream_are_followed_without_reopening(serve: Callable[..., Server]) -> None:
    server = serve(door="320x240@15", yard="160x120@10")
    with open_source(server.url, camera="door") as source:
        frames = iter(source)
        for form in ("640x360@15", "160x120@30", "320x240@10"):
            size, _, fps = form.partition("@")
            before = next(frames).stamp
            server.move("door", form)
            came = next(frame.stamp for frame in frames if str(frame.stamp.size) == size)
            assert (came.t_ns - before.t_ns) / 1e9 < 2  # a key frame begins the new size
            stamps = [frame.stamp for frame in itertools.islice(frames, 20)]
            assert {str(stamp.size) for stamp in stamps} == {size}
            # The first steps may still hold what the encoder had waiting.
            steps_ms = [(b.t_ns - a.t_ns) / 1e6 for a, b in itertools.pairwise(stamps[5:])]
            assert sum(steps_ms) / len(steps_ms) == pytest.approx(1000 / int(fps), rel=0.15)
    with open_source(f"{server.base}/yard", camera="yard") as source:
        assert source.facts.size == (160, 120)
