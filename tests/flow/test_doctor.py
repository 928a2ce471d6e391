"""`edge doctor` through the real command: exit codes, the report a person reads, the report a program reads. Its probes are tested in tests/unit/doctor."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge.demo.broker import Broker

ROOT = Path(__file__).parents[2]


def doctor(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "edge", "doctor", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False)


@pytest.fixture
def configuration(tmp_path: Path, mosquitto: Broker) -> Path:
    """A configuration that any machine can serve."""
    path = tmp_path / "edge.yaml"
    path.write_text(f"model: scene\nmqtt: {{url: {mosquitto.url}}}\ncameras:\n  plaza: {{source: 'synthetic://plaza'}}\n")
    return path


def test_a_machine_without_a_configuration_is_told_and_lacks_nothing(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert all(line.startswith(("ok ", "note ", " ", "No configuration")) or not line for line in lines), done.stdout
    columns = {line.index(line.split(None, 1)[1]) for line in lines if line.startswith(("ok", "note"))}
    assert columns == {7}, "names begin in one column"
    assert "\x1b" not in done.stdout, "no colour where no terminal shows it"


def test_a_configuration_that_is_served_ends_with_0_and_leaves_nothing_behind(tmp_path: Path, configuration: Path) -> None:
    done = doctor(tmp_path, "-c", "edge.yaml", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["fit"], report["configuration"]) == (0, True, "edge.yaml"), done.stdout
    names = {finding["name"]: finding for finding in report["findings"]}
    assert {"broker", "camera plaza", "state folder", "disk", "model", "clock", "memory", "GPU"} <= set(names)
    assert names["broker"]["state"] == "right"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edge.yaml"]


def test_one_whose_broker_is_away_ends_with_1_and_says_what_to_do(tmp_path: Path, configuration: Path, mosquitto: Broker) -> None:
    mosquitto.stop()
    done = doctor(tmp_path, "-c", "edge.yaml")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (number,) = [i for i, line in enumerate(lines) if line.startswith("WRONG")]
    assert "broker" in lines[number]
    assert "→" in lines[number + 1]
    assert lines[-1] == "edge.yaml cannot run here yet: 1 of what it needs is wrong."


def test_a_configuration_that_is_none_ends_with_2(tmp_path: Path) -> None:
    done = doctor(tmp_path, "-c", "none.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("edge: there is no configuration file none.yaml")


def test_one_camera_alone_is_looked_at_and_its_pipeline_shown_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_text("cameras:\n  yard: {source: 'rtsp://me:s3cret@127.0.0.1:1/s?via=gstreamer'}\n")
    done = doctor(tmp_path, "-c", "edge.yaml", "--camera", "yard", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["findings"][0]["name"] == "yard"
    assert report["pipeline"].startswith('rtspsrc name=camera location="rtsp://me:***@127.0.0.1:1/s"')
    assert "s3cret" not in done.stdout + done.stderr
    done = doctor(tmp_path, "--source", "csi://0?width=1280&height=720")
    assert done.stdout.splitlines()[-1].startswith(
        "nvarguscamerasrc sensor-id=0 ! video/x-raw(memory:NVMM),format=NV12,width=1280,height=720 !"
    )


def test_a_camera_that_is_not_in_the_configuration_is_wrong_usage(tmp_path: Path, configuration: Path) -> None:
    done = doctor(tmp_path, "-c", "edge.yaml", "--camera", "door")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no camera 'door' in edge.yaml; it has plaza" in done.stderr


def test_a_terminal_gets_colour_and_lines_that_fit(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "edge", "doctor"], cwd=tmp_path, env=environment, stdout=theirs, stderr=subprocess.DEVNULL
    ):
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other side has gone
                break
            if not piece:
                break
            said += piece
    os.close(ours)
    text = said.decode()
    assert "\x1b[32mok" in text
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert max(len(line) for line in plain.splitlines()[:-1]) <= 80
