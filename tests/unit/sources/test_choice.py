"""Which library reads which URI, and that everything but CSI cameras and launch lines works where there is no GStreamer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.sources import gstreamer_library, open_source
from tests.conftest import ROOT
from tests.unit.sources.film import make_film

WITHOUT_GI = """
import sys
sys.modules["gi"] = None
from edge.errors import SourceError
from edge.sources import open_source

film, url = sys.argv[1:]
for uri in (film, url, "synthetic://plaza?size=320x240&fps=10&people=1&seconds=1"):
    with open_source(uri, camera="c") as source:
        print(type(source).__name__, len(list(source)))
for uri in ("rtsp://127.0.0.1:9/s", "v4l2:///dev/video0"):
    print(type(open_source(uri, camera="c")).__name__)
for uri in ("csi://0", "gst://videotestsrc", "rtsp://127.0.0.1:9/s?via=gstreamer"):
    try:
        open_source(uri, camera="c").__enter__()
    except SourceError as error:
        print(error)
"""


def test_files_urls_and_usb_cameras_need_no_gstreamer(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", count=12)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_GI, str(film), film.as_uri()], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert lines[:5] == ["VideoSource 12", "VideoSource 12", "SyntheticSource 10", "VideoSource", "VideoSource"]
    for address, line in zip(("csi://0", "gst://videotestsrc", "rtsp://127.0.0.1:9/s?via=gstreamer"), lines[5:], strict=True):
        assert line.startswith(f"{address} is read by GStreamer, which is not reached from Python (")
        assert "apt-get install python3-gi" in line


def test_a_jetson_reads_its_cameras_by_gstreamer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gstreamer_library, "decodes_in_hardware", lambda: True)
    for uri in ("rtsp://cam/s", "v4l2:///dev/video0"):
        assert type(open_source(uri, camera="c")).__name__ == "GstreamerSource"
        assert type(open_source(f"{uri}?via=pyav", camera="c")).__name__ == "VideoSource"
    assert type(open_source("a.mp4", camera="c")).__name__ == "VideoSource"


def test_another_machine_is_no_jetson(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    board = tmp_path / "compatible"
    monkeypatch.setattr(gstreamer_library, "_COMPATIBLE", board)
    asked = []
    monkeypatch.setattr(gstreamer_library, "present", lambda names: asked.append(names) or frozenset(names))
    gstreamer_library.decodes_in_hardware.cache_clear()
    assert not gstreamer_library.decodes_in_hardware()
    board.write_bytes(b"raspberrypi,4-model-b\0brcm,bcm2711\0")
    gstreamer_library.decodes_in_hardware.cache_clear()
    assert not gstreamer_library.decodes_in_hardware()
    assert not asked, "GStreamer was loaded for nothing"
    board.write_bytes(b"nvidia,p3768-0000+p3767-0005\0nvidia,tegra234\0")
    gstreamer_library.decodes_in_hardware.cache_clear()
    assert gstreamer_library.decodes_in_hardware()
    gstreamer_library.decodes_in_hardware.cache_clear()
