"""The broker's part of a configuration: what is found beside the file, what a mistake in it is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import load, parse
from edge.errors import ConfigError

CAMERAS = "cameras: {door: {source: 'synthetic://plaza'}}\n"


def test_secrets_and_certificates_are_found_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/edge")
    (tmp_path / "edge.yaml").write_text(
        "mqtt:\n  url: mqtts://broker.example\n  username: shop\n  password_file: secrets/word\n"
        f"  tls: {{ca: ca.crt, certificate: /etc/shop.crt, key: ~/shop.key}}\n{CAMERAS}"
    )
    mqtt = load(tmp_path / "edge.yaml").mqtt
    assert mqtt is not None
    assert mqtt.tls is not None
    assert mqtt.password_file == tmp_path / "secrets" / "word"
    assert (mqtt.tls.ca, mqtt.tls.certificate, mqtt.tls.key) == (tmp_path / "ca.crt", Path("/etc/shop.crt"), Path("/home/edge/shop.key"))
    assert not mqtt.tls.insecure_skip_server_name_check


@pytest.mark.parametrize(
    ("mqtt", "sentence"),
    [
        (
            "{url: 'mqtts://b', tls: {insecure_skip_name: true}}",
            "mqtt.tls.insecure_skip_name: there is no such key; did you mean insecure_skip",
        ),
        ("{url: 'mqtt://b', tls: {}}", "write mqtts:// to use it"),
        ("{url: 'mqtts://b', tls: {key: k}}", "key is given without a certificate"),
        ("{url: 'mqtts://b', tls: on}", r"mqtt.tls: here keys with their values are wanted"),
        ("{password: [open-sesame]}", r"mqtt.password: .*something else"),
        ("{username: a, password: open-sesame, password_env: X}", "stands in more than one place"),
    ],
)
def test_a_mistake_is_answered_with_its_place_and_without_the_secret(mqtt: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        parse(f"mqtt: {mqtt}\n{CAMERAS}")
    assert "open-sesame" not in str(caught.value)
    assert "open-sesame" not in str(caught.value.__cause__)
