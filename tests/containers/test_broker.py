"""The compose file's Mosquitto, started for real on what setup.sh made, as the user and in the folder that its container has: roles, names, passwords.

What each role may do in full is tested where the roles are (tests/flow/test_mosquitto_example.py); here a thing that is allowed and one that is
refused for each.
"""

from __future__ import annotations

import socket
import ssl
import time
import uuid

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.containers.images import service_of
from tests.flow.test_mosquitto_example import Running

SERVICE = service_of("mosquitto")
DEVICE = "shop-7"


@pytest.mark.parametrize(
    ("who", "topic", "listener"),
    [
        (DEVICE, f"edge/{DEVICE}/door/counts", "wall"),
        ("desk", f"edge/{DEVICE}/cmd/counts", DEVICE),
        (DEVICE, f"edge/{DEVICE}/answer/a1", "desk"),
        ("home", "homeassistant/status", DEVICE),
    ],
)
def test_each_role_may_do_its_own(broker: Running, who: str, topic: str, listener: str):
    payload = uuid.uuid4().hex.encode()
    with broker.user(listener, "#") as (_, heard):
        broker.say(who, topic, payload)
        assert broker.hears(listener, topic, payload, heard)


@pytest.mark.parametrize(
    ("who", "topic", "listener"),
    [
        (DEVICE, "edge/other/door/counts", "wall"),  # another device's
        ("wall", f"edge/{DEVICE}/cmd/reset", DEVICE),  # a dashboard commands nothing
        ("desk", f"edge/{DEVICE}/door/counts", "wall"),  # a commander counts nothing
        (DEVICE, f"edge/{DEVICE}/answer/a1", "wall"),  # a dashboard hears nobody's answers
    ],
)
def test_no_role_may_do_another_s(broker: Running, who: str, topic: str, listener: str):
    payload, after = uuid.uuid4().hex.encode(), uuid.uuid4().hex.encode()
    own = ("desk", f"edge/{DEVICE}/cmd/counts") if listener == DEVICE else (DEVICE, f"edge/{DEVICE}/health")
    with broker.user(listener, "#", "edge/#") as (_, heard):
        broker.say(who, topic, payload)
        broker.say(*own, after)  # what is said later and heard shows that the earlier one is not merely late
        assert broker.hears(listener, own[1], after, heard)
        assert not any(one.payload == payload for one in heard)


@pytest.mark.parametrize("name", ["mosquitto", "localhost", "127.0.0.1"])
def test_its_certificate_is_for_the_names_that_it_is_reached_by(broker: Running, name: str):
    context = ssl.create_default_context(cafile=str(broker.folder / "ca.crt"))
    with socket.create_connection(("127.0.0.1", broker.port), 5) as plain, context.wrap_socket(plain, server_hostname=name) as line:
        assert line.version() in ("TLSv1.2", "TLSv1.3")


def test_under_another_name_it_is_not_believed(broker: Running):
    context = ssl.create_default_context(cafile=str(broker.folder / "ca.crt"))
    with socket.create_connection(("127.0.0.1", broker.port), 5) as plain, pytest.raises(ssl.SSLCertVerificationError, match="elsewhere"):
        context.wrap_socket(plain, server_hostname="elsewhere.lan")


@pytest.mark.parametrize(
    ("name", "password", "code"), [(DEVICE, "right", 0), (DEVICE, "wrong", 135), ("nobody", "wrong", 135), (None, None, 135)]
)
def test_only_the_right_password_lets_somebody_in(broker: Running, name: str | None, password: str | None, code: int):
    from paho.mqtt.enums import MQTTProtocolVersion

    codes: list[int] = []
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set(ca_certs=str(broker.folder / "ca.crt"))
    if name is not None:
        client.username_pw_set(name, (broker.folder / f"{name}.password").read_text().strip() if password == "right" else password)
    client.on_connect = lambda _, __, ___, reason, ____: codes.append(reason.value)
    client.connect("localhost", broker.port)
    until_s = time.monotonic() + 10
    while not codes and time.monotonic() < until_s:
        client.loop(0.1)
    client.disconnect()
    assert codes == [code]


def test_the_broker_s_container_is_handed_none_but_its_own_secrets():
    sources = {secret["source"] for secret in SERVICE["secrets"]}
    assert sources == {"ca.crt", "broker.crt", "broker.key", "passwords", "users.acl"}
    assert not any(volume.startswith("./broker:") for volume in SERVICE["volumes"])
