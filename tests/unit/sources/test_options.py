"""What a source's options accept."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge.sources import SourceOptions


def test_a_start_time_becomes_nanoseconds_of_utc() -> None:
    start = datetime(2024, 1, 31, 1, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
    assert SourceOptions("a.mp4", start_time=start).start_time_utc_ns == 1_706_659_200_250_000_000
    assert SourceOptions("a.mp4").start_time_utc_ns is None


def test_a_start_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        SourceOptions("a.mp4", start_time=datetime(2024, 1, 31))


@pytest.mark.parametrize("name", ["open_timeout_s", "read_timeout_s"])
def test_timeouts_are_positive(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        SourceOptions("a.mp4", **{name: 0})


def test_a_uri_that_cannot_be_meant_is_refused_with_the_options() -> None:
    with pytest.raises(ValueError, match="did you mean rtsp"):
        SourceOptions("rstp://cam/s")
