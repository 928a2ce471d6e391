"""Names of segments and room for them: what is deleted, in which order, and what never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.sinks.recorder_disk import NoRoom, dated, hold, is_dated, make_room, new_segment, segments, start_of


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


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
    gate = folder(tmp_path, "gate")
    paths = fill(gate, *(f"20240131T12000{i}Z.mp4" for i in range(5)))
    monkeypatch.setattr("edge.sinks.recorder_disk._free", lambda folder: 1000 + 100 * (5 - len(segments(folder))))
    assert make_room(gate, writing=None, max_bytes=10_000, free_floor_bytes=1200) == paths[:2]
    with pytest.raises(NoRoom, match="free some room, or lower free_floor_bytes") as caught:
        make_room(gate, writing=paths[4], max_bytes=10_000, free_floor_bytes=99_000)
    assert caught.value.deleted == paths[2:4]
    assert segments(gate) == paths[4:]


def test_for_the_floor_the_oldest_of_all_cameras_goes_but_nothing_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = fill(folder(tmp_path, "quiet"), "20230101T000000Z.mp4", "20240131T120001Z.mp4")
    busy = fill(folder(tmp_path, "busy"), "19700101T000007Z.mp4", "20240131T120000Z.mp4", "20240131T120002Z.mp4")
    monkeypatch.setattr("edge.sinks.recorder_disk._free", lambda folder: 1000 - 100 * len([*tmp_path.rglob("*.mp4")]))
    with hold(busy[0]):
        assert make_room(quiet[0].parent, writing=quiet[1], max_bytes=10_000, free_floor_bytes=700) == [quiet[0], busy[1]]
    assert make_room(quiet[0].parent, writing=quiet[1], max_bytes=10_000, free_floor_bytes=800) == [busy[0]]


def test_what_only_looks_as_if_it_lay_here_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = fill(folder(tmp_path, "elsewhere"), "20240131T120000Z.mp4")
    gate = folder(folder(tmp_path, "video"), "gate")
    (gate.parent / "door").symlink_to(elsewhere[0].parent)
    monkeypatch.setattr("edge.sinks.recorder_disk._free", lambda folder: 0)
    with pytest.raises(NoRoom):
        make_room(gate, writing=None, max_bytes=10_000, free_floor_bytes=1)
    assert elsewhere[0].exists()


def test_a_segment_gets_its_true_name_once_and_no_others(tmp_path: Path) -> None:
    noon_ns = 1_706_702_400 * 1_000_000_000
    first, second = (new_segment(tmp_path, start_utc_ns=5_000_000_000) for _ in range(2))
    assert not is_dated(first)
    renamed = [dated(path, start_utc_ns=noon_ns) for path in (first, second)]
    assert [path.name for path in renamed] == ["20240131T120000Z.mp4", "20240131T120000Z_2.mp4"]
    assert segments(tmp_path) == renamed
    assert dated(renamed[1], start_utc_ns=noon_ns) == renamed[1]
    assert all(is_dated(path) and start_of(path) == noon_ns for path in renamed)
