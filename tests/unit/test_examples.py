"""What deploy/mqtt tells, held against what can be known of it: its README, and examples that are not run here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.health import BrokerHealth, CameraHealth, HealthPayload, Spread
from edge.messages import CountsPayload
from edge.sinks.metrics import exposition

FOLDER = Path(__file__).parents[2] / "deploy" / "mqtt"


def test_the_readme_names_every_topic_and_no_other() -> None:
    readme = (FOLDER / "README.md").read_text()
    table = readme[readme.index("| topic | schema") : readme.index("## Each message once")]
    told = set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))
    channels = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text())["channels"].values()
    there = {channel["address"].removeprefix("{prefix}/{device}/") for channel in channels}
    assert told == {re.sub(r"^cmd/.*", "cmd/{verb}", address) for address in there}


def test_the_readme_s_way_to_take_each_message_once_does() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(code, namespace)

    def taken(said: list[tuple[str, str, int, bool]]) -> list[tuple[str, str, int]]:
        namespace["last_seq"].clear()
        return [
            (topic, stream, seq)
            for topic, stream, seq, retained in said
            if namespace["is_new"](topic, json.dumps({"stream": stream, "seq": seq}).encode(), retained)
        ]

    in_order = [("events", "a", 1), ("counts", "a", 2), ("events", "a", 3), ("counts", "a", 5), ("events", "b", 1)]
    plain = [(*one, False) for one in in_order]
    assert taken(plain) == in_order
    assert taken(plain[:3] + plain[1:]) == in_order  # said again from the oldest that was not acknowledged
    assert taken([("counts", "a", 5, True), *plain]) == in_order  # what was retained comes before what was kept for us


def test_telegraf_s_example_asks_for_topics_and_fields_that_there_are() -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
    text = (FOLDER / "telegraf" / "telegraf.conf").read_text()
    config = tomllib.loads(text)
    channels = [channel["address"] for channel in yaml.safe_load((FOLDER / "asyncapi.yaml").read_text())["channels"].values()]
    fields: dict[str, Any] = {"counts": CountsPayload, "health": HealthPayload}
    consumers = config["inputs"]["mqtt_consumer"]
    assert [one["name_override"] for one in consumers] == ["counts", "health"]
    for one in consumers:
        (topic,) = one["topics"]
        assert topic in [re.sub(r"\{\w+\}", "+", address.replace("{prefix}", "edge")) for address in channels]
        named = {field.alias or name for name, field in fields[one["name_override"]].model_fields.items()}
        assert set(one["tag_keys"]) | {one["json_time_key"]} <= named
    assert text.startswith("# Not run here")


def test_grafana_s_example_asks_for_metrics_that_there_are() -> None:
    board = json.loads((FOLDER / "grafana" / "health.json").read_text())
    assert board["description"].startswith("Not run here")
    page = exposition(whole_health())
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24  # the width of Grafana's grid
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        taken |= cells
        for target in panel["targets"]:
            names = re.findall(r"edge_[a-z_]+", target["expr"])
            assert names
            assert all(f"# TYPE {name} " in page for name in names), panel["title"]
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            known = {label for line in page.splitlines() if line.startswith(names[0]) for label in re.findall(r'(\w+)="', line)}
            assert labels <= known | {"instance", "job"}, panel["title"]


def whole_health() -> HealthPayload:
    """A health that tells everything there is."""
    spread = Spread(p50_ms=1, p95_ms=2, p99_ms=3)
    return HealthPayload(
        device="d",
        stream="s",
        boot_id="b",
        version="v",
        t=None,
        interval_s=1,
        up_s=1,
        memory_bytes=1,
        disk_free_bytes=1,
        disk_total_bytes=2,
        temperature_c=40,
        power_w=7,
        broker=BrokerHealth(),
        cameras={"c": CameraHealth(frame_age=spread, stages={"detect": spread}, drops={"late": 1})},
    )
