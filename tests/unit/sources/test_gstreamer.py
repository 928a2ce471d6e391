"""The GStreamer source over real pipelines of its own making; cameras in the network are in tests/flow. No CSI or USB camera can be had here."""

from __future__ import annotations

import itertools
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.data import Frame
from edge.errors import SourceError, SourceTimeout
from edge.gstreamer import load
from edge.sources import gstreamer, open_source
from edge.sources.address import check_source
from edge.sources.gstreamer import GstreamerSource
from edge.sources.pipelines import HARDWARE, launch_line
from tests.unit.sources.film import make_film, number_on

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(find_spec("gi") is None, reason="PyGObject is not in this environment (scripts/pygobject.sh puts it there)"),
]
LIVE = "gst://videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1"


def opened(uri: str, **how: Any) -> GstreamerSource:
    source = open_source(uri, camera="gate", **how)
    assert isinstance(source, GstreamerSource)
    return source


def some(source: GstreamerSource, count: int) -> list[Frame]:
    return list(itertools.islice(source, count))


def age_s(frame: Frame) -> float:
    return (time.monotonic_ns() - frame.stamp.t_ns) * 1e-9


def test_frames_have_the_size_rate_and_time_of_the_pipeline() -> None:
    with opened(LIVE, start_index=7) as source:
        assert (source.facts.size, source.facts.fps, source.facts.live) == ((320, 240), 30.0, True)
        frames = some(source, 20)
    stamps = [frame.stamp for frame in frames]
    assert [stamp.index for stamp in stamps] == list(range(7, 27))
    assert all(a.t_ns < b.t_ns for a, b in itertools.pairwise(stamps))
    steps_ms = [(b.t_ns - a.t_ns) * 1e-6 for a, b in itertools.pairwise(stamps)]
    assert np.median(steps_ms) == pytest.approx(1000 / 30, abs=0.1), "the pipeline's own time has no jitter"


def test_a_late_reader_gets_the_newest_picture_with_the_time_it_was_taken() -> None:
    with opened(LIVE) as source:
        frames = iter(source)
        next(frames)
        time.sleep(1.5)
        waited = next(frames)
        assert age_s(waited) < 1.0, "the pictures in between are dropped"
    with opened(f"{LIVE} ! valve name=tap") as source:
        assert source._opened is not None
        frames = iter(source)
        next(frames)
        time.sleep(0.1)
        source._opened.pipeline.get_by_name("tap").set_property("drop", True)  # one picture waits, and no other comes
        time.sleep(0.7)
        last = next(frames)
        assert age_s(last) > 0.6, "its time is not that of fetching it"


def test_what_a_pipeline_needs_for_a_picture_is_not_added_to_the_time_it_was_taken() -> None:
    with opened(f"{LIVE} ! queue ! identity sleep-time=20000") as source:
        ages_s = [age_s(frame) for frame in itertools.islice(source, 15)]
    assert np.median(ages_s) > 0.019


def test_a_line_that_is_not_live_is_paced_by_its_own_time() -> None:
    with opened("gst://videotestsrc ! video/x-raw,framerate=20/1") as source:
        frames = some(source, 21)
    assert (frames[-1].stamp.t_ns - frames[1].stamp.t_ns) * 1e-9 > 0.6, "20 of its pictures are a second of its time"


@pytest.mark.parametrize("width", [321, 322, 323, 324])
def test_rows_are_read_without_their_padding(tmp_path: Path, width: int) -> None:
    colours = f"gst://videotestsrc is-live=true pattern=smpte100 ! video/x-raw,format=BGR,width={width},height=31"
    with opened(colours) as source:
        (frame,) = some(source, 1)
    assert frame.bgr.shape == (31, width, 3)
    assert frame.bgr.flags.c_contiguous
    assert (frame.bgr == frame.bgr[:1]).all(), "upright bars, so all rows are one"
    assert len(np.unique(frame.bgr[0], axis=0)) >= 7


def test_an_offset_and_a_stride_of_the_buffers_own_are_heeded() -> None:
    lib = load()
    rows, stride, offset = 4, 32, 16
    pattern = np.arange(offset + rows * stride, dtype=np.uint8)
    buffer = lib.Gst.Buffer.new_wrapped(pattern.tobytes())
    lib.GstVideo.buffer_add_video_meta_full(
        buffer, lib.GstVideo.VideoFrameFlags.NONE, lib.GstVideo.VideoFormat.BGR, 5, rows, 1, [offset, 0, 0, 0], [stride, 0, 0, 0]
    )
    info = lib.GstVideo.VideoInfo.new_from_caps(lib.Gst.Caps.from_string(f"video/x-raw,format=BGR,width=5,height={rows}"))
    picture = gstreamer._picture(lib, buffer, info)
    assert (picture.reshape(rows, 15) == offset + stride * np.arange(rows)[:, None] + np.arange(15)).all()


def test_each_picture_keeps_its_own_pixels() -> None:
    with opened("gst://videotestsrc is-live=true pattern=snow ! video/x-raw,width=64,height=48,framerate=30/1") as source:
        frames = some(source, 6)
        copies = [frame.bgr.copy() for frame in frames]
        some(source, 6)
    assert all((frame.bgr == copy).all() for frame, copy in zip(frames, copies, strict=True))
    assert not (copies[0] == copies[1]).all()


def test_a_change_of_size_in_mid_stream_is_followed() -> None:
    with opened(f"{LIVE} ! videoscale ! capsfilter name=size caps=video/x-raw,width=320,height=240") as source:
        assert source._opened is not None
        frames = iter(source)
        assert next(frames).stamp.size == (320, 240)
        caps = load().Gst.Caps.from_string("video/x-raw,width=642,height=360")
        source._opened.pipeline.get_by_name("size").set_property("caps", caps)
        sizes = [frame.stamp.size for frame in itertools.islice(frames, 10) if frame.bgr.shape[:2] == frame.stamp.size[::-1]]
    assert len(sizes) == 10
    assert sizes[-1] == (642, 360)


def test_the_end_of_a_line_is_the_iterators_end(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", count=12, fps=20)
    with opened(f"gst://filesrc location={film} ! decodebin") as source:
        numbers = [number_on(frame.bgr) for frame in source]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 11


def test_our_own_appsink_may_be_in_the_line_and_stays_bounded() -> None:
    with opened(f"{LIVE} ! videoconvert ! video/x-raw,format=BGR ! appsink name=frames max-buffers=0 drop=false") as source:
        assert source._opened is not None
        assert source._opened.sink.get_property("max-buffers") == 1
        assert len(some(source, 3)) == 3


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("gst://nosuchelement", 'no element "nosuchelement"'),
        ("gst://videotestsrc colour=red", 'no property "colour"'),
        ("gst://videotestsrc ! !", "syntax error"),
        ("gst://videotestsrc ! appsink", "without the name frames"),
        ("gst://v4l2src device=/dev/null", "does not offer such pictures"),
        ("gst://fakesrc num-buffers=0", "it ended before its first picture"),
        (
            "gst://videotestsrc is-live=true ! video/x-raw,format=NV12 ! appsink name=frames",
            "cannot be opened: it does not offer such pictures",
        ),
        ("v4l2:///dev/video97?via=gstreamer", "v4l2:///dev/video97?via=gstreamer is not there"),
        ("rtsp://127.0.0.1:9/s?via=gstreamer", "nothing listens"),
    ],
)
def test_what_cannot_be_opened_is_said_in_one_sentence(uri: str, wanted: str) -> None:
    with pytest.raises(SourceError) as caught:
        opened(uri, timeout_s=(1, 1)).__enter__()
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_csi_camera_on_another_machine_names_what_is_missing() -> None:
    if load().Gst.ElementFactory.find("nvarguscamerasrc"):
        pytest.skip("this machine has nvarguscamerasrc")
    with pytest.raises(SourceError, match=r"csi://0 needs GStreamer's nvarguscamerasrc.*JetPack"):
        opened("csi://0").__enter__()


def test_silence_is_a_timeout_when_opening_and_when_reading() -> None:
    with pytest.raises(SourceTimeout, match="did not answer in time"):
        opened(f"{LIVE} ! valve drop=true", timeout_s=(0.5, 1)).__enter__()
    with opened(f"{LIVE} ! valve name=tap", timeout_s=(2, 0.5)) as source:
        assert source._opened is not None
        some(source, 2)
        source._opened.pipeline.get_by_name("tap").set_property("drop", True)
        with pytest.raises(SourceTimeout, match="went silent"):
            some(source, 5)


def test_a_camera_whose_packets_come_is_waited_for_without_a_picture_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gstreamer, "_NO_PICTURE_S", 1.0)
    packets = "gst://videotestsrc is-live=true ! rtpvrawpay ! rtpjitterbuffer latency=0 ! valve name=tap drop={} ! rtpvrawdepay"
    began_s = time.monotonic()
    with pytest.raises(SourceError, match="sends data but no whole picture"):
        opened(packets.format("true"), timeout_s=(0.3, 0.3)).__enter__()
    assert time.monotonic() - began_s > 1.2
    with opened(packets.format("false"), timeout_s=(2, 0.3)) as source:
        assert source._opened is not None
        some(source, 2)
        source._opened.pipeline.get_by_name("tap").set_property("drop", True)
        with pytest.raises(SourceError, match="sends data but no whole picture"):
            some(source, 100)


def test_nothing_is_given_after_a_loss_before_a_picture_that_needs_no_other() -> None:
    coded = "gst://videotestsrc is-live=true ! x264enc tune=zerolatency ! rtph264pay ! application/x-rtp,media=video ! decodebin"
    with opened(coded) as source:
        assert source._opened is not None
        some(source, 2)
        _found, element = source._opened.pipeline.iterate_all_by_element_factory_name("rtph264depay").next()
        assert element.get_property("wait-for-keyframe")


def test_an_error_in_mid_stream_ends_the_reading_with_a_sentence() -> None:
    with opened(f"{LIVE} ! identity error-after=10") as source, pytest.raises(SourceError, match="broke off: the pipeline failed"):
        some(source, 100)


@pytest.mark.parametrize(
    "uri",
    [
        "v4l2:///dev/video0",
        "v4l2:///dev/video0?width=640&height=480&fps=29.97",
        "v4l2:///dev/video0?format=mjpeg",
        "v4l2:///dev/video0?format=yuyv422&fps=12.5",
        r'rtsp://joe:a"b\c@cam/s?transport=udp&latency_ms=0',
    ],
)
def test_gstreamer_takes_each_line_that_is_written_for_a_pc(uri: str) -> None:
    lib = load()
    address = check_source(uri)
    pipeline = lib.Gst.parse_launch(launch_line(address, has=frozenset()))
    camera = pipeline.get_by_name("camera")
    if address.kind == "rtsp":
        assert camera.get_property("location") == address.target
    assert pipeline.get_by_name("frames").get_property("drop")


def test_gstreamer_takes_the_lines_for_a_jetson_once_stand_ins_have_its_elements_names() -> None:
    lib = load()
    for uri in ("csi://0?width=1280&height=720&fps=30&flip=2&mode=1&exposure_us=100-20000&gain=1-8", "rtsp://cam/s"):
        line = launch_line(check_source(uri), has=HARDWARE)
        line = line.replace("(memory:NVMM)", "").replace("nvv4l2decoder", "identity")
        line = line.replace("nvvidconv flip-method=2", "nvvidconv").replace("nvvidconv", "videoconvert")
        head, _, tail = line.partition(" ! ")
        line = line if head.startswith("rtspsrc") else f"videotestsrc ! {tail}"
        assert lib.Gst.parse_launch(line).get_by_name("frames") is not None
