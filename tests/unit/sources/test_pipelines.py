"""The text of pipelines, for a Jetson and for a PC; that GStreamer takes them is shown in test_gstreamer.py, as far as its elements are there."""

from __future__ import annotations

import pytest

from edge.sources.address import check_source
from edge.sources.pipelines import ELEMENTS, HARDWARE, launch_line, missing, read_by_gstreamer, remedy

JETSON = frozenset(ELEMENTS)
PC = JETSON - HARDWARE - {"nvarguscamerasrc"}
END = "videoconvert ! video/x-raw,format=BGR ! appsink name=frames max-buffers=1 drop=true sync=false"


def line(uri: str, has: frozenset[str] = PC) -> str:
    return launch_line(check_source(uri), has=has)


def test_a_csi_camera_is_read_by_argus_turned_by_the_hardware_and_copied_out_once() -> None:
    assert line("csi://1?width=1280&height=720&fps=30&flip=2&mode=3&exposure_us=100-20000&gain=1-8", JETSON) == (
        'nvarguscamerasrc sensor-id=1 sensor-mode=3 exposuretimerange="100000 20000000" gainrange="1 8"'
        " ! video/x-raw(memory:NVMM),format=NV12,width=1280,height=720,framerate=30/1"
        f" ! nvvidconv flip-method=2 ! video/x-raw,format=BGRx ! {END}"
    )


def test_a_csi_camera_of_which_nothing_is_said_gives_what_it_gives() -> None:
    assert line("csi://0", JETSON) == (
        f"nvarguscamerasrc sensor-id=0 ! video/x-raw(memory:NVMM),format=NV12 ! nvvidconv ! video/x-raw,format=BGRx ! {END}"
    )


@pytest.mark.parametrize(
    ("query", "middle"),
    [
        ("", "image/jpeg;video/x-raw ! decodebin force-sw-decoders=true"),
        (
            "?width=640&height=480&fps=30",
            "image/jpeg,width=640,height=480,framerate=30/1;video/x-raw,width=640,height=480,framerate=30/1 ! decodebin force-sw-decoders=true",
        ),
        ("?format=mjpeg&fps=29.97", "image/jpeg,framerate=30000/1001 ! jpegdec"),
        ("?format=yuyv422&fps=12.5", "video/x-raw,format=YUY2,framerate=25/2"),
        ("?format=NV12", "video/x-raw,format=NV12"),
    ],
)
def test_a_usb_camera_is_read_as_it_offers_or_as_it_is_asked(query: str, middle: str) -> None:
    name = "/dev/v4l/by-id/usb-046d_HD_Pro-video-index0"
    for has in (JETSON, PC):
        assert line(f"v4l2://{name}{query}", has) == f'v4l2src device="{name}" ! {middle} ! {END}'


def test_a_network_camera_is_decoded_in_hardware_where_there_is_some_and_else_by_what_is_there() -> None:
    uri = "rtsp://joe:pw@cam/s?channel=1&transport=udp&latency_ms=50"
    camera = (
        'rtspsrc name=camera location="rtsp://joe:pw@cam/s?channel=1" protocols=udp latency=50 drop-on-latency=true'
        " timeout=2000000 tcp-timeout=7000000 ! application/x-rtp,media=video"
    )
    assert line(uri, JETSON) == f"{camera} ! parsebin ! nvv4l2decoder ! nvvidconv ! video/x-raw,format=BGRx ! {END}"
    assert line(uri, PC) == f"{camera} ! decodebin ! {END}"
    assert "protocols=tcp latency=200" in line("rtsp://cam/s")


def test_a_launch_line_gets_our_end_unless_it_has_one() -> None:
    assert line("gst://videotestsrc is-live=true") == f"videotestsrc is-live=true ! {END}"
    whole = "videotestsrc ! video/x-raw,format=BGR ! appsink name=frames"
    assert line(f"gst://{whole}") == whole


def test_quotes_in_an_address_stay_inside_it() -> None:
    assert r'location="rtsp://joe:a\"b\\c@cam/s"' in line('rtsp://joe:a"b\\c@cam/s')


def test_what_a_line_lacks_is_named_once_and_with_where_it_comes_from() -> None:
    lost = missing(line("csi://0"), has=PC)
    assert lost == ("nvarguscamerasrc", "nvvidconv")
    assert "JetPack" in remedy(lost)
    lost = missing(line("v4l2:///dev/video0?format=mjpeg"), has={"appsink", "videoconvert"})
    assert lost == ("v4l2src", "jpegdec")
    assert remedy(lost) == "sudo apt-get install gstreamer1.0-plugins-good"
    assert missing(line("csi://0", JETSON), has=JETSON) == ()


@pytest.mark.parametrize(
    ("uri", "on_a_jetson", "elsewhere"),
    [
        ("csi://0", True, True),
        ("gst://videotestsrc", True, True),
        ("rtsp://cam/s", True, False),
        ("v4l2:///dev/video0", True, False),
        ("rtsp://cam/s?via=gstreamer", True, True),
        ("rtsp://cam/s?via=pyav", False, False),
        ("v4l2:///dev/video0?via=pyav", False, False),
        ("http://host/a.mp4", False, False),
        ("a.mp4", False, False),
    ],
)
def test_gstreamer_reads_what_only_it_can_and_on_a_jetson_every_camera_unless_it_is_said_otherwise(
    uri: str, on_a_jetson: bool, elsewhere: bool
) -> None:
    address = check_source(uri)
    assert read_by_gstreamer(address, in_hardware=lambda: True) is on_a_jetson
    assert read_by_gstreamer(address, in_hardware=lambda: False) is elsewhere


def test_whether_there_is_hardware_is_not_asked_where_it_does_not_matter() -> None:
    def asked() -> bool:
        raise AssertionError("GStreamer would have been loaded for nothing")

    for uri in ("csi://0", "a.mp4", "http://host/a.mp4", "rtsp://cam/s?via=pyav", "synthetic://plaza"):
        read_by_gstreamer(check_source(uri), in_hardware=asked)
