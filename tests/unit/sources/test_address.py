"""What a URI means, what cannot be meant, and that no sentence shows a password."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.sources import check_source, redact


@pytest.mark.parametrize(
    ("uri", "kind", "target"),
    [
        ("clip.mp4", "file", "clip.mp4"),
        ("/films/a?b#c.mp4", "file", "/films/a?b#c.mp4"),
        ("12:30.mp4", "file", "12:30.mp4"),
        ("file:///films/two%20words.mp4", "file", "/films/two words.mp4"),
        ("https://host/a.mp4?x=1", "http", "https://host/a.mp4?x=1"),
        ("RTSP://cam/s", "rtsp", "rtsp://cam/s"),
        ("rtsps://u:p@cam:322/s", "rtsp", "rtsps://u:p@cam:322/s"),
        ("v4l2:///dev/v4l/by-id/usb-Cam_1-index0", "v4l2", "/dev/v4l/by-id/usb-Cam_1-index0"),
        ("csi://0?width=1280&height=720&fps=30", "csi", "0"),
        ("synthetic://plaza?people=5", "synthetic", "synthetic://plaza?people=5"),
        ("gst://videotestsrc ! video/x-raw(memory:NVMM),width=[1,2]", "gst", "videotestsrc ! video/x-raw(memory:NVMM),width=[1,2]"),
    ],
)
def test_each_scheme_names_its_kind_and_what_is_opened(uri: str, kind: str, target: str) -> None:
    address = check_source(uri)
    assert (address.kind, address.target) == (kind, target)


def test_our_own_options_are_stripped_and_the_cameras_query_kept() -> None:
    address = check_source("rtsp://cam/s?channel=1&transport=udp&sub=a%2Fb")
    assert address.target == "rtsp://cam/s?channel=1&sub=a%2Fb"
    assert address.options == {"transport": "udp"}
    assert check_source("rtsp://cam/s").options == {"transport": "tcp"}
    address = check_source("rtsp://cam/s?latency_ms=50&via=gstreamer&latency=9")
    assert address.target == "rtsp://cam/s?latency=9"
    assert address.options == {"transport": "tcp", "latency_ms": "50", "via": "gstreamer"}


def test_a_local_cameras_size_rate_and_format_are_read() -> None:
    address = check_source("v4l2:///dev/video0?width=1280&height=720&fps=29.97&format=mjpeg")
    assert address.options == {"width": "1280", "height": "720", "fps": "29.97", "format": "mjpeg"}


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("", "here it is empty"),
        ("rstp://cam/s", "did you mean rtsp://?"),
        ("zzz://cam", "write one of"),
        ("rtsp:/cam", "write rtsp://cam"),
        ("rtsp://", "names no host"),
        ("rtsp://cam:99999/s", "port or host cannot be read"),
        ("rtsp://cam/s?transport=quic", "transport=tcp"),
        ("http:///x.mp4", "names no host"),
        ("file://host/x.mp4", "write file:///"),
        ("file://", "write file:///"),
        ("0", "write v4l2:///dev/video0"),
        ("/dev/video2", "write v4l2:///dev/video2"),
        ("v4l2://dev/video0", "three slashes"),
        ("v4l2:///dev/video0?with=3", "it knows width, height, fps, format, via"),
        ("v4l2:///dev/video0?width=wide&height=2", "a number is wanted"),
        ("v4l2:///dev/video0?width=640", "give both"),
        ("csi://front", "csi://0"),
        ("csi://0?flip=8", "a number from 0 to 7"),
        ("csi://0?gain=4", "gain=1-8"),
        ("csi://0?exposure_us=slow", "exposure_us=100-20000"),
        ("v4l2:///dev/video0?format=a%20b", "format=mjpeg"),
        ("v4l2:///dev/video0?via=vlc", "gstreamer or pyav"),
        ("rtsp://cam/s?latency_ms=much", "latency_ms=200"),
        ("gst://", "gst://videotestsrc"),
    ],
)
def test_what_cannot_be_meant_is_answered_with_what_would_be_right(uri: str, wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_source(uri)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://admin:hunter2@cam/s",
        "rstp://admin:hunter2@cam/s",
        "rtsp://admin:hunter2@cam:99999/s",
        "rtsp://admin:hunter2@",
        "rtsp://admin:a/b?hunter2@cam/s",
        "rtsp://admin:hunter2@cam/s?transport=quic",
        "http://cam/s?user=admin&password=hunter2",
        "https://cam/s?access_token=hunter2&x=1",
        "gst://rtspsrc location=rtsp://admin:hunter2@cam/s ! decodebin",
        'gst://rtspsrc location="rtsp://admin:hunter2@cam/s" ! decodebin',
        "gst://rtspsrc location=rtsp://cam/s user-id=admin user-pw=hunter2 ! decodebin",
        'gst://rtspsrc user-pw="hunter2 hunter2" location=rtsp://cam/s ! decodebin',
        "gst://souphttpsrc location=http://cam/s?token=hunter2 ! decodebin",
    ],
)
def test_no_sentence_and_no_repr_shows_a_password(uri: str) -> None:
    assert "hunter2" not in redact(uri)
    try:
        said = repr(check_source(uri))
    except UsageError as error:
        said = str(error)
    assert "hunter2" not in said


@given(st.text("abz019:/?#@%&=.-", min_size=1, max_size=20))
def test_any_password_is_hidden_whatever_it_holds(word: str) -> None:
    secret = f"S3{word}3S"
    assert secret not in redact(f"rtsp://joe:{secret}@cam/s")


@given(st.text(max_size=40))
def test_any_text_is_a_source_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert check_source(text).target


def test_checking_a_uri_loads_no_vendor() -> None:
    code = "import sys, edge.sources as s; s.check_source('rtsp://a/b'); print(sorted({'av', 'cv2', 'gi'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
