"""The index tells what is on the disk: while recording, after a kill, after deletions, and once the clock is set. The rows' own file is `store`'s test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.data import Size, Stamp
from edge.errors import StoreError
from edge.sinks.options import RecordOptions
from edge.sinks.recorder import PyavRecorder
from edge.store import Store, StoreSegments
from tests.unit.sources.film import numbered

SECOND_NS = 1_000_000_000
NOON_NS = 1_706_702_400 * SECOND_NS  # 2024-01-31 12:00:00 UTC


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "edge.db") as store:
        store.set_timeline("boot", NOON_NS, known=True)
        yield store


@pytest.fixture
def index(store: Store) -> Iterator[StoreSegments]:
    with StoreSegments(store.path) as index:
        yield index


def recorder(
    tmp_path: Path, index: StoreSegments, utc_ns: Callable[[int], int | None] = lambda t_ns: NOON_NS + t_ns, **options: Any
) -> PyavRecorder:
    return PyavRecorder(
        RecordOptions(folder=tmp_path / "video", **{"free_floor_bytes": 0, "segment_s": 2, **options}),
        "gate",
        utc_ns=utc_ns,
        timeline="boot",
        index=index.of("gate"),
    )


def record(to: PyavRecorder, first: int, count: int) -> None:
    """Ten pictures a second."""
    for number in range(first, first + count):
        to.record(Stamp("gate", number, number * SECOND_NS // 10, Size(320, 240)), numbered(number % 1000))


def rows(index: StoreSegments) -> list[tuple[str, str, int]]:
    return [(clip.path.name, clip.state, clip.pictures) for _, clip in index.between()]


def test_a_file_is_open_while_it_is_written_and_closed_afterwards(tmp_path: Path, index: StoreSegments) -> None:
    with recorder(tmp_path, index) as made:
        record(made, 0, 30)
        assert rows(index) == [("20240131T120000Z.mp4", "closed", 20), ("20240131T120002Z.mp4", "open", 0)]
    assert rows(index) == [("20240131T120000Z.mp4", "closed", 20), ("20240131T120002Z.mp4", "closed", 10)]
    camera, clip = index.between()[0]
    assert (camera, clip.utc0_ns, clip.t1_ns, clip.size, clip.codec) == ("gate", NOON_NS, 19 * SECOND_NS // 10, Size(320, 240), "libx264")
    assert clip.bytes == clip.path.stat().st_size


def test_a_span_gives_every_file_that_holds_a_part_of_it(tmp_path: Path, index: StoreSegments) -> None:
    with recorder(tmp_path, index) as made:
        record(made, 0, 60)
    span = (NOON_NS + 3 * SECOND_NS, NOON_NS + 4 * SECOND_NS)
    assert [clip.path.name[9:15] for _, clip in index.between(span)] == ["120002", "120004"]
    assert index.between(span, camera="door") == []
    assert len(index.between((None, NOON_NS), camera="gate")) == 1


def test_what_a_kill_left_open_is_cut_and_plays_to_where_its_row_says(tmp_path: Path, index: StoreSegments) -> None:
    killed = recorder(tmp_path, index)
    killed.__enter__()
    record(killed, 0, 38)
    with recorder(tmp_path, index):
        pass
    (_, _), (_, cut) = index.between()
    assert cut.state == "cut"
    assert 10 <= cut.pictures < 18  # the second file had 18, and each half second is written
    assert cut.t1_ns == pytest.approx(2 * SECOND_NS + cut.pictures * SECOND_NS // 10, abs=SECOND_NS // 5)
    killed.__exit__(None, None, None)


def test_a_file_in_which_nothing_plays_goes_with_its_row(tmp_path: Path, index: StoreSegments) -> None:
    killed = recorder(tmp_path, index)
    killed.__enter__()
    record(killed, 0, 1)
    with recorder(tmp_path, index):
        pass
    assert index.between() == []
    assert list((tmp_path / "video" / "gate").iterdir()) == []
    killed.__exit__(None, None, None)


def test_what_somebody_deleted_or_brought_is_noticed_at_the_next_start(tmp_path: Path, index: StoreSegments) -> None:
    with recorder(tmp_path, index) as made:
        record(made, 0, 60)
    gate = tmp_path / "video" / "gate"
    (gate / "20240131T120000Z.mp4").rename(gate / "20230131T120000Z.mp4")
    (gate / "20240131T120004Z.mp4").unlink()
    (gate / "20220131T120000Z.mp4").write_text("no film")
    with recorder(tmp_path, index):
        pass
    assert rows(index) == [("20230131T120000Z.mp4", "closed", 20), ("20240131T120002Z.mp4", "closed", 20)]
    brought = index.between()[0][1]
    assert brought.utc0_ns == 1_675_166_400 * SECOND_NS
    assert brought.size == Size(320, 240)


def test_what_the_budget_deletes_leaves_the_index(tmp_path: Path, index: StoreSegments) -> None:
    with recorder(tmp_path, index) as made:
        record(made, 0, 40)
        total = sum(path.stat().st_size for path in made.recorded)
    with recorder(tmp_path, index, max_bytes=max(1_000_000, total)) as made:
        made._options = RecordOptions(folder=tmp_path / "video", max_bytes=1_000_000, free_floor_bytes=0)
        object.__setattr__(made._options, "max_bytes", total - 1)
        record(made, 100, 3)
    assert [row[0] for row in rows(index)] == ["20240131T120002Z.mp4", "20240131T120010Z.mp4"]


def test_files_of_a_clock_that_is_set_later_get_their_true_names_in_folder_and_index(
    tmp_path: Path, store: Store, index: StoreSegments
) -> None:
    store.set_timeline("boot", 0, known=False)
    offset_ns: list[int] = []

    def utc_ns(t_ns: int) -> int | None:
        return offset_ns[0] + t_ns if offset_ns else None

    with recorder(tmp_path, index, utc_ns) as made:
        record(made, 0, 30)
        assert [path.name for path in made.recorded] == ["19700101T000000Z.mp4", "19700101T000002Z.mp4"]
        assert all(clip.utc0_ns is None for _, clip in index.between())
        offset_ns.append(NOON_NS)
        store.set_timeline("boot", NOON_NS, known=True)
        record(made, 30, 12)
        names = ["20240131T120000Z.mp4", "20240131T120002Z.mp4", "20240131T120004Z.mp4"]
        assert [path.name for path in made.recorded] == names
    assert [path.name for path in sorted((tmp_path / "video" / "gate").iterdir())] == names
    assert rows(index) == [(names[0], "closed", 20), (names[1], "closed", 20), (names[2], "closed", 2)]


def test_a_killed_process_leaves_names_of_1970_that_the_next_one_mends(tmp_path: Path, store: Store, index: StoreSegments) -> None:
    store.set_timeline("boot", 0, known=False)
    with recorder(tmp_path, index, lambda _: None) as made:
        record(made, 0, 10)
    store.set_timeline("boot", NOON_NS, known=True)
    with recorder(tmp_path, index):
        pass
    assert rows(index) == [("20240131T120000Z.mp4", "closed", 10)]


def test_an_index_that_cannot_be_written_stops_no_recording_and_is_said(
    tmp_path: Path, index: StoreSegments, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("edge.store.segments.CameraSegments.keep", refuse)
        with recorder(tmp_path, index) as made:
            record(made, 0, 10)
    assert "the disk is full; it is put right at the next start" in caplog.text
    assert rows(index) == []
    with recorder(tmp_path, index):
        pass
    assert rows(index) == [("20240131T120000Z.mp4", "closed", 10)]
