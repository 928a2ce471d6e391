"""Who is trusted with what: certificates, names, client certificates, secrets from files and the environment; and that no secret is ever said."""

from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path

import pytest

from edge.data import Message
from edge.demo.broker import Broker, find_mosquitto
from edge.errors import BrokerError, BrokerRefused
from edge.sinks.mqtt_check import check_broker
from edge.sinks.mqtt_credentials import login_of, tls_of
from edge.sinks.options_mqtt import MqttOptions, TlsOptions
from tests.contracts.memory_outbox import MemoryOutbox
from tests.unit.sinks.certificates import Certificates
from tests.unit.sinks.test_mqtt_failures import publisher_to


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def guarded(certificates, request):
    """A broker that speaks TLS only; parametrized with True, to those who show a certificate only."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with Broker("mosquitto", settings=certificates.settings(client=getattr(request, "param", False))) as broker:
        yield broker


def options(broker: Broker, *, host: str = "localhost", **how: object) -> MqttOptions:
    return MqttOptions(url=f"mqtts://{host}:{broker.port}", connect_timeout_s=2, **how)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_thousand_messages_and_a_picture_go_through_tls(guarded, certificates, protocol):
    outbox = MemoryOutbox()
    outbox.set_value(Message("hall/heatmap", bytes(500_000), retain=True, content_type="image/jpeg"))
    outbox.add_events(1000)
    tls = TlsOptions(ca=certificates / "ca.crt")
    with publisher_to(f"mqtts://localhost:{guarded.port}", outbox, tls=tls, protocol=protocol) as publisher:
        assert publisher.drain(20)
    assert outbox.delivered_seqs == list(range(1, 1001))


def test_a_broker_that_nobody_trusted_signed_is_not_taken(guarded, certificates):
    for tls in (None, TlsOptions(ca=certificates / "other.crt")):
        with pytest.raises(BrokerError, match=r"certificate that is not taken: .*; give tls\.ca the file of whoever signed it"):
            check_broker(options(guarded, tls=tls))


def test_a_good_certificate_for_another_name_is_not_taken_unless_the_check_is_off(guarded, certificates):
    ca = certificates / "ca.crt"
    with pytest.raises(BrokerError, match="dial it by a name that stands in its certificate"):
        check_broker(options(guarded, host="127.0.0.1", tls=TlsOptions(ca=ca)))
    check_broker(options(guarded, host="127.0.0.1", tls=TlsOptions(ca=ca, insecure_skip_server_name_check=True)))
    with pytest.raises(BrokerError, match=r"give tls\.ca"):  # the name alone is not checked; who signed it still is
        check_broker(options(guarded, host="127.0.0.1", tls=TlsOptions(insecure_skip_server_name_check=True)))


@pytest.mark.parametrize("guarded", [True], indirect=True)
def test_a_broker_that_asks_for_a_certificate_gets_the_devices(guarded, certificates):
    ca = certificates / "ca.crt"
    check_broker(options(guarded, tls=TlsOptions(ca, certificates / "device.crt", certificates / "device.key")))
    with pytest.raises(BrokerError):
        check_broker(options(guarded, tls=TlsOptions(ca)))


def test_tls_to_a_port_without_it_and_the_other_way_round_is_a_sentence(mosquitto, guarded):
    with pytest.raises(BrokerError, match=r"is this its port for TLS|cannot reach"):
        check_broker(MqttOptions(url=f"mqtts://127.0.0.1:{mosquitto.port}", connect_timeout_s=2))
    with pytest.raises(BrokerError):
        check_broker(MqttOptions(url=f"mqtt://127.0.0.1:{guarded.port}", connect_timeout_s=2))


@pytest.mark.parametrize("tls", [{"ca": "missing.pem"}, {"certificate": "missing.pem"}, {"ca": "empty.pem"}, {"certificate": "empty.pem"}])
def test_a_file_that_is_no_certificate_is_named(tmp_path, tls):
    (tmp_path / "empty.pem").write_text("nothing\n")
    (key, name), *_ = tls.items()
    with pytest.raises(BrokerError, match=f"tls.{key} .*{name}.*cannot be used"):
        tls_of(MqttOptions(url="mqtts://localhost", tls=TlsOptions(**{key: tmp_path / name})))


def test_a_key_with_a_password_is_an_error_and_no_question(certificates, tmp_path):
    locked = tmp_path / "locked.key"
    Certificates._run("ec", "-in", certificates / "device.key", "-aes256", "-passout", "pass:open", "-out", locked)
    with pytest.raises(BrokerError, match="the key have no password"):
        tls_of(MqttOptions(url="mqtts://localhost", tls=TlsOptions(certificate=certificates / "device.crt", key=locked)))


def test_secrets_come_from_files_and_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "password"
    file.write_text("right-word\nmore\n")
    monkeypatch.setenv("EDGE_TEST_USER", "camera")
    assert login_of(MqttOptions(username_env="EDGE_TEST_USER", password_file=file)) == ("camera", "right-word")
    file.write_text("camera")
    monkeypatch.setenv("EDGE_TEST_USER", "right-word")
    assert login_of(MqttOptions(username_file=file, password_env="EDGE_TEST_USER")) == ("camera", "right-word")
    assert login_of(MqttOptions(username="camera")) == ("camera", None)
    assert login_of(MqttOptions()) is None


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({"password_file": Path("missing")}, "password_file missing cannot be read"),
        ({"password_file": Path(os.devnull)}, "is empty"),
        ({"password_env": "EDGE_NOT_SET"}, "EDGE_NOT_SET, which is not set"),
    ],
)
def test_a_secret_that_is_not_there_is_named_by_its_place(where, sentence):
    with pytest.raises(BrokerError, match=sentence):
        login_of(MqttOptions(username="camera", **where))


def test_a_changed_password_needs_no_restart(tmp_path, eventually):
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    file = tmp_path / "password"
    file.write_text("wrong-word")
    outbox = MemoryOutbox()
    outbox.add_events(3)
    with (
        Broker("mosquitto", passwords={"camera": "right-word"}) as broker,
        publisher_to(broker.url, outbox, username="camera", password_file=file) as publisher,
    ):
        assert eventually(lambda: publisher.trouble)
        file.write_text("right-word")
        assert publisher.drain(5)


def test_no_secret_is_in_any_message_however_it_fails(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    secret = "-".join(("open", "sesame"))  # a traceback shows this file's lines
    file = tmp_path / "password"
    file.write_text(secret)
    monkeypatch.setenv("EDGE_TEST_SECRET", secret)
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with Broker("mosquitto", passwords={"camera": "right-word"}) as broker:
        for how in ({"password": secret}, {"password_file": file}, {"password_env": "EDGE_TEST_SECRET"}):
            made = MqttOptions(url=broker.url, username="camera", **how)
            with pytest.raises(BrokerRefused) as caught:
                check_broker(made)
            assert secret not in "".join(traceback.format_exception(caught.value))
            assert secret not in f"{caught.value!r} {made!r} {made}"
    assert secret not in caplog.text
