"""What the container tests share: their report, and the compose file's Mosquitto, running on what setup.sh made. No expectation lives here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.demo.broker import find_mosquitto
from tests.conftest import ROOT
from tests.containers.deployment import set_up
from tests.containers.images import service_of
from tests.flow.test_mosquitto_example import Running, listening

REPORT = ROOT / "tests" / "flow" / "reports" / "containers.json"
SERVICE = service_of("mosquitto")
USER = int(SERVICE["user"].partition(":")[0])
DEVICE = "shop-7"


@pytest.fixture(scope="session")
def report() -> Iterator[dict[str, Any]]:
    """What was found of images and containers; written when all is over, if all of it ran."""
    found: dict[str, Any] = {"base": "Debian bookworm, debootstrap minbase", "machine": os.uname().machine}
    yield found
    if {"demo", "jetson image, over stand-ins"} <= set(found):
        REPORT.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """It runs in a folder that holds what the compose file mounts there, and nothing else of what was made."""
    program = find_mosquitto()
    if program is None or shutil.which("setpriv") is None:
        pytest.skip("not installed: mosquitto or setpriv")
    compose = set_up(tmp_path_factory.mktemp("deploy"), DEVICE, "127.0.0.1")
    made = compose / "broker"
    subprocess.run([str(made / "make.sh"), "user", "device", "other"], check=True, capture_output=True)
    secrets = yaml.safe_load((compose / "compose.yaml").read_text())["secrets"]
    with tempfile.TemporaryDirectory(prefix="edge-mosquitto-") as name:  # pytest's own folder lets no other user in
        data = Path(name)
        for secret in SERVICE["secrets"]:
            target = Path(secret["target"])
            assert target.parent == Path(SERVICE["working_dir"])
            copied = shutil.copy2(compose / secrets[secret["source"]]["file"], data / target.name)
            about = (compose / secrets[secret["source"]]["file"]).stat()
            os.chown(copied, about.st_uid, about.st_gid)
        config = data / "mosquitto.conf"
        config.touch()
        for path in (data, config):
            os.chown(path, USER, USER)
        alone = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
        with listening(made, ["setpriv", *alone, program], config, as_it_is=(made / "mosquitto.conf").read_text()) as running:
            yield running
