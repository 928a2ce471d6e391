"""`edge video` prints the files of a span, also while they are written. What the index holds is `sinks`' and `store`'s test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli import main
from edge.data import Size
from edge.ports import Clip
from edge.sinks.options import RecordOptions
from edge.sinks.recorder_choice import x264
from edge.sinks.recorder_segment import Segment
from edge.store import Store, StoreSegments
from tests.unit.sources.film import numbered

SECOND_NS = 1_000_000_000
NOON_NS = 1_706_702_400 * SECOND_NS  # 2024-01-31 12:00:00 UTC


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A store with a closed file of ten seconds from noon on, one that is gone, and one that is being written from 12:01 on."""
    for name in ("closed.mp4", "gone.mp4"):
        (tmp_path / name).write_bytes(b"film")
    writing = Segment(tmp_path / "open.mp4", size=Size(320, 240), start_ns=0, start_utc_ns=None, make_encoder=x264(RecordOptions()))
    for number in range(40):
        writing.write(number * SECOND_NS // 10, numbered(number))
    with Store(tmp_path / "edge.db") as store, StoreSegments(store.path) as segments:
        store.set_timeline("boot", NOON_NS, known=True)
        for camera, name, t0_s, t1_s, how in (
            ("door", "closed.mp4", 0, 10, "closed"),
            ("door", "gone.mp4", 10, 20, "closed"),
            ("yard", "open.mp4", 60, 60, "open"),
        ):
            row = Clip(tmp_path / name, "boot", t0_s * SECOND_NS, t1_s * SECOND_NS, 100, 4, Size(320, 240), "libx264", how)  # type: ignore[arg-type]
            segments.of(camera).keep(row)
    (tmp_path / "gone.mp4").unlink()
    yield tmp_path
    writing.close()


def said(state: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["video", "--state", str(state), *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_all_files_that_are_there_are_listed_in_order_of_time(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = said(state, capsys)
    assert first.split() == [
        "door",
        "2024-01-31",
        "12:00:00",
        "10.0",
        "s",
        "100",
        "pictures",
        "0.0",
        "MB",
        "closed",
        str(state / "closed.mp4"),
    ]
    assert second.split()[:3] == ["yard", "2024-01-31", "12:01:00"]


def test_a_file_that_is_being_written_is_told_as_far_as_it_plays(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = json.loads(said(state, capsys, "--json", "--camera", "yard")[0])
    assert clip["state"] == "open"
    assert 30 <= clip["pictures"] <= 40
    assert clip["to"] > "2024-01-31T12:01:02.9"


def test_a_span_chooses(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = "2024-01-31T12:"
    assert said(state, capsys, "--paths", "--to", f"{day}00:30Z") == [str(state / "closed.mp4")]
    assert said(state, capsys, "--paths", "--from", f"{day}00:10.500Z") == [str(state / "open.mp4")]
    assert said(state, capsys, "--paths", "--from", f"{day}01:02Z", "--to", f"{day}01:03Z") == [str(state / "open.mp4")]
    assert said(state, capsys, "--paths", "--from", f"{day}01:10Z") == []
    assert said(state, capsys, "--from", f"{day}01:10Z") == ["nothing is kept of that"]


def test_a_store_of_an_older_version_has_no_video_and_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sqlite3

    with Store(tmp_path / "edge.db"):
        pass
    db = sqlite3.connect(tmp_path / "edge.db")
    db.execute("DROP TABLE segments")
    db.close()
    assert said(tmp_path, capsys, "--paths") == []


@pytest.mark.parametrize(
    ("arguments", "why"), [(["--state", "nowhere"], "nothing was recorded there"), (["--from", "noon"], "is no moment")]
)
def test_what_cannot_be_answered_is_said_in_a_sentence(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", *arguments]) == 2
    assert why in capsys.readouterr().err
