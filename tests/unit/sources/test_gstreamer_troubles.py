"""What GStreamer and NVIDIA's camera service say becomes one sentence with the remedy, and never shows a password. No GStreamer is needed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edge.errors import SourceError, SourceTimeout
from edge.sources import gstreamer_troubles
from edge.sources.address import check_source
from edge.sources.gstreamer_troubles import Trouble, no_frames, sentence

CORE, RESOURCE, STREAM = "gst-core-error-quark", "gst-resource-error-quark", "gst-stream-error-quark"
RTSP, USB, CSI = "rtsp://joe:hunter2@127.0.0.1:9/s", "v4l2:///dev/video0", "csi://1"


def said(uri: str, domain: str, code: int, text: str, *, lacks: str = "", opening: bool = True) -> str:
    return str(sentence(Trouble(domain, code, text, lacks), check_source(uri), opening=opening))


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("(Argus) Error FileOperationFailed: Connecting to nvargus-daemon failed: No such file or directory", "-v /tmp/argus_socket"),
        ("Error generated. gstnvarguscamerasrc.cpp, execute:526 Failed to create CameraProvider", "restart nvargus-daemon"),
        ("Error generated. gstnvarguscamerasrc.cpp, execute:751 No cameras available", "check the ribbon cable and the sensor's name"),
        ("Invalid camera device specified 1 specified, 0 max index", "the first is csi://0"),
        ("Invalid sensor mode 7 selected 5 present", "leave mode= away"),
        ("Frame Rate specified is greater than supported", "a lower fps="),
        ("Error generated. gstnvarguscamerasrc.cpp, execute:568 Failed to create CaptureSession", "in use by another program"),
        ("Internal data stream error.\nstreaming stopped, reason not-negotiated (-4)", "leave width=, height= and fps= away"),
        ("TIMEOUT\nArgus Error Status", "restart nvargus-daemon"),
        ("CANCELLED\nArgus Error Status", "lost the sensor"),
        ("nvbuf_utils: dmabuf_fd -1 mapped entry NOT found", "restart nvargus-daemon"),
        ("SCF: Error InvalidState: Session has suffered a critical failure", "restart nvargus-daemon"),
    ],
)
def test_argus_troubles_are_known_by_their_words(text: str, remedy: str) -> None:
    sentence = said(CSI, RESOURCE, 1, text)
    assert sentence.startswith("csi://1: ")
    assert remedy in sentence


def test_argus_words_are_known_in_a_launch_line_too() -> None:
    assert "restart nvargus-daemon" in said("gst://nvarguscamerasrc ! nvvidconv", RESOURCE, 1, "CANCELLED\nArgus Error Status")


@pytest.mark.parametrize(
    ("uri", "domain", "code", "text", "wanted"),
    [
        (RTSP, RESOURCE, 15, "Unauthorized\nUnauthorized (401)", "refuses the user name or password"),
        (RTSP, RESOURCE, 3, "Not found\nNot Found (404)", "knows no such path"),
        (RTSP, RESOURCE, 9, "Could not read.\nForbidden (403)", "refuses the user name or password"),
        (RTSP, RESOURCE, 9, "Could not receive any UDP packets for 2.0000 seconds, maybe your firewall is blocking it.", "transport=tcp"),
        (USB, RESOURCE, 7, "Could not open device '/dev/video0'\nsystem error: Permission denied", "add the user to the group video"),
        (USB, RESOURCE, 4, "Device '/dev/video0' is busy", "in use by another program"),
        (USB, STREAM, 1, "Internal data stream error.\nreason not-negotiated (-4)", "does not offer such pictures"),
        (USB, RESOURCE, 13, "It isn't a v4l2 driver", "does not offer such pictures"),
        ("gst://a ! b", "gst_parse_error", 1, 'no element "a"', 'is no pipeline that works here: no element "a"'),
        ("gst://a ! b", STREAM, 1, "Internal data stream error.", "try the line, part by part, with gst-launch-1.0"),
        (RTSP, CORE, 12, "missing a plug-in", "gstreamer1.0-libav"),
        (RTSP, STREAM, 6, "No suitable plugins found", "gstreamer1.0-libav"),
    ],
)
def test_what_comes_over_the_bus_is_said_with_what_to_do(uri: str, domain: str, code: int, text: str, wanted: str) -> None:
    assert wanted in said(uri, domain, code, text)


def test_a_codec_that_is_not_decoded_is_named() -> None:
    assert "needs H.265 (Main Profile) decoder" in said(RTSP, CORE, 12, "missing", lacks="H.265 (Main Profile) decoder")


def test_a_connection_that_fails_is_tried_once_more_to_know_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert "answers, but not with video" in said(f"rtsp://127.0.0.1:{port}/s", RESOURCE, 7, "Failed to connect. (Generic error)")
    assert "nothing listens" in said(f"rtsp://127.0.0.1:{port}/s", RESOURCE, 7, "Failed to connect. (Generic error)")
    assert "cannot be reached" in said("rtsp://no-such-host.invalid/s", RESOURCE, 7, "Failed to connect. (Generic error)")


def test_a_connection_that_breaks_is_not_tried_again() -> None:
    assert "broke off" in said(RTSP, RESOURCE, 9, "The server closed the connection.", opening=False)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (4, 'could not set property "location" in element "rtspsrc" to "rtsp://joe:hunter2@cam/s"'),
        (1, "rtsp://joe:hunter2@cam/s"),
    ],
)
def test_no_password_is_passed_on(code: int, text: str) -> None:
    for domain in ("gst_parse_error", RESOURCE, STREAM, ""):
        for uri in (RTSP, "gst://rtspsrc location=rtsp://joe:hunter2@cam/s"):
            assert "hunter2" not in said(uri, domain, code, text, opening=False)


def lay(root: Path, *sensors: str, socket: bool = True) -> Path:
    for number, name in enumerate(sensors):
        folder = root / f"sys/class/video4linux/video{number}"
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{name}\n")
    if socket:
        (root / "tmp").mkdir()
        (root / "tmp/argus_socket").touch()
    return root


def test_a_silent_csi_camera_is_explained_by_what_the_machine_shows(tmp_path: Path) -> None:
    def explained(root: Path) -> str:
        return gstreamer_troubles._argus_by_facts(check_source(CSI), root=root)

    one = "vi-output, imx219 9-0010"
    assert "-v /tmp/argus_socket" in explained(lay(tmp_path / "container", one, one, socket=False))
    assert "ribbon cable" in explained(lay(tmp_path / "loose", "UVC Camera"))
    assert "there is no camera 1, the driver has 1" in explained(lay(tmp_path / "one", one))
    assert "restart nvargus-daemon" in explained(lay(tmp_path / "two", one, one))


def test_silence_is_a_timeout_at_any_camera() -> None:
    for uri in (RTSP, USB, CSI, "gst://videotestsrc"):
        for opening in (True, False):
            error = no_frames(check_source(uri), opening=opening)
            assert isinstance(error, SourceTimeout)
            assert isinstance(error, SourceError)
            assert "hunter2" not in str(error)
