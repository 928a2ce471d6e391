"""When a recorder begins a file, what it keeps of the pictures, and what it does when it cannot write."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from edge.data import Size, Stamp
from edge.errors import RecorderError
from edge.sinks.options import RecordOptions
from edge.sinks.recorder import PyavRecorder, fitted
from edge.sinks.recorder_segment import Segment
from tests.unit.sources.film import number_on, numbered

SECOND_NS = 1_000_000_000
NOON_NS = 1_706_702_400 * SECOND_NS  # 2024-01-31 12:00:00 UTC


def recorder(folder: Path, **options: Any) -> PyavRecorder:
    return PyavRecorder(RecordOptions(folder=folder, **{"free_floor_bytes": 0, **options}), "gate", utc_ns=lambda t_ns: NOON_NS + t_ns)


def record(to: PyavRecorder, count: int, *, first: int = 0, fps: float = 10, **size: int) -> None:
    for number in range(first, first + count):
        picture = numbered(number, **size)
        to.record(Stamp("gate", number, round(number * SECOND_NS / fps), Size(picture.shape[1], picture.shape[0])), picture)


def played(path: Path) -> list[tuple[int, float, bool]]:
    """(number on it, time in seconds, whether it is a key frame) of each picture."""
    with av.open(str(path)) as container:
        return [
            (number_on(frame.to_ndarray(format="bgr24")), round(frame.time, 3), bool(frame.key_frame))
            for frame in container.decode(video=0)
        ]


def test_a_file_is_named_by_camera_and_utc_and_plays_with_its_times(tmp_path: Path) -> None:
    with recorder(tmp_path) as made:
        record(made, 25)
    assert made.recorded == (tmp_path / "gate" / "20240131T120000Z.mp4",)
    assert [(number, t_s) for number, t_s, _ in played(made.recorded[0])] == [(i, i / 10) for i in range(25)]
    with av.open(str(made.recorded[0])) as container:
        assert container.metadata["creation_time"].startswith("2024-01-31T12:00:00")
        assert container.streams.video[0].codec_context.name == "h264"


def test_a_key_frame_comes_each_second_of_media_time_at_any_rate_and_one_pushes_the_first_onto_the_disk(tmp_path: Path) -> None:
    for fps in (4, 30):
        with recorder(tmp_path / str(fps)) as made:
            record(made, 4 * fps, fps=fps)
        assert [t_s for _, t_s, key in played(made.recorded[0]) if key] == [0, round(1 / fps, 3), 1, 2, 3]


def test_segments_are_cut_by_time_and_lose_no_picture(tmp_path: Path) -> None:
    with recorder(tmp_path, segment_s=2) as made:
        record(made, 50)
    assert [path.name for path in made.recorded] == ["20240131T120000Z.mp4", "20240131T120002Z.mp4", "20240131T120004Z.mp4"]
    assert [number for path in made.recorded for number, *_ in played(path)] == list(range(50))


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    for _ in range(3):
        with recorder(tmp_path) as made:
            record(made, 3)
    assert sorted(path.name for path in (tmp_path / "gate").iterdir()) == [
        "20240131T120000Z.mp4",
        "20240131T120000Z_2.mp4",
        "20240131T120000Z_3.mp4",
    ]


def test_another_resolution_begins_another_segment(tmp_path: Path) -> None:
    with recorder(tmp_path) as made:
        record(made, 20)
        record(made, 20, first=20, width=640, height=480)
    assert [len(played(path)) for path in made.recorded] == [20, 20]


def test_a_time_that_runs_back_begins_another_segment(tmp_path: Path) -> None:
    with recorder(tmp_path) as made:
        record(made, 20)
        record(made, 20)
    assert [len(played(path)) for path in made.recorded] == [20, 20]


def test_pictures_of_one_time_are_all_kept_in_order(tmp_path: Path) -> None:
    with recorder(tmp_path) as made:
        for number in range(3):
            made.record(Stamp("gate", number, 0, Size(320, 240)), numbered(number))
    assert [number for number, *_ in played(made.recorded[0])] == [0, 1, 2]


@pytest.mark.parametrize(
    ("size", "kept"), [((321, 241), (320, 240)), ((320, 240), (320, 240)), ((1280, 720), (426, 240)), ((100, 999), (24, 240))]
)
def test_pictures_become_even_and_no_higher_than_asked(size: tuple[int, int], kept: tuple[int, int]) -> None:
    small = fitted(np.zeros((size[1], size[0], 3), np.uint8), max_height=241)
    assert (small.shape[1], small.shape[0]) == kept


def test_an_odd_picture_is_recorded(tmp_path: Path) -> None:
    with recorder(tmp_path) as made:
        record(made, 5, width=321, height=241)
    assert [number for number, *_ in played(made.recorded[0])] == list(range(5))


@pytest.mark.parametrize("size", [(320, 240), (322, 182), (98, 66)])
def test_colours_stay_where_they_are_whatever_the_size(tmp_path: Path, size: tuple[int, int]) -> None:
    """The planes of colour are half as high: where that is no even number, a library may take their rows for others."""
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 4 * 2, :, 2] = 200
    picture[:, : width // 4 * 2, 0] = 150
    with recorder(tmp_path) as made:
        made.record(Stamp("gate", 0, 0, Size(width, height)), picture)
    with av.open(str(made.recorded[0])) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="bgr24")
    off = np.abs(shown.astype(int) - picture)
    assert np.median(off) <= 2
    assert off.mean() < 4


def test_the_budget_holds_and_the_oldest_go_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (240, 320, 3), dtype=np.uint8)
    with recorder(tmp_path, max_bytes=1_500_000, segment_s=2) as made:
        for number in range(120):
            made.record(Stamp("gate", number, number * SECOND_NS // 10, Size(320, 240)), np.roll(noise, number * 7, axis=1))
            total = sum(path.stat().st_size for path in (tmp_path / "gate").iterdir())
            assert total < 1_500_000 + 500_000  # a second of this noise
    left = sorted((tmp_path / "gate").iterdir())
    assert tuple(left) == made.recorded
    assert left[0].name > "20240131T120000Z.mp4"
    assert left[-1].name >= "20240131T120010Z.mp4"


def test_a_floor_that_cannot_be_held_stops_recording_with_a_sentence_until_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 10_000
    monkeypatch.setattr("edge.sinks.recorder_disk._free", lambda folder: free)
    with recorder(tmp_path, free_floor_bytes=5000) as made:
        record(made, 30)
        free = 1000
        for first in (30, 31):
            with pytest.raises(RecorderError, match=r"free_floor_bytes keeps.*free some room"):
                record(made, 1, first=first)
        free = 10_000
        with pytest.raises(RecorderError):
            record(made, 1, first=60)
        record(made, 30, first=80)
    # The segment that was being written when the floor was passed was closed, not deleted: it is what led up to the trouble.
    assert [number for path in made.recorded for number, *_ in played(path)] == [*range(30), *range(80, 110)]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with recorder(tmp_path / "file") as made, pytest.raises(RecorderError, match=r"cannot be written to .*a part of that path is a file"):
        record(made, 1)
    assert made.recorded == ()


def test_a_full_disk_when_a_file_begins_leaves_no_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Segment, "__init__", full)
    with recorder(tmp_path) as made, pytest.raises(RecorderError, match="the disk is full; free some room"):
        record(made, 1)
    assert list((tmp_path / "gate").iterdir()) == []
    assert made.recorded == ()


LIMITED = """
import resource, sys
from pathlib import Path
from tests.unit.sinks.test_recorder import limited_run
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
limited_run(Path(sys.argv[1]))
"""


def limited_run(folder: Path) -> None:
    """In a process that may write no more than 400 kB into a file: a disk that refuses in mid-file."""
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    refusals = []
    with recorder(folder) as made:
        for number in range(200):
            try:
                made.record(Stamp("gate", number, number * SECOND_NS // 10, Size(320, 240)), np.roll(noise, number, axis=1))
            except RecorderError as error:
                refusals.append(str(error))
    assert refusals
    assert all("File too large" in refusal for refusal in refusals)


def test_a_write_that_fails_in_mid_file_leaves_what_was_recorded_and_it_plays(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], check=True, cwd=root, capture_output=True, timeout=60)
    paths = sorted((tmp_path / "gate").iterdir())
    assert len(paths) > 1
    assert all(len(played(path)) >= 10 for path in paths[:-1])  # the last one had no time to fill
    assert len(played(paths[-1])) > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("segment_s", 0), ("max_bytes", 10), ("free_floor_bytes", -1), ("max_fps", 0), ("max_height", 8), ("crf", 60), ("preset", "placebo")],
)
def test_options_that_cannot_be_meant_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        RecordOptions(**{name: value})  # type: ignore[arg-type]
