"""No secret is in anything a run writes or says: log, error, crash, database, picture, message. They are looked for byte by byte."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edge.cli.main import main
from edge.demo.broker import Broker, find_mosquitto

SECRET, CAMERA_SECRET = "correct-horse-battery", "staple-of-the-camera"
PLAZA = "synthetic://plaza?seed=3&size=320x180&fps=15&people=5&seconds=4"


@pytest.fixture
def guarded() -> Iterator[Broker]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with Broker("mosquitto", passwords={"camera": SECRET, "ear": "ear"}) as broker:
        yield broker


def configuration(folder: Path, url: str, mqtt: dict[str, Any]) -> Path:
    cameras = {"gate": {"source": PLAZA, "heatmap": {"every_s": 2}}}
    where = {"url": url, "username": "camera", "first_pause_s": 0.1, "max_pause_s": 0.2, **mqtt}
    whole = {"device": "shop", "state": str(folder / "state"), "model": "scene", "health_every_s": 1, "mqtt": where, "cameras": cameras}
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(whole))
    return path


def run(path: Path, folder: Path) -> tuple[int, bytes]:
    """Exit code and all that was said, with everything there is to say."""
    arguments = [sys.executable, "-m", "edge", "--verbose", "run", "-c", str(path)]
    environment = {**os.environ, "EDGE_TEST_SECRET": SECRET}
    done = subprocess.run(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder, env=environment, timeout=180, check=False
    )
    return done.returncode, done.stdout


def assert_nowhere(said: bytes, folder: Path, *, but: tuple[Path, ...] = ()) -> None:
    for secret in (SECRET.encode(), CAMERA_SECRET.encode()):
        assert secret not in said, said.decode(errors="replace")[-2000:]
        for path in folder.rglob("*"):
            if path.is_file() and path not in but:
                assert secret not in path.read_bytes(), path


@pytest.mark.parametrize("place", ["password_file", "password_env"])
def test_a_run_that_gets_in_writes_no_secret(tmp_path: Path, guarded: Broker, place: str) -> None:
    file = tmp_path / "secret.txt"
    file.write_text(f"{SECRET}\n")
    value = {"password_file": "secret.txt", "password_env": "EDGE_TEST_SECRET"}[place]
    path = configuration(tmp_path, guarded.url, {place: value})
    code, said = run(path, tmp_path)
    assert code == 0, said.decode()
    assert b"connected to the broker" in said
    assert_nowhere(said, tmp_path, but=(path, file))


def test_a_run_that_is_refused_writes_no_secret(tmp_path: Path, guarded: Broker) -> None:
    path = configuration(tmp_path, guarded.url, {"password": SECRET + "-wrong"})
    code, said = run(path, tmp_path)
    assert code == 1
    assert b"check username and password" in said
    assert_nowhere(said, tmp_path, but=(path,))


@pytest.mark.parametrize(
    "mqtt",
    [
        {"password": SECRET, "username": None},
        {"password": [SECRET]},
        {"password": SECRET, "in_flight": 0},
        {"password": SECRET, "no_such_key": 1},
        {"password": SECRET, "password_env": "X"},
        {"url": f"mqtt://camera:{SECRET}@localhost"},
        {"url": f"mqtts://:{SECRET}@localhost"},
    ],
)
def test_a_configuration_that_is_refused_repeats_no_secret(
    tmp_path: Path, mqtt: dict[str, Any], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = configuration(tmp_path, "mqtt://localhost", mqtt)
    log = logging.getLogger("edge")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", log.level)
    assert main(["--verbose", "config", "check", str(path)]) == 2
    said = "".join(capfd.readouterr())
    assert "Traceback" in said, "where it came from is not said, so nothing is shown"
    assert_nowhere(said.encode(), tmp_path, but=(path,))


def test_a_service_says_no_secret_to_anybody(tmp_path: Path, guarded: Broker) -> None:
    """A camera with a password in its address that cannot be reached; an end by a signal."""
    model = Path(__file__).parents[2] / "models" / "plaza.onnx"
    if not model.is_file():
        pytest.skip("there is no model in the box")
    path = configuration(tmp_path, guarded.url, {"password_env": "EDGE_TEST_SECRET"})
    whole = yaml.safe_load(path.read_text())
    whole["cameras"] = {"lost": {"source": f"rtsp://viewer:{CAMERA_SECRET}@127.0.0.1:9/stream"}}
    whole["model"] = str(model)
    path.write_text(yaml.safe_dump(whole))
    heard: list[bytes] = []
    ear = Client(CallbackAPIVersion.VERSION2)
    ear.username_pw_set("ear", "ear")
    ear.on_connect = lambda client, *_: client.subscribe("#")
    ear.on_message = lambda _, __, message: heard.append(bytes(message.payload))
    ear.connect("127.0.0.1", guarded.port)
    ear.loop_start()
    command = [sys.executable, "-m", "edge", "--verbose", "run", "-c", str(path)]
    environment = {**os.environ, "EDGE_TEST_SECRET": SECRET}
    with (
        (tmp_path / "said.log").open("wb") as words,
        subprocess.Popen(command, stdout=words, stderr=words, cwd=tmp_path, env=environment) as device,
    ):
        until_s = time.monotonic() + 30
        while not any(b"reconnecting" in payload for payload in heard) and time.monotonic() < until_s:
            time.sleep(0.1)
        device.send_signal(signal.SIGTERM)
        device.wait(30)
    ear.disconnect()
    ear.loop_stop()
    assert any(b"reconnecting" in payload for payload in heard), (tmp_path / "said.log").read_text()
    assert_nowhere(b"".join(heard), tmp_path, but=(path,))
