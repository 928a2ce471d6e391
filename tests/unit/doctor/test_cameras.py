"""Cameras: USB by lasting names, CSI by sensors, argus and GStreamer, remote ones by their port."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edge.config import Config
from edge.doctor import Needs
from edge.doctor.cameras import camera, configured, gstreamer, here
from edge.doctor.findings import Finding
from edge.sources import check_source
from tests.unit.doctor.recorded import Recorded, laptop, orin_nano, thor


def needs(*sources: str) -> Needs:
    return Needs(Config.model_validate({"cameras": {f"c{i}": {"source": source} for i, source in enumerate(sources)}}))


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_a_csi_sensor_with_its_daemon_is_right(tmp_path: Path) -> None:
    found = by_name(here(orin_nano(tmp_path), needs("csi://0")))
    assert found["CSI cameras"] == Finding("CSI cameras", "right", "imx219 9-0010; nvargus-daemon listens")


def test_a_csi_camera_whose_sensor_is_not_found_is_wrong_only_where_it_is_needed(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.lay("/sys/class/video4linux/video0/name", "UVC Camera")
    assert by_name(here(machine, needs("csi://0")))["CSI cameras"].state == "wrong"
    assert by_name(here(machine, needs("synthetic://plaza")))["CSI cameras"].state == "right"


@pytest.mark.parametrize(("daemon", "remedy"), [("failed\n", "restart nvargus-daemon"), ("active\n", "-v /tmp/argus_socket")])
def test_a_daemon_that_is_down_or_out_of_reach_is_told_apart(tmp_path: Path, daemon: str, remedy: str) -> None:
    machine = orin_nano(tmp_path)
    machine.path("/tmp/argus_socket").unlink()
    machine.commands["systemctl is-active nvargus-daemon"] = daemon
    found = by_name(here(machine, needs("csi://0")))["CSI cameras"]
    assert found.state == "wrong"
    assert remedy in found.remedy


def test_usb_cameras_are_listed_by_their_lasting_names(tmp_path: Path) -> None:
    machine = laptop(tmp_path)
    machine.lay("/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920-video-index0", "")
    machine.lay("/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920-video-index1", "")
    assert by_name(here(machine, Needs()))["USB cameras"].says == "usb-046d_HD_Pro_Webcam_C920-video-index0"


def test_an_orin_nano_encodes_by_x264_and_a_thor_in_hardware(tmp_path: Path) -> None:
    (nano,) = gstreamer(orin_nano(tmp_path / "nano"), Needs())
    assert nano.state == "right"
    assert "x264enc" in nano.says
    (big,) = gstreamer(thor(tmp_path / "thor"), Needs())
    assert (big.state, big.says) == ("right", "1.24.2")


def test_elements_that_are_missing_are_named_with_what_they_are_for(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.answers["gstreamer"] = {"version": "1.20.3", "elements": ["rtspsrc", "h264parse", "appsink", "appsrc", "v4l2src", "x264enc"]}
    (found,) = gstreamer(machine, needs("csi://0"))
    assert found.state == "wrong"
    assert "for CSI cameras it lacks nvarguscamerasrc, nvvidconv" in found.says
    (free,) = gstreamer(machine, Needs())
    assert free.state == "note"


def test_gstreamer_is_not_asked_of_a_laptop(tmp_path: Path) -> None:
    assert gstreamer(laptop(tmp_path), needs("rtsp://h/s"))[0].state == "right"
    assert gstreamer(laptop(tmp_path), needs("csi://0"))[0].state == "wrong"


def test_a_usb_camera_of_the_configuration_is_looked_for(tmp_path: Path) -> None:
    class Plugged(Recorded):
        def device(self, path: str):  # type: ignore[no-untyped-def]
            return {"/dev/video0": "there", "/dev/video1": "refused"}.get(path, "missing")

    machine = Plugged(tmp_path)
    for name in ("usb-A-video-index0", "usb-B-video-index0"):
        machine.lay(f"/dev/v4l/by-id/{name}", "")
    found = by_name(configured(machine, needs("v4l2:///dev/video0", "v4l2:///dev/video1", "v4l2:///dev/video2")))
    assert (found["camera c0"].state, "by-id" in found["camera c0"].remedy) == ("note", True)
    assert (found["camera c1"].state, "usermod -aG video" in found["camera c1"].remedy) == ("wrong", True)
    assert (found["camera c2"].state, "usb-A-video-index0, usb-B-video-index0" in found["camera c2"].remedy) == ("wrong", True)


def test_a_remote_camera_is_reached_or_not_and_its_password_never_shows(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        (found,) = configured(laptop(tmp_path), needs(f"rtsp://me:s3cret@127.0.0.1:{port}/stream"))
    assert found.state == "right"
    (gone,) = configured(laptop(tmp_path), needs(f"rtsp://me:s3cret@127.0.0.1:{port}/stream"))
    assert gone.state == "wrong"
    assert "connection refused" in gone.says
    assert "s3cret" not in f"{found}{gone}"


def test_files_and_scenes_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    sources = (str(tmp_path / "film.mp4"), str(tmp_path / "none.mp4"), "synthetic://plaza")
    assert [finding.state for finding in configured(laptop(tmp_path), needs(*sources))] == ["right", "wrong", "right"]


def test_a_jetsons_cameras_are_read_by_its_own_elements_and_the_pipeline_is_shown(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    (csi,), line = camera(machine, "door", check_source("csi://0?width=1280&height=720&flip=2"))
    assert (csi.name, csi.state, csi.says) == ("door", "right", "csi://0?width=1280&height=720&flip=2 can be read by GStreamer 1.20.3")
    assert line.startswith(
        "nvarguscamerasrc sensor-id=0 ! video/x-raw(memory:NVMM),format=NV12,width=1280,height=720 ! nvvidconv flip-method=2"
    )
    found, line = camera(machine, "yard", check_source("rtsp://me:s3cret@127.0.0.1:1/s"))
    assert [(finding.name, finding.state) for finding in found] == [("yard", "wrong"), ("read by", "right")]
    assert "decoding in hardware" in found[1].says
    assert 'location="rtsp://me:***@127.0.0.1:1/s"' in line
    assert "nvv4l2decoder" in line
    assert "s3cret" not in f"{found}{line}"


def test_another_machines_cameras_are_read_by_pyav_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    machine = laptop(tmp_path)
    found, line = camera(machine, "yard", check_source("rtsp://127.0.0.1:1/s"))
    assert ("PyAV" in found[1].says, line) == (True, "")
    (found, *_), line = camera(machine, "yard", check_source("rtsp://127.0.0.1:1/s?via=gstreamer"))
    assert (found.state, "module gi is not here" in found.says, "python3-gi" in found.remedy) == ("wrong", True, True)
    machine.answers["gstreamer"] = {"version": "1.22.0", "elements": ["rtspsrc", "decodebin", "videoconvert", "appsink"]}
    (found, *_), line = camera(machine, "yard", check_source("rtsp://127.0.0.1:1/s?via=gstreamer"))
    assert ("no decoder for H.264" in found.says, "gstreamer1.0-libav" in found.remedy) == (True, True)
    assert "decodebin" in line


def test_a_pipeline_whose_elements_are_missing_is_wrong_and_shown_all_the_same(tmp_path: Path) -> None:
    machine = laptop(tmp_path)
    machine.answers["gstreamer"] = {"version": "1.22.0", "elements": ["videotestsrc", "videoconvert", "appsink"]}
    (found,), line = camera(machine, "door", check_source("csi://0"))
    assert (found.state, "lacks nvarguscamerasrc, nvvidconv" in found.says) == ("wrong", True)
    assert line
    (own,) = configured(machine, needs("gst://videotestsrc ! nosuch colour=red ! video/x-raw,width=640"))
    assert (own.state, "lacks nosuch" in own.says) == ("wrong", True)
    (good,) = configured(machine, needs("gst://videotestsrc is-live=true"))
    assert good.state == "right"


def test_a_file_needs_no_pipeline(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    assert camera(laptop(tmp_path), "film", check_source(str(tmp_path / "film.mp4")))[1] == ""
