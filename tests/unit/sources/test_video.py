"""Files and cameras by PyAV: facts, repair, broken ends, and the sentence for each thing that cannot be opened."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
import traceback
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import SourceError, SourceTimeout, UsageError
from edge.ports import SourceFacts
from edge.sources import open_source
from tests.unit.sources.film import make_film, number_on

SECOND_NS = 1_000_000_000


def facts_of(path: Path, **how: object) -> SourceFacts:
    with open_source(str(path), camera="c", **how) as source:  # type: ignore[arg-type]
        return source.facts


def read(path: Path) -> tuple[list[int], list[int], SourceError | None]:
    """Numbers on the pictures, their times, and the error at the end."""
    numbers, times = [], []
    with open_source(str(path), camera="c") as source:
        try:
            for frame in source:
                numbers.append(number_on(frame.bgr))
                times.append(frame.stamp.t_ns)
        except SourceError as error:
            return numbers, times, error
    return numbers, times, None


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.ts", "libx264"), ("a.avi", "mpeg4"), ("a.mov", "mjpeg")]
)
def test_every_picture_of_a_file_comes_with_its_media_time(tmp_path: Path, name: str, codec: str) -> None:
    numbers, times, error = read(make_film(tmp_path / name, count=30, codec=codec))
    assert error is None
    assert numbers == list(range(30))
    assert times == pytest.approx([i * SECOND_NS / 10 for i in range(30)], abs=2_000_000)


@pytest.mark.parametrize("clip", ["pets-s2l1", "tud-stadtmitte"])
def test_a_real_clip_gives_as_many_pictures_as_it_declares(shared: Path, clip: str) -> None:
    with open_source(str(shared / "video" / f"{clip}.mp4"), camera="c") as source:
        facts = source.facts
        stamps = [frame.stamp for frame in source]
    assert facts.frames == len(stamps)
    assert stamps[-1].t_ns == pytest.approx((len(stamps) - 1) * SECOND_NS / facts.fps, abs=SECOND_NS)


def test_a_file_tells_its_facts(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.mp4", count=30, size=(160, 120))
    facts = facts_of(path)
    assert (facts.size, facts.fps, facts.live, facts.frames) == ((160, 120), 10.0, False, 30)


def test_another_content_under_the_same_path_has_another_key(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.mp4", count=5)
    first = facts_of(path).key
    assert facts_of(path).key == first != ""
    os.utime(path, ns=(0, 5))
    assert facts_of(path).key != first


def test_a_files_start_is_what_was_given_or_its_tag_or_its_date(tmp_path: Path) -> None:
    tagged = make_film(tmp_path / "tagged.mp4", count=3, metadata={"creation_time": "2024-01-31T12:00:00Z"})
    untagged = make_film(tmp_path / "untagged.mp4", count=3)
    unset = make_film(tmp_path / "unset.mp4", count=3, metadata={"creation_time": "1970-01-01T00:00:05Z"})
    for path in (untagged, unset):
        os.utime(path, ns=(7, 1_500_000_000 * SECOND_NS))
    assert facts_of(tagged, start_time_utc_ns=99).start_utc_ns == 99
    assert facts_of(tagged).start_utc_ns == int(datetime(2024, 1, 31, 12, tzinfo=timezone.utc).timestamp()) * SECOND_NS
    assert facts_of(untagged).start_utc_ns == 1_500_000_000 * SECOND_NS
    assert facts_of(unset).start_utc_ns == 1_500_000_000 * SECOND_NS


def test_a_gap_in_the_times_is_kept(tmp_path: Path) -> None:
    _, times, error = read(make_film(tmp_path / "a.mp4", count=6, pts=[0, 1, 2, 30, 31, 32]))
    assert error is None
    assert [round(t / SECOND_NS * 10) for t in times] == [0, 1, 2, 30, 31, 32]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("share", [0.9, 0.6, 0.35])
def test_a_file_cut_off_gives_all_its_good_pictures_and_then_says_so(tmp_path: Path, name: str, share: float) -> None:
    whole = make_film(tmp_path / name, count=100).read_bytes()
    path = tmp_path / f"cut-{name}"
    path.write_bytes(whole[: int(len(whole) * share)])
    numbers, _, error = read(path)
    sure = len(numbers) - 4  # of the last group some refer to pictures that are gone
    assert numbers[:sure] == list(range(sure))
    assert 100 * share - 25 < len(numbers) < 100
    assert f"broken or cut off after picture {len(numbers)}" in str(error)


def test_a_broken_piece_in_the_middle_is_passed_over(tmp_path: Path) -> None:
    whole = bytearray(make_film(tmp_path / "a.ts", count=60).read_bytes())
    whole[len(whole) // 3 : len(whole) // 3 + 4000] = bytes(4000)
    (tmp_path / "b.ts").write_bytes(whole)
    numbers, times, error = read(tmp_path / "b.ts")
    assert error is None
    assert numbers[-1] == 59
    assert times == sorted(set(times))


def test_a_picture_is_turned_as_the_camera_says(tmp_path: Path) -> None:
    data = bytearray(make_film(tmp_path / "a.mp4", count=3).read_bytes())
    matrix = data.index(b"tkhd") + 44
    # A quarter turn to the right, in the 16.16 and 2.30 fixed point of ISO 14496-12.
    data[matrix : matrix + 36] = np.array([0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30], ">i4").tobytes()
    (tmp_path / "b.mp4").write_bytes(data)
    with open_source(str(tmp_path / "a.mp4"), camera="c") as flat, open_source(str(tmp_path / "b.mp4"), camera="c") as turned:
        assert turned.facts.size == (240, 320)
        for a, b in zip(flat, turned, strict=True):
            assert b.stamp.size == (240, 320)
            assert np.array_equal(b.bgr, cv2.rotate(a.bgr, cv2.ROTATE_90_CLOCKWISE))


def test_a_file_can_be_paced_by_its_own_time(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.mp4", count=6, fps=20)
    with open_source(str(path), camera="c", realtime=True) as source:
        started_s = time.monotonic()
        arrivals = [time.monotonic() - started_s for _ in source]
    assert arrivals == pytest.approx([i / 20 for i in range(6)], abs=0.04)
    assert all(arrival >= i / 20 - 0.001 for i, arrival in enumerate(arrivals))


def test_a_picture_outlives_its_source(tmp_path: Path) -> None:
    with open_source(str(make_film(tmp_path / "a.mp4", count=20)), camera="c") as source:
        kept = [frame.bgr for frame in source]
    assert [number_on(bgr) for bgr in kept] == list(range(20))


def test_reading_may_stop_and_go_on_and_the_end_stays_the_end(tmp_path: Path) -> None:
    with open_source(str(make_film(tmp_path / "a.mp4", count=9)), camera="c") as source:
        assert [frame.stamp.index for _ in range(3) for frame in itertools.islice(source, 3)] == list(range(9))
        assert list(source) == []


def test_a_source_is_entered_once_and_knows_its_facts_from_then(tmp_path: Path) -> None:
    source = open_source(str(make_film(tmp_path / "a.mp4", count=9)), camera="c")
    with pytest.raises(RuntimeError):
        _ = source.facts
    with source, pytest.raises(RuntimeError):
        source.__enter__()


def test_a_source_closed_by_another_thread_ends_without_a_crash(tmp_path: Path) -> None:
    for _ in range(5):
        source = open_source(str(make_film(tmp_path / "a.mp4", count=200)), camera="c")
        with source:
            seen: list[int] = []
            reader = threading.Thread(target=lambda source=source, seen=seen: seen.extend(f.stamp.index for f in source))
            reader.start()
            while len(seen) < 5:
                time.sleep(0.001)
        reader.join(5)
        assert not reader.is_alive()
        assert seen == list(range(len(seen)))


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda folder: folder / "none.mp4", "does not exist; give the path"),
        (lambda folder: folder / "no" / "such" / "none.mp4", "the path exists only up to"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: write(folder / "empty.mp4", b""), "is empty"),
        (lambda folder: write(folder / "noise.mp4", bytes(range(256)) * 20), "is not a video, or its header is broken"),
        (lambda folder: write(folder / "notes.txt", b"not a film\n" * 50), "is not a video"),
        (lambda folder: write(folder / "list.yaml", b"cameras: 3\n" * 50), "is not a video"),
        (lambda folder: write(folder / "cut.mp4", make_film(folder / "a.mp4").read_bytes()[:300]), "is not a video"),
    ],
)
def test_what_is_no_video_is_refused_with_one_sentence_that_names_it(tmp_path: Path, make, wanted: str) -> None:  # type: ignore[no-untyped-def]
    path = make(tmp_path)
    with pytest.raises(SourceError) as caught, open_source(str(path), camera="c"):
        pass
    assert str(path) in str(caught.value)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_header_without_one_picture_is_refused(tmp_path: Path) -> None:
    whole = make_film(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: whole.index(b"mdat") + 4] + bytes(500))
    with (
        pytest.raises(SourceError, match=r"cut off after picture 0|not one whole picture"),
        open_source(str(tmp_path / "b.mp4"), camera="c"),
    ):
        pass


def test_a_camera_that_is_not_plugged_in_is_named_with_those_that_are() -> None:
    with pytest.raises(SourceError, match=r"v4l2:///dev/video97 is not there: (present are|no camera)"):
        open_source("v4l2:///dev/video97", camera="c").__enter__()


def test_a_csi_camera_is_answered_with_what_is_missing() -> None:
    with pytest.raises(SourceError, match=r"csi://0 is a CSI camera.*GStreamer"):
        open_source("csi://0", camera="c")


def test_a_misspelt_scheme_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="did you mean rtsp"):
        open_source("rtps://cam/s", camera="c")


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_closed_port_is_one_sentence_and_no_trace_of_it_shows_the_password(scheme: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(SourceError, match="nothing listens") as caught:
        open_source(f"{scheme}://joe:hunter2@127.0.0.1:{port}/s", camera="c").__enter__()
    assert "joe:***@127.0.0.1" in str(caught.value)
    assert "hunter2" not in "".join(traceback.format_exception(None, caught.value, None))


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_never_answers_is_a_timeout_in_time(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        started_s = time.monotonic()
        with pytest.raises(SourceTimeout, match="did not answer in time"):
            open_source(f"{scheme}://127.0.0.1:{mute.getsockname()[1]}/s.mp4", camera="c", timeout_s=(0.6, 0.6)).__enter__()
        assert time.monotonic() - started_s < 3
