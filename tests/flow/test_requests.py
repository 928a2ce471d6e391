"""A running device is asked over real brokers, by MQTT 5 and 3.1.1: heat, grids, counts, commands, refusals. Floods are in `test_request_floods`; what is answered without a network is in tests/unit."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml

from edge.app.archive import DeviceArchive
from edge.config import parse
from edge.demo.broker import Broker
from edge.sinks.picture import decode
from edge.store import Store
from tests.conftest import broker_of
from tests.flow.asked_device import SIZE, Asker, running_device, text_of

ROOT = Path(__file__).parents[2]
OPEN = {"requests": {"commands": True, "per_minute": 6000, "burst": 1000}, "live_pictures": True}
SPAN = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}


@pytest.fixture(params=["mosquitto 5 5", "mosquitto 5 3.1.1", "mosquitto 3.1.1 5", "amqtt 3.1.1 3.1.1"])
def pair(request: pytest.FixtureRequest) -> tuple[Broker, str, str]:
    """A broker, the device's version of MQTT, the asker's."""
    kind, device, asker = request.param.split()
    return broker_of(request, kind), device, asker


def mqtt(broker: Broker, protocol: str = "5") -> dict[str, Any]:
    return {"mqtt": {"url": broker.url, "protocol": protocol}}


def snapshot(broker: Broker, *more: str, device: str = "flow", camera: str = "gate") -> tuple[int, str]:
    """The exit code of `edge snapshot`, and what it said."""
    command = [sys.executable, "-m", "edge", "snapshot", "--broker", broker.url, "--device", device, "--camera", camera, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    return done.returncode, done.stdout + done.stderr


def test_edge_snapshot_fetches_heat_grid_and_present_picture(pair: tuple[Broker, str, str], tmp_path: Path) -> None:
    broker, device_speaks, asker_speaks = pair
    wanted = {"heat.png": (), "now.jpg": ("--what", "overlay", "--max-bytes", "4000"), "grid.npz": ("--what", "grid")}
    with running_device(text_of(tmp_path, broker.port, **OPEN, **mqtt(broker, device_speaks))):
        time.sleep(1)
        for name, how in wanted.items():
            code, said = snapshot(broker, *how, "--protocol", asker_speaks, "-o", str(tmp_path / name))
            assert (code, said.split()[0]) == (0, str(tmp_path / name)), said
    assert (tmp_path / "heat.png").read_bytes()[:4] == b"\x89PNG"
    for name in ("heat.png", "now.jpg"):
        height, width = decode((tmp_path / name).read_bytes()).shape[:2]
        assert width == SIZE.width
        assert height > SIZE.height, "a legend stands below"
    with np.load(tmp_path / "grid.npz") as grid:
        assert grid["us"].shape == (23, 40)
        assert grid["us"].dtype == np.int64
        assert grid["us"].sum() > 0
        assert grid["reference"].tolist() == list(SIZE)
        first_ns, last_ns = grid["span_ns"]
        assert 0 < last_ns - first_ns <= 120 * 10**9


def test_heat_is_shown_on_the_floor_where_the_floor_is_known(mosquitto: Broker, tmp_path: Path) -> None:
    whole = json.loads(text_of(tmp_path, mosquitto.port))
    whole["cameras"]["gate"]["floor"] = {"px": [[100, 60], [220, 60], [320, 180], [0, 180]], "metres": [[0, 0], [8, 0], [8, 16], [0, 16]]}
    with running_device(json.dumps(whole)):
        time.sleep(1)
        code, said = snapshot(mosquitto, "--what", "floor", "-o", str(tmp_path / "floor.png"))
    assert code == 0, said
    height, width = decode((tmp_path / "floor.png").read_bytes()).shape[:2]
    assert width == 8 / 0.25 * 15
    assert height > 16 / 0.25 * 15, "a legend stands below"


def test_an_answer_has_what_mqtt_5_gives_and_its_chunks_are_whole(mosquitto: Broker, tmp_path: Path) -> None:
    with running_device(text_of(tmp_path, mosquitto.port, **OPEN)), Asker(mosquitto.port, v5=True) as asker:
        messages = asker.ask("snapshot", camera="gate", max_bytes=4000)
        parts = [json.loads(message.payload) for message in messages]
        assert len(parts) == parts[0]["chunks"] > 1
        assert max(len(message.payload) for message in messages) <= 4000
        for message, part in zip(messages, parts, strict=True):
            assert message.properties.CorrelationData == b"c" + part["id"].encode()
            assert message.properties.ContentType == "application/json"
            assert 0 < message.properties.MessageExpiryInterval <= 60
            assert not message.retain


def test_counts_are_those_of_the_store_and_a_reset_begins_new_epochs_in_mid_run(mosquitto: Broker, tmp_path: Path) -> None:
    with running_device(text_of(tmp_path, mosquitto.port, **OPEN)), Asker(mosquitto.port, v5=False) as asker:
        time.sleep(1.5)
        before = asker.one("counts")["cameras"]["gate"]
        (zone,) = before["zones"]["centre"]
        assert zone["epoch"] == 1
        assert zone["presence_s"] > 0
        assert 0 < before["seen_s"] < 60
        moment = datetime.fromisoformat(before["to"].replace("Z", "+00:00")).timestamp()
        assert abs(moment - time.time()) < 5, "what is covered does not reach into the future"

        reset = asker.one("reset", camera="gate")
        assert set(reset["epochs"].values()) == {2}
        time.sleep(1.5)
        after = asker.one("counts", camera="gate")["cameras"]["gate"]["zones"]["centre"]
        assert [entry["epoch"] for entry in after] == [1, 2]
        assert after[0]["entered"] >= zone["entered"]
        inside = {entry["epoch"]: entry["entered"] + entry["appeared"] - entry["exited"] - entry["vanished"] for entry in after}
        assert inside[2] >= 0
        assert asker.one("counts", **SPAN)["cameras"]["gate"]["from"] is None, "there was nothing in 2020"


def test_what_a_reset_says_adds_up_for_who_counts_messages(mosquitto: Broker, tmp_path: Path, subscriber: Callable[..., Any]) -> None:
    ears = subscriber(mosquitto.port, "edge/flow/gate/counts", qos=1)
    with running_device(text_of(tmp_path, mosquitto.port, **OPEN)), Asker(mosquitto.port, v5=False) as asker:
        for _ in range(3):
            time.sleep(0.7)
            assert asker.one("reset", camera="gate")["ok"]
        time.sleep(0.7)
    said = [json.loads(payload) for payload in ears.payloads("/counts")]
    verbs = ("entered", "exited", "appeared", "vanished")
    sums: dict[tuple[int, str], int] = {}
    for message in said:
        zone = message["zones"]["centre"]
        for verb in verbs:
            sums[zone["epoch"], verb] = sums.get((zone["epoch"], verb), 0) + zone[verb]
        assert zone["occupancy"] >= 0
    with Store(tmp_path / "edge.db") as store:
        for epoch in (1, 2, 3, 4):
            kept = store.totals("gate", epoch=epoch)
            for verb in verbs:
                assert sums[epoch, verb] == sum(n for k, n in kept.items() if (k.kind, k.field) == ("zone", verb)), (epoch, verb)


def test_commands_and_pictures_with_people_are_refused_by_default_and_secrets_are_never_told(mosquitto: Broker, tmp_path: Path) -> None:
    with running_device(text_of(tmp_path, mosquitto.port)), Asker(mosquitto.port, v5=True) as asker:
        for verb, fields in (
            ("reset", {"camera": "gate"}),
            ("config", {}),
            ("cameras", {}),
            ("snapshot", {"camera": "gate", "what": "overlay"}),
        ):
            assert asker.one(verb, **fields)["error"] == "not_allowed"
        assert asker.one("snapshot", camera="gate", what="floor")["error"] == "not_available"


def test_the_configuration_is_told_without_its_secrets(tmp_path: Path) -> None:
    login = {"mqtt": {"url": "mqtt://10.0.0.2", "username": "flow-user", "password": "hunter22"}}
    config = parse(text_of(tmp_path, 1883, **login).replace("synthetic://plaza?", "rtsp://admin:hunter23@10.0.0.1/x?token=hunter24&"))
    archive = DeviceArchive(config, reader=None, clock=None, seen={}, loops={})  # type: ignore[arg-type]  none is asked
    told = json.dumps([archive.config(), {name: facts.model_dump() for name, facts in archive.facts().items()}])
    assert "10.0.0.1" in told
    for secret in ("hunter22", "hunter23", "hunter24", "flow-user"):
        assert secret not in told


def test_edge_snapshot_says_in_a_sentence_why_there_is_none(mosquitto: Broker, tmp_path: Path) -> None:
    with running_device(text_of(tmp_path, mosquitto.port)):
        answers = [
            (snapshot(mosquitto, camera="cellar"), 1, "unknown_camera: there is no camera 'cellar' here; there are gate"),
            (snapshot(mosquitto, "--what", "overlay"), 1, "not_allowed: pictures with people do not leave this device"),
            (snapshot(mosquitto, device="nobody"), 1, "no device 'nobody' is known to the broker"),
        ]
    answers += [
        (snapshot(mosquitto), 1, "device 'flow' is offline"),
        (snapshot(mosquitto, "--from", "noon"), 2, "--from: 'noon' is no moment; write one like"),
        (snapshot(mosquitto, "--timeout", "-1"), 2, "--timeout: -1 is no time to wait"),
        (snapshot(mosquitto, "--timeout", "nan"), 2, "--timeout: nan is no time to wait"),
    ]
    for (code, said), wanted, words in answers:
        assert code == wanted
        assert words in said
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_retained_request_is_never_done(mosquitto: Broker, tmp_path: Path, protocol: str) -> None:
    with Asker(mosquitto.port, v5=False) as asker:
        asker.send("reset", json.dumps({"camera": "gate", "reply_to": asker.topic, "id": "old"}).encode(), retain=True)
        with running_device(text_of(tmp_path, mosquitto.port, **OPEN, **mqtt(mosquitto, protocol))):
            assert asker.one("counts")["cameras"]["gate"]["zones"]["centre"][0]["epoch"] == 1
        assert all(b'"old"' not in message.payload for message in asker.heard)


def test_a_broker_that_hangs_up_over_denied_answers_does_so_three_times_and_no_more(
    tmp_path: Path, subscriber: Callable[..., Any], eventually: Callable[..., bool]
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite edge/#\ntopic read locked/#\n")
    rules.chmod(0o600)
    with Broker("mosquitto", settings=f"acl_file {rules}") as broker:
        ears = subscriber(broker.port, "edge/flow/status", qos=1)
        with running_device(text_of(tmp_path, broker.port, **OPEN)) as device, Asker(broker.port, v5=True) as asker:
            assert device.publisher is not None
            until_s = time.monotonic() + 20
            while not device.publisher.memory.wary and time.monotonic() < until_s:
                asker.send("counts", b"", reply_to="locked/me")
                time.sleep(0.2)
            assert eventually(lambda: answered(asker))
            births = len(ears.heard)
            for _ in range(20):
                asker.send("counts", b"", reply_to="locked/me")
            assert asker.one("counts")["ok"]
            assert len(ears.heard) == births, "the connection held"


def answered(asker: Asker) -> bool:
    """Whether somebody is there to answer at this moment; a question between two connections is lost."""
    try:
        return bool(asker.ask("counts", timeout_s=1))
    except AssertionError:
        return False


@cache
def validator(kind: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads((ROOT / "deploy" / "mqtt" / "schemas" / f"{kind}.json").read_text()))


def test_every_real_message_is_what_the_documents_say(mosquitto: Broker, tmp_path: Path, subscriber: Callable[..., Any]) -> None:
    document = yaml.safe_load((ROOT / "deploy" / "mqtt" / "asyncapi.yaml").read_text())
    channels = {name: channel["address"].split("/") for name, channel in document["channels"].items()}
    ears = subscriber(mosquitto.port, "edge/#", qos=1)
    with running_device(text_of(tmp_path, mosquitto.port, **OPEN)), Asker(mosquitto.port, v5=False) as asker:
        asker.one("counts")
        asker.one("config")
        asker.one("cameras")
        asker.ask("snapshot", camera="gate", max_bytes=4000, **{"from": "2020-01-01T00:00:00Z"})
        asker.one("reset", camera="gate")
        assert not asker.one("counts", camera="cellar")["ok"]
        assert ears.wait(lambda heard: any(h.topic.endswith("heatmap/meta") for h in heard))
        assert ears.wait(lambda heard: any(h.topic.endswith("/events") for h in heard), 30)
    seen = set()
    for heard in ears.heard:
        levels = heard.topic.split("/")
        fits = {
            n
            for n, address in channels.items()
            if len(address) == len(levels) and all(a == b or a[0] == "{" for a, b in zip(address, levels, strict=True))
        }
        said = {} if heard.topic.endswith("/heatmap") else json.loads(heard.payload)
        kind = (
            f"answer-{said['verb']}"
            if "answer" in levels
            else f"request-{levels[-1]}"
            if "cmd" in levels
            else "-".join(levels[2 + (levels[2] == "gate") :])
        )
        assert kind.replace("request-", "ask-") in fits, heard.topic
        seen.add(kind)
        if kind != "heatmap":
            validator(kind).validate(said)
            name = kind.replace("request-", "ask-")
            kinds = [document["components"]["messages"][m]["payload"] for m in document["channels"][name]["messages"]]
            jsonschema.Draft7Validator({"anyOf": kinds, "components": document["components"]}).validate(said)
    verbs = ("counts", "config", "cameras", "snapshot", "reset")
    assert seen >= {"status", "state", "events", "counts", "heatmap", "heatmap-meta"} | {
        f"{k}-{v}" for k in ("request", "answer") for v in verbs
    }
