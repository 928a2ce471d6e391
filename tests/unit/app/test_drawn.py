"""A camera that comes back with another size of picture, after a restart of the device: where its lines are then."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.app.drawn import drawn_in
from edge.config import CameraConfig
from edge.count import LineOptions
from edge.data import Size
from edge.errors import UsageError
from edge.store import Store

FULL, SMALL = Size(1920, 1080), Size(1280, 720)
LOW = {"door": LineOptions((100, 900), (800, 900))}  # outside of a small picture


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "edge.db") as store:
        yield store


def config(**more: object) -> CameraConfig:
    return CameraConfig(**{"source": "rtsp://10.0.0.7/main", "lines": LOW, **more})  # type: ignore[arg-type]


def test_lines_stay_where_they_were_drawn(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert drawn_in("a", config(), store, FULL, live=True) == FULL
    assert not caplog.records
    assert drawn_in("a", config(), store, SMALL, live=True) == FULL
    assert "it gives pictures of 1280x720, its lines and zones were drawn in 1920x1080" in caplog.text
    assert drawn_in("b", config(lines={}), store, SMALL, live=True) == SMALL, "another camera's"


def test_lines_that_are_drawn_anew_are_drawn_on_what_is_there(store: Store) -> None:
    drawn_in("a", config(), store, FULL, live=True)
    anew = config(lines={"door": LineOptions((100, 600), (800, 600))})
    assert drawn_in("a", anew, store, SMALL, live=True) == SMALL
    assert drawn_in("a", config(source="rtsp://10.0.0.8/main", lines={}), store, SMALL, live=True) == SMALL, "another camera at that place"
    with pytest.raises(UsageError, match=r"camera 'a': line 'door' has a point \(100, 900\) outside the picture of 1280x720"):
        drawn_in("a", config(), store, SMALL, live=True)


def test_a_files_lines_are_in_its_own_pixels_and_who_says_a_reference_is_heeded(store: Store) -> None:
    assert drawn_in("a", config(lines={}), store, FULL, live=False) == FULL
    assert drawn_in("a", config(lines={}), store, SMALL, live=False) == SMALL
    assert drawn_in("a", config(reference=(1920, 1080)), store, SMALL, live=True) == FULL
