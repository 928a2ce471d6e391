"""deploy/mqtt/mosquitto as it is shipped: its script makes the secrets, its configuration runs, and each role may do its own and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from edge.config import parse
from edge.demo.broker import find_mosquitto, free_port
from tests.flow.asked_device import running_device, text_of

EXAMPLE = Path(__file__).parents[2] / "deploy" / "mqtt" / "mosquitto"
USERS = {"flow": "device", "other": "device", "wall": "dashboard", "home": "homeassistant", "desk": "commander"}


class Running(NamedTuple):
    folder: Path
    port: int

    @contextmanager
    def user(self, name: str, *subscribed: str) -> Iterator[tuple[Client, list[MQTTMessage]]]:
        """A client of its own under a user's name and password, and what it hears."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"{name}-{uuid.uuid4().hex[:6]}")
        client.tls_set(ca_certs=str(self.folder / "ca.crt"))
        client.username_pw_set(name, (self.folder / f"{name}.password").read_text().strip())
        heard: list[MQTTMessage] = []
        ready: list[int] = []
        client.on_message = lambda _, __, message: heard.append(message)
        client.on_subscribe = lambda *_: ready.append(1)
        client.connect("localhost", self.port)
        for topic in subscribed:
            client.subscribe(topic, 1)
        client.loop_start()
        try:
            until_s = time.monotonic() + 10
            while len(ready) < len(subscribed) and time.monotonic() < until_s:
                time.sleep(0.01)
            assert len(ready) == len(subscribed)
            yield client, heard
        finally:
            client.disconnect()
            client.loop_stop()

    def say(self, name: str, topic: str, payload: bytes = b"x") -> None:
        """Publish as a user, on a connection of its own, which the broker may end over it."""
        with self.user(name) as (client, _):
            client.publish(topic, payload, qos=1)
            client.publish(topic, payload, qos=0)
            time.sleep(0.1)

    def hears(self, name: str, topic: str, payload: bytes, heard: list[MQTTMessage], timeout_s: float = 3) -> bool:
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            if any(one.topic == topic and one.payload == payload for one in list(heard)):
                return True
            time.sleep(0.02)
        return False


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    missing = [tool for tool in ("openssl", "mosquitto_passwd") if shutil.which(tool) is None]
    program = find_mosquitto()
    if missing or program is None:
        pytest.skip(f"not installed: {', '.join(missing) or 'mosquitto'}")
    folder = tmp_path_factory.mktemp("broker") / "mosquitto"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.key", "*.password", "passwords", "users.acl", "*.crt", "*.db"))
    subprocess.run(["./make.sh", "certificates", "localhost", "127.0.0.1"], cwd=folder, check=True, capture_output=True)
    for name, role in USERS.items():
        subprocess.run(["./make.sh", "user", role, name], cwd=folder, check=True, capture_output=True)
    config = folder / "mosquitto.conf"
    with listening(folder, [program], config, as_it_is=config.read_text() + ("user root\n" if os.geteuid() == 0 else "")) as broker:
        yield broker


@contextmanager
def listening(secrets: Path, command: Sequence[str], config: Path, *, as_it_is: str) -> Iterator[Running]:
    """`command` with the configuration `as_it_is`, put into `config`, but at a free port; its users' secrets, and its words, are in `secrets`."""
    port = free_port()
    config.write_text(as_it_is.replace("listener 8883", f"listener {port}"))
    words = (secrets / "words").open("wb")
    process = subprocess.Popen([*command, "-c", config.name], cwd=config.parent, stdout=words, stderr=words)
    try:
        until_s = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, (secrets / "words").read_text()
                assert time.monotonic() < until_s
                time.sleep(0.02)
        yield Running(secrets, port)
    finally:
        process.terminate()
        process.wait(10)
        words.close()


ALLOWED = [
    ("flow", "edge/flow/gate/counts", "wall"),
    ("flow", "edge/flow/gate/heatmap/meta", "wall"),
    ("flow", "edge/flow/health", "desk"),
    ("flow", "edge/flow/answer/a1", "desk"),
    ("desk", "edge/flow/cmd/counts", "flow"),
    ("desk", "edge/other/cmd/reset", "other"),
    ("flow", "edge/flow/gate/counts", "home"),
    ("flow", "homeassistant/device/edge_flow/config", "home"),
    ("home", "homeassistant/status", "flow"),
]
"""Who says something, where, and who hears it."""

REFUSED = [
    ("flow", "edge/other/gate/counts", "wall"),
    ("flow", "edge/other/status", "wall"),
    ("flow", "edge/other/answer/a1", "desk"),
    ("flow", "edge/other/cmd/reset", "other"),
    ("wall", "edge/flow/gate/counts", "desk"),
    ("wall", "edge/flow/cmd/reset", "flow"),
    ("desk", "edge/flow/status", "wall"),
    ("desk", "edge/flow/gate/counts", "wall"),
    ("flow", "edge/flow/answer/a1", "wall"),
    ("desk", "edge/flow/cmd/counts", "wall"),
    ("desk", "edge/flow/cmd/counts", "other"),
    ("home", "edge/flow/cmd/reset", "flow"),
    ("home", "homeassistant/device/edge_flow/config", "home"),
    ("flow", "homeassistant/device/edge_other/config", "home"),
]
"""Who tries to say something, or to hear it, and must not."""


@pytest.mark.parametrize(("who", "topic", "listener"), ALLOWED)
def test_each_role_may_do_its_own(broker: Running, who: str, topic: str, listener: str) -> None:
    payload = uuid.uuid4().hex.encode()
    with broker.user(listener, "#") as (_, heard):
        broker.say(who, topic, payload)
        assert broker.hears(listener, topic, payload, heard)


@pytest.mark.parametrize(("who", "topic", "listener"), REFUSED)
def test_no_role_may_do_another_s(broker: Running, who: str, topic: str, listener: str) -> None:
    payload, after = uuid.uuid4().hex.encode(), uuid.uuid4().hex.encode()
    own = {"wall": ("flow", "edge/flow/health"), "desk": ("flow", "edge/flow/health"), "home": ("flow", "edge/flow/health")}.get(
        listener, ("desk", f"edge/{listener}/cmd/counts")
    )
    with broker.user(listener, "#", "edge/#") as (_, heard):
        broker.say(who, topic, payload)
        broker.say(own[0], own[1], after)  # what is said later and heard shows that the earlier one is not merely late
        assert broker.hears(listener, own[1], after, heard)
        assert not any(one.payload == payload for one in heard)


def test_nobody_comes_in_without_a_password_or_without_tls(broker: Running) -> None:
    codes: list[int] = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.tls_set(ca_certs=str(broker.folder / "ca.crt"))
    client.on_connect = lambda _, __, ___, code, ____: codes.append(code.value)
    client.connect("localhost", broker.port)
    until_s = time.monotonic() + 5
    while not codes and time.monotonic() < until_s:
        client.loop(0.1)
    client.disconnect()
    assert codes
    assert codes[0] >= 0x80
    with socket.create_connection(("localhost", broker.port), 5) as plain:
        plain.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x1e\x00\x04abcd")
        plain.settimeout(5)
        with contextlib.suppress(ConnectionError):
            assert not plain.recv(16).startswith(b"\x20")  # no CONNACK
    context = ssl.create_default_context()
    with socket.create_connection(("localhost", broker.port), 5) as unknown, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(unknown, server_hostname="localhost")


def test_a_device_speaks_and_answers_through_it(broker: Running, tmp_path: Path) -> None:
    mqtt = {
        "url": f"mqtts://localhost:{broker.port}",
        "username": "flow",
        "password_file": str(broker.folder / "flow.password"),
        "tls": {"ca": str(broker.folder / "ca.crt")},
        "home_assistant": True,
    }
    with (
        broker.user("wall", "#") as (_, wall),
        broker.user("desk", "edge/flow/answer/#") as (desk, answers),
        running_device(text_of(tmp_path, 0, mqtt=mqtt)) as device,
    ):
        wait = _waiting(lambda: any(one.topic == "edge/flow/gate/counts" for one in wall))
        assert wait
        desk.publish("edge/flow/cmd/counts", json.dumps({"camera": "gate", "id": "q", "reply_to": "edge/flow/answer/q"}), qos=1)
        assert _waiting(lambda: any(json.loads(one.payload).get("id") == "q" for one in answers))
        assert device.publisher is not None
        assert device.publisher.memory.connects == 1  # nothing that it says is denied, and no line broke over it


def test_the_device_s_example_is_a_configuration() -> None:
    text = (EXAMPLE / "device.yaml").read_text()
    assert parse(text).mqtt is not None
    assert yaml.safe_load(text)["mqtt"]["username"] == yaml.safe_load(text)["device"]


def test_secrets_made_here_are_kept_out_of_the_repository() -> None:
    ignored = (EXAMPLE / ".gitignore").read_text().splitlines()
    assert ignored[0] == "*"


def _waiting(true: Callable[[], Any], timeout_s: float = 15) -> bool:
    until_s = time.monotonic() + timeout_s
    while time.monotonic() < until_s:
        if true():
            return True
        time.sleep(0.02)
    return False
