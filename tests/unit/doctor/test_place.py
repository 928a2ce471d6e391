"""Disk, broker and packages: what a configuration writes to, whom it tells, what it imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.config import Config
from edge.demo.broker import Broker
from edge.doctor import Needs
from edge.doctor import disk as disk_room
from edge.doctor.disk import state
from edge.doctor.findings import Finding
from edge.doctor.network import broker
from edge.doctor.packages import packages
from tests.unit.doctor.recorded import laptop


def needs(**whole: Any) -> Needs:
    return Needs(Config.model_validate({"model": "scene", "cameras": {"door": {"source": "synthetic://plaza"}}, **whole}))


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_a_state_folder_is_tried_and_nothing_of_it_stays(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    found = by_name(state(laptop(tmp_path / "root"), needs(state=str(tmp_path / "home" / "a" / "b"))))
    assert found["state folder"].state in ("right", "note")  # a slow disk is a note
    assert f"to be made in {tmp_path}/home" in found["state folder"].says
    assert "fsync takes about" in found["state folder"].says
    assert list((tmp_path / "home").iterdir()) == []


def test_a_state_folder_that_is_a_file_or_cannot_be_written_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").touch()
    assert by_name(state(laptop(tmp_path), needs(state=str(tmp_path / "taken" / "data"))))["state folder"].state == "wrong"

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    found = by_name(state(laptop(tmp_path), needs(state=str(tmp_path))))["state folder"]
    assert (found.state, "Permission denied" in found.says) == ("wrong", True)


@pytest.mark.parametrize(("free", "state_of_video"), [(500_000_000, "wrong"), (5_000_000_000, "note"), (50_000_000_000, "right")])
def test_room_for_video_is_held_against_its_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state_of_video: str) -> None:
    monkeypatch.setattr(disk_room.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))
    found = by_name(state(laptop(tmp_path), needs(state=str(tmp_path), record={})))
    assert (found["disk"].state, found["disk for video"].state) == ("right", state_of_video)


def test_a_video_folder_of_its_own_is_tried_as_well(tmp_path: Path) -> None:
    found = by_name(state(laptop(tmp_path), needs(state=str(tmp_path), record={"folder": str(tmp_path / "film")})))
    assert "film" in found["video folder"].says


def test_a_broker_is_really_logged_in_at(tmp_path: Path, mosquitto: Broker) -> None:
    (found,) = broker(laptop(tmp_path), needs(mqtt={"url": mosquitto.url}))
    assert found.state == "right"
    assert "speaks MQTT 5" in found.says
    mosquitto.stop()
    (gone,) = broker(laptop(tmp_path), needs(mqtt={"url": mosquitto.url}))
    assert gone.state == "wrong"
    assert gone.remedy


def test_a_broker_that_refuses_the_login_is_wrong_and_the_password_never_shows(tmp_path: Path, mosquitto: Broker) -> None:
    with Broker("mosquitto", passwords={"me": "right"}) as strict:
        login = {"url": strict.url, "username": "me", "password": "s3cret"}
        (found,) = broker(laptop(tmp_path), needs(mqtt=login))
        assert (found.state, "s3cret" in str(found)) == ("wrong", False)
        assert "username and password" in found.remedy
        (found,) = broker(laptop(tmp_path), needs(mqtt={**login, "password": "right"}))
        assert "takes the login of me" in found.says


def test_no_broker_is_asked_where_none_is_configured(tmp_path: Path) -> None:
    assert broker(laptop(tmp_path), needs()) == []


def test_packages_that_load_are_right(tmp_path: Path) -> None:
    assert {finding.state for finding in packages(laptop(tmp_path), needs())} == {"right"}


@pytest.mark.parametrize(
    ("question", "answer", "name", "said", "remedy"),
    [
        (
            "import cv2",
            {"error": "libGL.so.1: cannot open shared object file"},
            "OpenCV",
            "libGL.so.1 is missing",
            "apt-get install libgl1",
        ),
        ("import cv2", {"missing": "cv2"}, "OpenCV", "is not installed", "opencv-python-headless"),
        ("import lap", {"missing": "lap"}, "Python packages", "lap is not installed", "pip install lap"),
        ("import paho.mqtt", {"missing": "paho"}, "Python packages", "paho.mqtt is not installed", "pip install paho-mqtt"),
        ("import av", {"error": "libx264.so: broken"}, "PyAV", "cannot be imported", "pip install"),
    ],
)
def test_packages_that_do_not_load_are_wrong(
    tmp_path: Path, question: str, answer: dict[str, Any], name: str, said: str, remedy: str
) -> None:
    machine = laptop(tmp_path)
    machine.answers[question] = answer
    found = by_name(packages(machine, Needs()))[name]
    assert found.state == "wrong"
    assert said in found.says
    assert remedy in found.remedy


def test_onnx_runtime_is_needed_only_where_the_network_runs_by_it(tmp_path: Path) -> None:
    machine = laptop(tmp_path)
    machine.answers["import onnxruntime"] = {"missing": "onnxruntime"}
    assert by_name(packages(machine, needs()))["ONNX Runtime"].state == "note"
    assert by_name(packages(machine, needs(model="yolo11n.onnx")))["ONNX Runtime"].state == "wrong"


def test_two_opencvs_one_over_the_other_are_noted(tmp_path: Path) -> None:
    machine = laptop(tmp_path)
    machine.answers["distributions"] = {"opencv-python": "4.11", "opencv-python-headless": "4.11"}
    found = by_name(packages(machine, Needs()))["OpenCV"]
    assert (found.state, "pip uninstall opencv-python opencv-python-headless" in found.remedy) == ("note", True)
