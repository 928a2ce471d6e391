"""Killed with -9 at random moments and started again: nothing is lost, nothing is doubled. Durability of a single commit is a unit test's business.

A file resumes after the committed frame with the whole memory of that moment, so that even the identities go on: totals, ledger and what a
subscriber has must equal an uninterrupted run's, not within an interval but exactly.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edge.demo.broker import Broker
from edge.store import Store
from tests.flow.dashboard import Dashboard

CAMERA = "gate"
REPORTS = Path(__file__).parent / "reports"
VERBS = ("in", "out", "entered", "exited", "appeared", "vanished")


def configuration(folder: Path, name: str, port: int | None, camera: dict[str, Any], model: str) -> Path:
    """A configuration file for one camera with a store of its own."""
    path = folder / f"{name}.yaml"
    whole: dict[str, Any] = {"device": name, "state": str(folder / name), "model": model, "commit_s": 0.2, "cameras": {CAMERA: camera}}
    whole["counts_every_s"] = 3
    if port is not None:
        whole["mqtt"] = {"url": f"mqtt://127.0.0.1:{port}"}
    path.write_text(yaml.safe_dump(whole))
    return path


def start(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "edge", "run", "-c", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(path: Path, timeout_s: float) -> None:
    process = start(path)
    _, said = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, said.decode()


def progress(state: Path) -> int:
    """The committed frame, read beside the running process."""
    import sqlite3

    try:
        with sqlite3.connect(f"file:{state / 'edge.db'}?mode=ro", uri=True) as db:
            row = db.execute("SELECT frame, done FROM checkpoints").fetchone()
        db.close()
    except sqlite3.OperationalError:
        return -1
    return -1 if row is None else int(row[0])


def kept(state: Path) -> tuple[dict[tuple[str, str, str], int], np.ndarray]:
    """What a store holds: totals by (kind, place, what), and the ledger of heat."""
    with Store(state / "edge.db") as store:
        totals: dict[tuple[str, str, str], int] = {}
        for key, n in store.totals(CAMERA).items():
            if key.field in VERBS:
                totals[(key.kind, key.place, key.field)] = totals.get((key.kind, key.place, key.field), 0) + n
        grid, _ = store.heat(CAMERA, 200 * 200)
    return totals, grid


def kill_often(path: Path, state: Path, kills: int, rng: random.Random, frames: int) -> list[int]:
    """Start and kill `kills` times at random moments of the work; returns the committed frame after each kill."""
    stops = []
    for number in range(kills):
        process = start(path)
        # Let each life do some share of the rest, then die at a random moment of it.
        aim = progress(state) + rng.randint(1, max(1, (frames - 30 - progress(state)) // (kills - number)))
        until_s = time.monotonic() + 60
        while progress(state) < aim and process.poll() is None and time.monotonic() < until_s:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.15)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        stops.append(progress(state))
    return stops


def compare(
    tmp_path: Path,
    broker: Broker,
    subscriber: Callable[..., Any],
    camera: dict[str, Any],
    model: str,
    *,
    kills: int,
    frames: int,
    run_s: float,
) -> dict[str, Any]:
    """One run that is killed and one that is not; asserts that they agree in everything, and returns the figures."""
    rng = random.Random(11)
    ears = subscriber(broker.port, "edge/killed/gate/#", qos=1)
    whole = configuration(tmp_path, "whole", None, camera, model)
    finish(whole, run_s)
    path = configuration(tmp_path, "killed", broker.port, camera, model)
    stops = kill_often(path, tmp_path / "killed", kills, rng, frames)
    finish(path, run_s)
    true_totals, true_grid = kept(tmp_path / "whole")
    totals, grid = kept(tmp_path / "killed")
    assert true_totals, "nothing was counted, so nothing is shown"
    assert ears.wait(lambda heard: bool(heard) and last_total(heard) == totals, 60), "the subscriber never got the store's totals"
    board = Dashboard().read(heard.payload for heard in ears.heard if heard.topic.endswith(("/events", "/counts")))
    assert totals == true_totals
    assert (grid == true_grid).all()
    assert {k: n for k, n in board.by_counts.items() if n} == totals
    assert {k: n for k, n in board.by_events.items() if n} == totals
    assert board.seqs == sorted(board.seqs)
    assert len(set(stops)) > kills // 3, f"the kills did not come at different moments: {stops}"
    return {
        "kills": kills,
        "committed_frame_at_each_kill": stops,
        "totals": {" ".join(k): n for k, n in totals.items()},
        "presence_s": int(grid.sum()) / 1e6,
        "messages": len(board.seqs),
        "repeated_messages": board.repeated,
    }


def last_total(heard: list[Any]) -> dict[tuple[str, str, str], int]:
    """What the last `counts` say has been counted in all, where that is not nothing."""
    counts = [h.payload for h in heard if h.topic.endswith("/counts")]
    return {k: n for k, n in Dashboard().read(counts).totals.items() if n}


def test_killed_runs_agree_with_an_uninterrupted_one(tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]) -> None:
    from edge.data import Size
    from edge.sources.synthetic import plaza_layout

    layout = plaza_layout(Size(320, 180))
    camera = {
        "source": "synthetic://plaza?seed=3&size=320x180&fps=15&people=8&seconds=24",
        "lines": {name: {"from": list(a), "to": list(b)} for name, (a, b) in layout.lines.items()},
        "zones": {name: [list(p) for p in ring] for name, ring in layout.zones.items()},
        "heatmap": None,
    }
    compare(tmp_path, mosquitto, subscriber, camera, "scene", kills=4, frames=360, run_s=240)


@pytest.mark.soak
def test_twenty_kills_on_real_video(tmp_path: Path, shared: Path, mosquitto: Broker, subscriber: Callable[..., Any]) -> None:
    truth = yaml.safe_load((shared / "video" / "pets-s2l1.truth.yaml").read_text())
    camera = {
        "source": str(shared / "video" / "pets-s2l1.mp4"),
        "lines": {name: {"from": line["from"], "to": line["to"]} for name, line in truth["lines"].items()},
        "zones": {"crossing": [[200, 100], [300, 100], [300, 300], [200, 300]]},
    }
    model = str(shared / "models" / "yolo11n.onnx")
    figures = compare(tmp_path, mosquitto, subscriber, camera, model, kills=20, frames=795, run_s=2400)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "kill.json").write_text(json.dumps(figures, indent=2) + "\n")
