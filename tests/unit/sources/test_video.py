"""Files, URLs and cameras read by PyAV: facts, repair, broken ends, pace; what cannot be opened is in test_containers."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.errors import SourceError, SourceTimeout
from edge.ports import SourceFacts
from edge.sources import check_source, open_source
from edge.sources.video import VideoSource
from tests.unit.sources.film import make_film, number_on, numbered

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
@pytest.mark.parametrize("cores", [1, 4])
def test_a_file_cut_off_gives_all_its_good_pictures_and_then_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, share: float, cores: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    whole = make_film(tmp_path / name, count=100).read_bytes()
    path = tmp_path / f"cut-{name}"
    path.write_bytes(whole[: int(len(whole) * share)])
    numbers, _, error = read(path)
    sure = len(numbers) - 4  # of the last group some refer to pictures that are gone
    assert numbers[:sure] == list(range(sure))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert len(numbers) == sum(1 for packet in container.demux(stream) if packet.size and not packet.is_corrupt)
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


class _Webcam(BaseHTTPRequestHandler):
    """Pictures without end, as many network cameras serve them."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=ffmpeg")
        self.end_headers()
        with contextlib.suppress(OSError):
            for number in range(1000):
                jpeg = cv2.imencode(".jpg", numbered(number))[1].tobytes()
                self.wfile.write(b"--ffmpeg\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n")
                time.sleep(0.01)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_url_without_an_end_is_live() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Webcam) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        before_ns = time.monotonic_ns()
        with open_source(f"http://127.0.0.1:{server.server_port}/video", camera="c", start_index=7) as source:
            frames = list(itertools.islice(source, 20))
            assert source.facts.live
        server.shutdown()
        thread.join()
    assert [frame.stamp.index for frame in frames] == list(range(7, 27))
    numbers = [number_on(frame.bgr) for frame in frames]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    times = [frame.stamp.t_ns for frame in frames]
    assert times == sorted(set(times))
    assert before_ns < times[0] < times[-1] < time.monotonic_ns()


def test_a_local_camera_that_has_nothing_yet_is_asked_again_and_is_silent_in_the_end() -> None:
    class Camera:
        asked = 0

        def demux(self, stream: object) -> Iterator[int]:
            self.asked += 1
            if self.asked == 3:
                yield 1
            raise av.error.BlockingIOError(11, "Resource temporarily unavailable")

    source = VideoSource(check_source("v4l2:///dev/video97"), camera="c", timeout_s=(1, 0.1))
    source._container = camera = Camera()  # type: ignore[assignment]
    packets = source._packets(object())  # type: ignore[arg-type]
    assert next(packets) == 1
    assert camera.asked == 3
    with pytest.raises(SourceTimeout, match="went silent"):
        next(packets)
