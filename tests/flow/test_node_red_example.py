"""deploy/mqtt/node-red as it is shipped, run by Node-RED itself: it counts a device's crossings, each once, also when they are said again."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.demo.broker import Broker, free_port
from tests.flow.asked_device import running_device, text_of

ROOT = Path(__file__).parents[2]
FLOW = ROOT / "deploy" / "mqtt" / "node-red" / "crossings.json"
NODE_RED = ROOT / ".node-red" / "node_modules" / "node-red" / "red.js"


def test_every_wire_of_the_flow_leads_somewhere() -> None:
    nodes = json.loads(FLOW.read_text())
    names = {node["id"] for node in nodes}
    assert len(names) == len(nodes)
    assert all(end in names for node in nodes for output in node.get("wires", []) for end in output)
    assert all(node[key] in names for node in nodes for key in ("z", "broker") if key in node and node["type"] != "mqtt-broker")


@pytest.mark.system
@pytest.mark.skipif(not NODE_RED.exists(), reason="no Node-RED in .node-red; scripts/node_red_env.sh makes it")
def test_node_red_counts_each_crossing_once(
    tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any], eventually: Callable[..., bool]
) -> None:
    listener = subscriber(mosquitto.port, "edge/+/+/events", qos=1)

    def crossings() -> list[dict[str, Any]]:
        return [event for event in map(json.loads, listener.payloads("/events")) if event["kind"] == "line"]

    with node_red(tmp_path, mosquitto.port) as counted:
        with running_device(text_of(tmp_path / "state", mosquitto.port), realtime=False):
            assert eventually(lambda: len(crossings()) >= 3, 60)
        true = Counter((f"{one['device']}/{one['camera']}/{one['name']}", one["event"]) for one in crossings())
        assert eventually(lambda: counted() == true, 20), (counted(), true)
        for payload in listener.payloads("/events")[-5:]:  # as after a lost acknowledgement
            listener.say("edge/flow/gate/events", payload)
        newer = {**crossings()[-1], "seq": 10**9}
        listener.say("edge/flow/gate/events", json.dumps(newer).encode())
        true[f"{newer['device']}/{newer['camera']}/{newer['name']}", newer["event"]] += 1
        assert eventually(lambda: counted() == true, 20), (counted(), true)


@contextmanager
def node_red(folder: Path, broker_port: int) -> Iterator[Callable[[], Counter[tuple[str, str]]]]:
    """Node-RED with the flow at work -> what it has counted, by place and direction."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed")
    port = free_port()
    home = folder / "node-red"
    home.mkdir()
    text = FLOW.read_text()
    assert '"port": "1883"' in text
    (home / "flow.json").write_text(text.replace('"port": "1883"', f'"port": "{broker_port}"').replace('"localhost"', '"127.0.0.1"'))
    (home / "settings.js").write_text(
        f'module.exports = {{ uiHost: "127.0.0.1", uiPort: {port}, flowFile: "flow.json", telemetry: {{ enabled: false }} }}\n'
    )

    def counted() -> Counter[tuple[str, str]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/crossings", timeout=10) as answer:
            places = json.loads(answer.read())
        return Counter({(place, way): n for place, ways in places.items() for way, n in ways.items() if n})

    with (home / "words").open("wb") as words:
        process = subprocess.Popen([program, str(NODE_RED), "-u", str(home)], stdout=words, stderr=words)
        try:
            until_s = time.monotonic() + 60
            while b"Connected to broker" not in (home / "words").read_bytes():
                assert process.poll() is None, (home / "words").read_text()
                assert time.monotonic() < until_s, (home / "words").read_text()
                time.sleep(0.1)
            assert counted() == Counter()
            time.sleep(0.5)  # it has subscribed by then
            yield counted
        finally:
            process.terminate()
            process.wait(20)
