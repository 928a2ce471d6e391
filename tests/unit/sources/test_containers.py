"""The one sentence for each thing that cannot be opened, in time and without a password."""

from __future__ import annotations

import socket
import time
import traceback
from pathlib import Path

import pytest

from edge.errors import SourceError, SourceTimeout, UsageError
from edge.sources import open_source
from tests.unit.sources.film import make_film


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
