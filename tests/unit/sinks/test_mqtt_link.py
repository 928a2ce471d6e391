"""How a link reads what brokers answer; each answer here is the bytes of a broker that does not exist."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from edge.data import Message
from edge.errors import BrokerError, BrokerRefused
from edge.sinks.mqtt_link import Link
from edge.sinks.options_mqtt import MqttOptions

WELCOME = bytes([0x20, 3, 0, 0, 0])  # CONNACK of MQTT 5, no properties
WELCOME_OLD = bytes([0x20, 2, 0, 0])


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """`answering(bytes)` -> the URL of a server that sends them to whoever speaks first, then hangs up."""
    with ExitStack() as stack:

        def serve(answer: bytes) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def once() -> None:
                client, _ = listener.accept()
                with client:
                    client.recv(4096)
                    client.sendall(answer)

            thread = threading.Thread(target=once)
            thread.start()
            stack.callback(thread.join)
            return f"mqtt://127.0.0.1:{listener.getsockname()[1]}"

        yield serve


def link_to(url: str, **options: object) -> Link:
    return Link(MqttOptions(url=url, connect_timeout_s=2, **options), "edge-gate")


def listen(link: Link) -> None:
    for _ in range(10):
        link.turn(1)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [(0x86, "check username and password"), (0x85, "choose another client_id"), (0x88, "server unavailable"), (0x84, "3.1.1")],
)
def test_a_refused_connection_names_the_reason_and_the_remedy(answering, code, remedy):
    with pytest.raises(BrokerRefused, match=remedy), link_to(answering(bytes([0x20, 3, 0, code, 0]))):
        pass


@pytest.mark.parametrize(
    ("code", "remedy"), [(4, "check username and password"), (5, "check username and password"), (2, "choose another client_id")]
)
def test_the_old_version_refuses_with_the_same_sentences(answering, code, remedy):
    with pytest.raises(BrokerRefused, match=remedy), link_to(answering(bytes([0x20, 2, 0, code])), protocol="3.1.1"):
        pass


def test_a_connection_taken_over_by_a_namesake_is_a_refusal(answering):
    with (
        link_to(answering(WELCOME + bytes([0xE0, 2, 0x8E, 0]))) as link,
        pytest.raises(BrokerRefused, match="give each device its own name"),
    ):
        listen(link)


def test_a_broker_that_shuts_down_is_a_loss_and_no_refusal(answering):
    with link_to(answering(WELCOME + bytes([0xE0, 2, 0x8B, 0]))) as link, pytest.raises(BrokerError, match="was lost") as caught:
        listen(link)
    assert not isinstance(caught.value, BrokerRefused)


def test_an_acknowledgement_before_the_end_is_kept(answering):
    with link_to(answering(WELCOME_OLD + bytes([0x40, 2, 0, 1])), protocol="3.1.1") as link:
        assert link.send("edge/gate/status", Message("status", b"online")) == 1
        with pytest.raises(BrokerError, match="was lost"):
            listen(link)
        assert link.acks == [1]


def test_a_broker_that_lowers_the_window_and_the_size_is_heeded(answering):
    properties = bytes([0x21, 0, 3, 0x27, 0, 0, 0, 200])  # Receive Maximum 3, Maximum Packet Size 200
    with link_to(answering(bytes([0x20, 3 + len(properties), 0, 0, len(properties)]) + properties)) as link:
        assert link.window == 3
        assert link.fits("t", Message("t", bytes(100)))
        assert not link.fits("t", Message("t", bytes(190)))
        assert not link.fits("t", Message("t", bytes(100), correlation=bytes(90)))


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        bytes(40),
        bytes([0x20, 1, 0]),
        bytes([0x20, 255, 255, 255, 255, 255]),
    ],
)
def test_a_server_of_another_kind_is_an_error_with_a_sentence(answering, words, protocol):
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1"), link_to(answering(words), protocol=protocol):
        pass


def test_a_broker_that_hangs_up_hints_at_the_older_version(answering):
    with pytest.raises(BrokerError, match=r'set protocol to "3\.1\.1"'), link_to(answering(b"")):
        pass


def test_a_broker_that_hangs_up_hints_at_tls(answering):
    with pytest.raises(BrokerError, match="if it wants TLS, write mqtts://"), link_to(answering(b""), protocol="3.1.1"):
        pass


def test_a_name_that_does_not_exist_is_an_error_with_a_sentence():
    with pytest.raises(BrokerError, match=r"cannot reach the broker at no-such-host\.invalid"), link_to("mqtt://no-such-host.invalid"):
        pass
