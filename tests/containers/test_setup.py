"""What deploy/compose/setup.sh makes: for whom each file is, that a second run changes nothing, and that its first configuration is one."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config import load
from tests.conftest import ROOT
from tests.containers.deployment import again, everything, set_up
from tests.containers.images import COMPOSE, service_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this folder's tree in which setup.sh ran once."""
    return set_up(tmp_path_factory.mktemp("deploy"), "shop-7", "broker.lan")


def substituted(value: Any, environment: dict[str, str]) -> Any:
    """A compose value with ``${NAME}``, ``${NAME:-else}`` and ``${NAME:?why}`` filled in."""
    return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: environment.get(found[1], found[2] or ""), value)


def test_every_file_that_the_compose_file_mounts_was_made_for_whom_it_is_mounted(made: Path):
    whole = yaml.safe_load((made / "compose.yaml").read_text())
    environment = dict(line.split("=", 1) for line in (made / ".env").read_text().splitlines())
    for service in whole["services"].values():
        user = int(service["user"].partition(":")[0])
        for secret in service["secrets"]:
            source = secret if isinstance(secret, str) else secret["source"]
            about = (made / substituted(whole["secrets"][source]["file"], environment)).stat()
            mode = stat.S_IMODE(about.st_mode)
            assert mode == 0o644 if source.endswith(".crt") else (mode, about.st_uid) == (0o600, user), source
        for volume in service["volumes"]:
            if volume.startswith("./"):
                assert (made / volume.split(":")[0]).exists(), volume


def test_no_secret_can_be_read_by_others(made: Path):
    open_to_others = {name for name, (_, mode, _, _) in everything(made).items() if mode & 0o007}
    secret = {name for name in open_to_others if name.endswith((".key", ".password")) or name in ("broker/passwords", "broker/users.acl")}
    assert not secret
    assert stat.S_IMODE((made / "edge.yaml").stat().st_mode) == 0o640  # cameras' passwords may stand in it


def test_the_first_configuration_is_one_and_names_what_is_mounted(made: Path):
    config = load(made / "edge.yaml")
    assert config.device == "shop-7"
    assert config.mqtt is not None
    assert (config.mqtt.url, config.mqtt.username) == ("mqtts://mosquitto:8883", "shop-7")
    whole = yaml.safe_load((made / "edge.yaml").read_text())
    secrets = {f"/run/secrets/{name}" for name in service_of("edge")["secrets"]}
    assert {whole["mqtt"]["password_file"], whole["mqtt"]["tls"]["ca"]} == secrets
    mounted = {volume.split(":")[1] for volume in service_of("edge")["volumes"]}
    assert {whole["state"], whole["record"]["folder"]} <= mounted


def test_a_second_run_changes_nothing(made: Path):
    before = everything(made)
    again(made, "shop-7")
    again(made, "shop-7", "broker.lan")
    assert everything(made) == before


def test_another_host_makes_another_certificate_and_nothing_else(tmp_path: Path, made: Path):
    copy = tmp_path / "deploy" / "compose"
    shutil.copytree(made.parent / "mqtt", tmp_path / "deploy" / "mqtt")
    shutil.copytree(made, copy)
    before = everything(copy)
    again(copy, "shop-7", "10.0.0.7")
    after = everything(copy)
    assert {name for name in after if after[name][0] != before[name][0]} <= {
        f"broker/{name}" for name in ("broker.crt", "broker.key", "names", "ca.srl")
    }
    assert (
        "IP Address:10.0.0.7"
        in subprocess.run(
            ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(copy / "broker" / "broker.crt")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


def test_a_device_is_not_renamed_by_mistake(made: Path):
    before = everything(made)
    done = subprocess.run([str(made / "setup.sh"), "shop-8"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "shop-7" in done.stderr
    assert everything(made) == before


def test_what_is_made_is_kept_out_of_the_repository(made: Path):
    listed = subprocess.run(["git", "ls-files", "deploy/compose"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    ours = {Path(name).relative_to("deploy/compose") for name in listed}
    ignored = (COMPOSE / ".gitignore").read_text().split()
    for name in everything(made):
        assert Path(name) in ours or any(f"/{name}".startswith(pattern.rstrip("/")) for pattern in ignored), name
