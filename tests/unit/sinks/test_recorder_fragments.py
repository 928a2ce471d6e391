"""What of a file plays is read from its boxes, and agrees with what a decoder finds, wherever the file was cut off."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from edge.data import Size
from edge.sinks.options import RecordOptions
from edge.sinks.recorder_choice import x264
from edge.sinks.recorder_fragments import whole_part
from edge.sinks.recorder_segment import Segment

SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of 10 pictures a second, with one pause of two seconds in them."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    segment = Segment(path, size=Size(64, 48), start_ns=0, start_utc_ns=0, make_encoder=x264(RecordOptions()))
    for number in range(40):
        t_ns = number * SECOND_NS // 10 + (2 * SECOND_NS if number >= 23 else 0)
        segment.write(t_ns, np.full((48, 64, 3), number * 6, np.uint8))
    segment.close()
    return path


def test_a_whole_file_is_whole(film: Path) -> None:
    whole = whole_part(film)
    assert whole.pictures == 40
    assert whole.size == Size(64, 48)
    assert whole.length_ns == pytest.approx(5.9 * SECOND_NS, abs=0.2 * SECOND_NS)
    assert whole.bytes == film.stat().st_size


def test_a_file_that_was_cut_anywhere_plays_as_far_as_its_boxes_say(film: Path, tmp_path: Path) -> None:
    data = film.read_bytes()
    cut = tmp_path / "cut.mp4"
    found = set()
    for size in [*range(0, len(data), 97), len(data)]:
        cut.write_bytes(data[:size])
        whole = whole_part(cut)
        assert whole.bytes <= size
        if whole.pictures:
            cut.write_bytes(data[: whole.bytes])
            with av.open(str(cut)) as container:
                times = [frame.time for frame in container.decode(video=0)]
            assert len(times) == whole.pictures
            assert times[-1] < whole.length_ns / SECOND_NS < times[-1] + 2.2
        found.add(whole.pictures)
    assert len(found) > 8  # a fragment every half second
    assert found >= {0, 40}


@pytest.mark.parametrize("data", [b"", b"words, not boxes, and many of them", b"\0\0\0\0moof", b"\0\0\0\1mdat\0\0", b"\0\0\0\x08moov" * 9])
def test_what_is_no_such_file_holds_nothing(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    whole = whole_part(path)
    assert (whole.pictures, whole.bytes) == (0, 0)
