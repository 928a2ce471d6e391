"""Rows of recorded video: spans, clocks that are set later, stores of older versions. That they agree with the folder is `sinks`' test."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edge.data import Size
from edge.errors import StoreError
from edge.ports import Clip
from edge.store import Store, StoreSegments

SECOND_NS = 1_000_000_000


def clip(name: str, t0_s: float, t1_s: float, *, timeline: str = "boot", state: str = "closed") -> Clip:
    t0_ns, t1_ns = round(t0_s * SECOND_NS), round(t1_s * SECOND_NS)
    return Clip(Path(name), timeline, t0_ns, t1_ns, 10, 1000, Size(64, 48), "libx264", state)  # type: ignore[arg-type]


def names(found: list[tuple[str, Clip]]) -> list[str]:
    return [str(clip.path) for _, clip in found]


def test_a_span_takes_what_touches_it_from_all_cameras_in_order_of_time(tmp_path: Path) -> None:
    with Store(tmp_path / "edge.db") as store, StoreSegments(store.path) as segments:
        store.set_timeline("boot", 1000 * SECOND_NS, known=True)
        segments.of("yard").keep(clip("b", 5, 15))
        segments.of("door").keep(clip("a", 0, 10))
        segments.of("door").keep(clip("c", 10, 20))
        assert names(segments.between()) == ["a", "b", "c"]
        assert names(segments.between((1010 * SECOND_NS, 1012 * SECOND_NS))) == ["a", "b", "c"]
        assert names(segments.between((1016 * SECOND_NS, None))) == ["c"]
        assert names(segments.between((None, 1004 * SECOND_NS))) == ["a"]
        assert names(segments.between(camera="yard")) == ["b"]


def test_what_was_never_dated_comes_first_and_only_where_no_beginning_is_asked_for(tmp_path: Path) -> None:
    with Store(tmp_path / "edge.db") as store, StoreSegments(store.path) as segments:
        store.set_timeline("boot", 1000 * SECOND_NS, known=True)
        store.set_timeline("dark", 0, known=False)
        segments.of("door").keep(clip("dated", 0, 10))
        segments.of("door").keep(clip("undated", 0, 10, timeline="dark"))
        assert names(segments.between()) == ["undated", "dated"]
        assert names(segments.between((0, None))) == ["dated"]
        store.set_timeline("dark", 2000 * SECOND_NS, known=True)
        assert names(segments.between((0, None))) == ["dated", "undated"]
        assert segments.of("door").clips()[1].utc0_ns == 2000 * SECOND_NS


def test_a_row_is_of_its_path_whatever_becomes_of_that(tmp_path: Path) -> None:
    with Store(tmp_path / "edge.db") as store, StoreSegments(store.path) as segments:
        door = segments.of("door")
        door.keep(clip("a", 0, 0, state="open"))
        door.keep(clip("a", 0, 10))
        door.keep(clip("b", 10, 20))
        assert [(str(each.path), each.state) for each in door.clips()] == [("a", "closed"), ("b", "closed")]
        door.moved(Path("a"), Path("b"))
        assert [(str(each.path), each.t0_ns) for each in door.clips()] == [("b", 0)]
        segments.of("yard").forget([Path("b"), Path("never")])
        assert door.clips() == []


def test_a_store_of_an_older_version_gets_the_table_when_it_is_opened_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    with Store(path) as store:
        store.set_timeline("boot", 5, known=True)
    db = sqlite3.connect(path)
    db.execute("DROP TABLE segments")
    db.execute("DELETE FROM timelines WHERE id = 'utc'")
    db.commit()
    db.close()
    with StoreSegments(path) as segments:
        assert segments.between() == []
        with pytest.raises(StoreError):
            segments.of("door").keep(clip("a", 0, 1))
    with Store(path) as store, StoreSegments(path) as segments:
        segments.of("door").keep(clip("a", 0, 1, timeline="utc"))
        assert segments.between()[0][1].utc0_ns == 0
        assert store.utc_ns("boot", 0) == 5
