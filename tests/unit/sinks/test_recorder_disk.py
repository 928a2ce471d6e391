"""Names of segments and room for them: what is deleted, in which order, and what never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import RecorderError
from edge.sinks.recorder_disk import make_room, new_segment, segments


def fill(folder: Path, *names: str, size: int = 100) -> list[Path]:
    for name in names:
        (folder / name).write_bytes(bytes(size))
    return [folder / name for name in names]


def test_names_are_utc_seconds_and_never_taken_twice(tmp_path: Path) -> None:
    names = [new_segment(tmp_path / "a" / "b", start_utc_ns=1_706_702_400_999_999_999).name for _ in range(3)]
    assert names == ["20240131T120000Z.mp4", "20240131T120000Z_2.mp4", "20240131T120000Z_3.mp4"]


def test_segments_are_listed_oldest_first(tmp_path: Path) -> None:
    paths = fill(tmp_path, "20240131T120000Z.mp4", "20240131T120000Z_2.mp4", "20240131T120001Z.mp4")
    assert segments(tmp_path) == paths
    assert segments(tmp_path / "none") == []


def test_the_oldest_go_until_the_budget_holds(tmp_path: Path) -> None:
    paths = fill(tmp_path, *(f"20240131T12000{i}Z.mp4" for i in range(5)))
    assert make_room(tmp_path, writing=None, max_bytes=250, free_floor_bytes=0) == paths[:3]
    assert segments(tmp_path) == paths[3:]


def test_the_one_being_written_and_what_is_not_ours_stay(tmp_path: Path) -> None:
    other = fill(tmp_path, "holiday.mp4", "20240131T120000Z.txt", "20240131.mp4")
    paths = fill(tmp_path, "20240131T120000Z.mp4", "20240131T120001Z.mp4")
    assert make_room(tmp_path, writing=paths[0], max_bytes=0, free_floor_bytes=0) == [paths[1]]
    assert sorted(tmp_path.iterdir()) == sorted([*other, paths[0]])


def test_the_floor_takes_the_oldest_and_stops_when_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = fill(tmp_path, *(f"20240131T12000{i}Z.mp4" for i in range(5)))
    monkeypatch.setattr("edge.sinks.recorder_disk._free", lambda folder: 1000 + 100 * (5 - len(segments(folder))))
    assert make_room(tmp_path, writing=None, max_bytes=10_000, free_floor_bytes=1200) == paths[:2]
    with pytest.raises(RecorderError, match="free some room, or lower free_floor_bytes"):
        make_room(tmp_path, writing=paths[4], max_bytes=10_000, free_floor_bytes=99_000)
    assert segments(tmp_path) == paths[4:]
