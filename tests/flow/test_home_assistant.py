"""A device beside Home Assistant: announced, announced again, taken back; and, where Home Assistant is installed, what its own code makes of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.demo.broker import Broker
from tests.flow.asked_device import Asker, running_device, text_of

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".home-assistant" / "bin" / "python"
TOPIC = "homeassistant/device/edge_flow/config"


def text(state: Path, port: int, **more: Any) -> str:
    return text_of(state, port, mqtt={"url": f"mqtt://127.0.0.1:{port}", "home_assistant": True, **more})


def test_a_device_is_announced_and_again_when_home_assistant_comes(
    tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]
) -> None:
    with running_device(text(tmp_path, mosquitto.port)):
        home = subscriber(mosquitto.port)
        assert home.wait(lambda heard: any(one.topic == TOPIC and one.retain for one in heard))
        home.say("homeassistant/status", b"offline")
        home.say("homeassistant/status", b"online")
        assert home.wait(lambda heard: any(one.topic == TOPIC and not one.retain for one in heard))
        assert home.payloads(TOPIC) == [home.payloads(TOPIC)[0]] * 2
        named = json.loads(home.payloads(TOPIC)[0])
        topics = {value for one in named["components"].values() for key, value in one.items() if key.endswith("_topic")}
        assert home.wait(lambda heard: topics <= {one.topic for one in heard}, 20)  # what is announced is said


def test_lines_that_go_away_and_a_device_that_is_not_to_be_shown_are_taken_back(
    tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]
) -> None:
    home = subscriber(mosquitto.port, TOPIC)
    whole = text(tmp_path, mosquitto.port)
    for config in (whole, json.dumps(_without_lines(json.loads(whole))), text(tmp_path, mosquitto.port, home_assistant=False)):
        with running_device(config):
            pass
    first, second, third = home.payloads(TOPIC)
    lines = [key for key in json.loads(first)["components"] if ".line." in key]
    assert lines
    assert all(json.loads(second)["components"][key] == {"platform": "sensor"} for key in lines)
    assert third == b""


def test_a_broker_that_hangs_up_over_the_announcement_is_spared_after_three(tmp_path: Path, subscriber: Callable[..., Any]) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite edge/#\n")
    with Broker("mosquitto", settings=f"acl_file {rules}") as broker, running_device(text(tmp_path / "state", broker.port)) as device:
        listener = subscriber(broker.port, "edge/#")
        assert listener.wait(lambda heard: any(one.topic.endswith("/counts") for one in heard), 20)
        assert device.publisher is not None
        assert device.publisher.memory.connects <= 4  # Mosquitto to 2.0.11 hangs up; later ones only say no


@pytest.mark.system
@pytest.mark.skipif(not PYTHON.exists(), reason="no Home Assistant in .home-assistant; scripts/home_assistant_env.sh makes it")
def test_home_assistant_takes_the_announcement_and_reads_states_resets_and_availability(
    tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]
) -> None:
    config = text(tmp_path, mosquitto.port)
    config = json.dumps({**json.loads(config), "requests": {"commands": True}, "health_every_s": 1})
    with running_device(config):
        home = subscriber(mosquitto.port)
        wanted = ("/config", "flow/status", "gate/state", "gate/counts", "flow/health", "gate/heatmap")
        assert home.wait(lambda heard: all(any(one.topic.endswith(end) for one in heard) for end in wanted), 20)
        before = read(home)
        assert before["gate.state"]["state"] == "live"
        assert all("online" in one["available"] for one in before.values())
        with Asker(mosquitto.port, v5=True) as asker:
            asker.one("reset", camera="gate")
        epochs = len(home.payloads("gate/counts"))
        assert home.wait(lambda _: len(home.payloads("gate/counts")) >= epochs + 3, 20)
        after = read(home)
    totals = [key for key, one in before.items() if "last_reset" in one]
    assert totals
    for key in totals:
        assert before[key]["last_reset"] is not None
        assert after[key]["last_reset"] > before[key]["last_reset"]  # a new cycle, whatever the numbers are


def read(home: Any) -> dict[str, Any]:
    """What Home Assistant makes of what was heard last."""
    heard = {one.topic: one.payload for one in home.heard if not one.topic.endswith("heatmap")}
    asked = {"announcement": json.loads(heard.pop(TOPIC)), "said": {topic: payload.decode() for topic, payload in heard.items()}}
    script = Path(__file__).with_name("home_assistant_reads.py")
    done = subprocess.run([PYTHON, script], input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _without_lines(config: dict[str, Any]) -> dict[str, Any]:
    camera = {key: value for key, value in config["cameras"]["gate"].items() if key != "lines"}
    return {**config, "cameras": {"gate": camera}}
