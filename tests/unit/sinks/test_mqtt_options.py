"""What MqttOptions accepts, and the sentence for what it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.sinks.options_mqtt import MqttOptions, TlsOptions


def test_host_and_port_come_from_the_url():
    assert (MqttOptions().host, MqttOptions().port) == ("localhost", 1883)
    options = MqttOptions(url="mqtt://[fe80::1]:2000")
    assert (options.host, options.port) == ("fe80::1", 2000)


def test_the_port_of_tls_is_its_own():
    assert (MqttOptions(url="mqtts://host").port, MqttOptions(url="mqtts://host:1").port) == (8883, 1)


def test_a_key_needs_its_certificate():
    with pytest.raises(ValueError, match="key is given without a certificate"):
        TlsOptions(key=Path("device.key"))


def test_the_password_is_in_no_repr():
    assert "open sesame" not in repr(MqttOptions(username="ali", password="open sesame"))


def test_a_password_in_the_url_is_refused_without_repeating_it():
    with pytest.raises(ValueError, match="write them as username and password") as caught:
        MqttOptions(url="mqtt://ali:sesame@host")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"tls": TlsOptions()}, "write mqtts:// to use it"),
        ({"username": "ali", "password": "x", "password_file": Path("p")}, "password stands in more than one place"),
        ({"username_env": "U", "username_file": Path("u")}, "username stands in more than one place"),
        ({"password_env": "P"}, "without a username"),
        ({"url": "http://host"}, "wanted mqtt://host"),
        ({"url": "host:1883"}, "wanted mqtt://host"),
        ({"url": "mqtt://"}, "wanted mqtt://host"),
        ({"url": "mqtt://host/path"}, "wanted mqtt://host"),
        ({"url": "mqtt://host:99999"}, "1..65535"),
        ({"url": "mqtt://host:0"}, "1..65535"),
        ({"url": "mqtt://host:abc"}, "1..65535"),
        ({"protocol": "3.1"}, 'wanted "5" or "3.1.1"'),
        ({"password": "x"}, "without a username"),
        ({"prefix": ""}, "one to three topic levels"),
        ({"prefix": "a/+"}, "one to three topic levels"),
        ({"prefix": "/edge"}, "one to three topic levels"),
        ({"prefix": "$SYS"}, "one to three topic levels"),
        ({"prefix": "a/b/c/d"}, "one to three topic levels"),
        ({"client_id": ""}, "leave it out"),
        ({"in_flight": 0}, "1..1000"),
        ({"keepalive_s": 0}, "1..65535"),
        ({"connect_timeout_s": 0}, "connect_timeout_s is 0, wanted more than 0"),
        ({"ack_timeout_s": float("nan")}, "wanted more than 0"),
        ({"first_pause_s": 20.0}, "at least first_pause_s"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_would_be_right(fields, sentence):
    with pytest.raises(ValueError, match=sentence.replace("+", r"\+").replace("(", r"\(")):
        MqttOptions(**fields)


def test_options_load_no_client_library():
    code = "import edge.sinks.options_mqtt, sys; sys.exit('paho' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
