"""deploy/mqtt/prometheus as it is shipped, read by Prometheus itself: its own checker takes all of it, and a real scrape brings a device's health."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.demo.broker import free_port
from edge.health import BrokerHealth, CameraHealth, HealthPayload, Spread
from edge.sinks.metrics import exposition
from tests.flow.asked_device import running_device, text_of

EXAMPLE = Path(__file__).parents[2] / "deploy" / "mqtt" / "prometheus"
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed (make system-packages)"),
]


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.loads(answer.read())


def test_the_example_is_what_prometheus_takes() -> None:
    done = subprocess.run(["promtool", "check", "config", "prometheus.yml"], cwd=EXAMPLE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_scrape_brings_the_health_of_a_device_and_its_text_has_no_flaw(tmp_path: Path) -> None:
    page, web = free_port(), free_port()
    shutil.copytree(EXAMPLE, tmp_path / "example")
    config = tmp_path / "example" / "prometheus.yml"
    text = config.read_text()
    assert "127.0.0.1:9464" in text
    config.write_text(text.replace("127.0.0.1:9464", f"127.0.0.1:{page}").replace("scrape_interval: 15s", "scrape_interval: 1s"))
    command = [
        "prometheus",
        "--config.file=prometheus.yml",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{web}",
    ]
    device = text_of(tmp_path / "state", 0, mqtt=None, metrics={"port": page}, health_every_s=1)
    with running_device(device), (tmp_path / "words").open("wb") as words:
        prometheus = subprocess.Popen(command, cwd=tmp_path / "example", stdout=words, stderr=words)
        try:
            found = eventually_found(web)
            rules = asked(f"http://127.0.0.1:{web}/api/v1/rules")["data"]["groups"]
        finally:
            prometheus.terminate()
            prometheus.wait(20)
        with urllib.request.urlopen(f"http://127.0.0.1:{page}/metrics", timeout=5) as answer:
            flaws = subprocess.run(["promtool", "check", "metrics"], input=answer.read(), capture_output=True, check=False)
    assert float(found["value"][1]) > 0
    assert found["metric"]["camera"] == "gate"
    assert flaws.returncode == 0, flaws.stdout + flaws.stderr
    assert [rule["health"] for group in rules for rule in group["rules"] if rule["health"] == "err"] == []


def eventually_found(port: int) -> Any:
    until_s = time.monotonic() + 45
    while time.monotonic() < until_s:
        try:
            result = asked(f"http://127.0.0.1:{port}/api/v1/query?query=edge_camera_frames_processed_total")["data"]["result"]
        except OSError:
            result = []
        if result and float(result[0]["value"][1]) > 0:
            return result[0]
        time.sleep(0.2)
    raise AssertionError("Prometheus has read nothing")


def test_every_alert_asks_for_what_the_page_has() -> None:
    spread = Spread(p50_ms=1, p95_ms=1, p99_ms=1)
    camera = CameraHealth(frame_age=spread)
    health = HealthPayload(
        device="d", stream="s", boot_id="b", version="v", t=None, interval_s=1, up_s=1, broker=BrokerHealth(), cameras={"c": camera},
        disk_free_bytes=1, disk_total_bytes=2, slowed_by=[],
    )  # fmt: skip
    page = exposition(health)
    for group in yaml.safe_load((EXAMPLE / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            for name in re.findall(r"edge_[a-z_]+", rule["expr"]):
                assert f"# TYPE {name} " in page, rule["alert"]
