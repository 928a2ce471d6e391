"""A whole device on a synthetic camera: what a subscriber hears is what the store holds, and a stopped run goes on. Kills are in `test_kill`."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml

from edge.app import RunOptions, running
from edge.change import Change, Checkpoint
from edge.config import Config, parse
from edge.count.tally import Key, Tally
from edge.data import Size
from edge.demo.broker import Broker
from edge.errors import BrokerError
from edge.heat import grid_size
from edge.pipeline import Pipeline, PipelineOptions
from edge.sources.synthetic import plaza_layout
from edge.store import Store
from tests.flow.dashboard import Dashboard

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "deploy" / "mqtt" / "schemas"
SIZE = Size(320, 180)
VERBS = ("in", "out", "entered", "exited", "appeared", "vanished")


def text_of(state: Path, port: int | None, *, seconds: float = 16, heatmap: bool = True) -> str:
    layout = plaza_layout(SIZE)
    camera = {
        "source": f"synthetic://plaza?seed=3&size={SIZE}&fps=15&people=8&seconds={seconds}",
        "lines": {name: {"from": list(a), "to": list(b)} for name, (a, b) in layout.lines.items()},
        "zones": {name: [list(p) for p in ring] for name, ring in layout.zones.items()},
        "heatmap": {"every_s": 5} if heatmap else None,
    }
    whole: dict[str, Any] = {
        "device": "flow",
        "state": str(state),
        "model": "scene",
        "commit_s": 0.1,
        "counts_every_s": 3,
        "health_every_s": 3600,  # on a slow machine these seconds are many
        "cameras": {"gate": camera},
    }
    if port is not None:
        whole["mqtt"] = {"url": f"mqtt://127.0.0.1:{port}"}
    return yaml.safe_dump(whole)


def run(config: Config, **options: Any) -> None:
    with running(config, RunOptions(**options)) as device:
        device.run()


Kept = tuple[dict[tuple[str, str, str], int], np.ndarray]


def kept(state: Path, epoch: int | None = None) -> Kept:
    """Totals by (kind, place, verb), and the ledger."""
    cells = grid_size(SIZE, 8)
    with Store(state / "edge.db") as store:
        totals: dict[tuple[str, str, str], int] = {}
        for key, n in store.totals("gate", epoch=epoch).items():
            if key.field in VERBS:
                totals[key.kind, key.place, key.field] = totals.get((key.kind, key.place, key.field), 0) + n
        return totals, store.heat("gate", cells.width * cells.height, epoch=epoch)[0]


@cache
def schema_of(kind: str) -> jsonschema.protocols.Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{kind}.json").read_text()))


def test_what_a_subscriber_hears_is_what_the_store_holds(tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]) -> None:
    ears = subscriber(mosquitto.port, "edge/flow/#", qos=1)
    config = parse(text_of(tmp_path, mosquitto.port))
    run(config)
    totals, grid = kept(tmp_path)
    assert {verb for _, _, verb in totals} >= {"in", "out", "entered", "exited"}, "too little happened to show anything"
    assert ears.wait(lambda heard: any(h.topic.endswith("/status") and b"offline" in h.payload for h in heard))

    board = Dashboard().read(h.payload for h in ears.heard if h.topic.endswith(("/events", "/counts")))
    assert {k: n for k, n in board.by_events.items() if n} == totals
    assert {k: n for k, n in board.by_counts.items() if n} == totals
    assert {k: n for k, n in board.totals.items() if n} == totals
    assert board.seqs == list(range(1, len(board.seqs) + 1))
    heard_live = {
        "edge/flow/gate/state",
        "edge/flow/gate/events",
        "edge/flow/gate/counts",
        "edge/flow/gate/heatmap",
        "edge/flow/gate/heatmap/meta",
    }
    assert {h.topic for h in ears.heard} == heard_live | {"edge/flow/status"}
    for heard in ears.heard:
        kind = heard.topic.removeprefix("edge/flow/").removeprefix("gate/").replace("/", "-")
        if kind != "heatmap":
            schema_of(kind).validate(json.loads(heard.payload))

    late = subscriber(mosquitto.port, "edge/flow/#", qos=1)  # what a dashboard that comes later finds
    retained = {
        "edge/flow/gate/state",
        "edge/flow/gate/counts",
        "edge/flow/gate/heatmap",
        "edge/flow/gate/heatmap/meta",
        "edge/flow/status",
    }
    assert late.wait(lambda heard: {h.topic for h in heard} >= retained)
    assert {h.topic for h in late.heard} == retained
    values = {h.topic.removeprefix("edge/flow/"): h.payload for h in late.heard}
    assert json.loads(values["gate/state"])["state"] == "ended"
    assert json.loads(values["status"])["state"] == "offline"
    assert values["gate/counts"] == ears.payloads("gate/counts")[-1]

    picture, meta = values["gate/heatmap"], json.loads(values["gate/heatmap/meta"])
    assert meta["sha256"] == hashlib.sha256(picture).hexdigest()
    assert meta["bytes"] == len(picture) <= 120_000
    assert meta["content_type"] == "image/jpeg"
    assert picture[:3] == b"\xff\xd8\xff"
    assert (tmp_path / "gate-heatmap.jpg").read_bytes() == picture
    assert round(meta["presence_s"] * 1e6) == int(grid.sum()) > 0
    assert (meta["reference"], meta["cell"]) == ([SIZE.width, SIZE.height], 8)


def test_a_picture_that_a_small_budget_has_shrunk_is_told_as_it_is(
    tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]
) -> None:
    from edge.sinks.picture import decode

    ears = subscriber(mosquitto.port, "edge/flow/#")
    text = text_of(tmp_path, mosquitto.port, seconds=1).replace("every_s: 5", "every_s: 5\n      max_bytes: 4000")
    run(parse(text))
    assert ears.wait(lambda heard: any(h.topic.endswith("/meta") for h in heard))
    meta, picture = json.loads(ears.payloads("/meta")[-1]), ears.payloads("gate/heatmap")[-1]
    assert len(picture) <= 4000
    assert decode(picture).shape == (meta["height"], meta["width"], 3)


def test_a_second_run_over_a_finished_file_counts_it_anew_in_a_new_epoch(tmp_path: Path) -> None:
    config = parse(text_of(tmp_path, None, seconds=8, heatmap=False))
    run(config)
    first = kept(tmp_path)
    run(config)
    second = kept(tmp_path)
    assert second[0] == first[0]
    assert (second[1] == first[1]).all()
    old = kept(tmp_path, epoch=1)
    assert old[0] == first[0]
    assert (old[1] == first[1]).all()
    assert kept(tmp_path, epoch=3)[0] == {}


def test_a_run_that_is_stopped_again_and_again_equals_one_that_is_not(
    tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]
) -> None:
    run(parse(text_of(tmp_path / "whole", None, heatmap=False)))
    ears = subscriber(mosquitto.port, "edge/flow/gate/#", qos=1)
    path = tmp_path / "edge.yaml"
    path.write_text(text_of(tmp_path / "parts", mosquitto.port, heatmap=False))
    stops = []
    for aim in (30, 130):
        process = subprocess.Popen(
            [sys.executable, "-m", "edge", "run", "-c", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT
        )
        until_s = time.monotonic() + 60
        while committed(tmp_path / "parts")[0] < aim and process.poll() is None and time.monotonic() < until_s:
            time.sleep(0.002)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=180)
        assert process.returncode == 0, said.decode()
        assert b"Traceback" not in said
        stops.append(committed(tmp_path / "parts"))
    assert 30 <= stops[0][0] < stops[1][0]
    assert not stops[0][1], "it was over before it could be stopped"
    run(parse(path.read_text()))
    whole, parts = kept(tmp_path / "whole"), kept(tmp_path / "parts")
    assert parts[0] == whole[0] != {}
    assert (parts[1] == whole[1]).all()
    assert ears.wait(
        lambda heard: Dashboard().read(h.payload for h in heard if h.topic.endswith("/counts")).by_counts.total() == sum(whole[0].values())
    )
    board = Dashboard().read(h.payload for h in ears.heard if h.topic.endswith(("/events", "/counts")))
    assert {k: n for k, n in board.by_counts.items() if n} == whole[0]
    assert {k: n for k, n in board.by_events.items() if n} == whole[0]


def committed(state: Path) -> tuple[int, bool]:
    """The committed frame and whether the file was finished, read beside the running process."""
    try:
        db = sqlite3.connect(f"file:{state / 'edge.db'}?mode=ro", uri=True)
        row = db.execute("SELECT frame, done FROM checkpoints").fetchone()
        db.close()
    except sqlite3.OperationalError:
        return -1, False
    return (-1, False) if row is None else (row[0], bool(row[1]))


def test_a_finished_run_whose_broker_is_away_is_an_error_and_the_next_run_tells_all(
    tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]
) -> None:
    mosquitto.stop()
    config = parse(text_of(tmp_path, mosquitto.port, seconds=8, heatmap=False))
    with pytest.raises(BrokerError, match="what was counted is kept"):
        run(config, drain_s=0.3)
    totals, _ = kept(tmp_path)
    assert totals
    mosquitto.start()
    ears = subscriber(mosquitto.port, "edge/flow/gate/#", qos=1)
    run(config)  # counts it anew; what waited comes first, and belongs to the first epoch
    assert ears.wait(lambda heard: any(b'"ended"' in h.payload for h in heard))
    board = Dashboard().read(h.payload for h in ears.heard if h.topic.endswith(("/events", "/counts")))
    assert {k: n for k, n in board.by_events.items() if n} == {k: 2 * n for k, n in totals.items()}
    assert board.seqs == list(range(1, len(board.seqs) + 1))


def test_a_full_disk_costs_the_picture_not_the_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: Path, payload: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    run(parse(text_of(tmp_path, None, seconds=2)))
    assert "counting goes on" in caplog.text
    assert not (tmp_path / "gate-heatmap.jpg").exists()
    assert committed(tmp_path) == (29, True)


def test_what_a_killed_run_had_not_said_is_said_by_a_run_on_another_timeline(
    tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]
) -> None:
    ears = subscriber(mosquitto.port, "edge/flow/gate/counts", qos=1)
    config = parse(text_of(tmp_path, mosquitto.port, seconds=8, heatmap=False))
    lines = config.cameras["gate"].lines
    kept_line, changed_line = list(lines)[:2]
    same, changed = (Key("line", name, "person", "in") for name in (kept_line, changed_line))
    with Store(tmp_path / "edge.db", outbox_rows=100) as store:  # another file was being counted when the power went
        store.set_timeline("media-before", 0, known=True)
        store.begin_epochs("gate", {("line", kept_line): lines[kept_line].digest, ("line", changed_line): "another geometry"}, None)
        change = Change("gate", "media-before")
        change.window((0, 60_000_000_000)).tally.update({same: 70, changed: 50})
        state = Pipeline(PipelineOptions(), SIZE).state()
        change.checkpoint = Checkpoint("media-before", "another file", 9, 10**9, "d", state, Tally({same: 7, changed: 5}), 0)
        store.commit(change)
    run(config)
    totals, _ = kept(tmp_path)
    board = Dashboard().read(ears.payloads("/counts"))
    assert board.totals["line", kept_line, "in"] == totals["line", kept_line, "in"] >= 70
    assert board.by_counts["line", kept_line, "in"] == totals["line", kept_line, "in"] - 63  # 63 were said before the power went
    assert board.by_counts["line", changed_line, "in"] == totals.get(("line", changed_line, "in"), 0)  # an epoch of its own
