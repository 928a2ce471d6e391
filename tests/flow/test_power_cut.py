"""A power cut that loses every write since the last fsync rolls back nothing that was sent: no number is given twice, no total sinks below what was heard.

`power_cut.c` keeps beside the device what its disk would hold. A cut is a kill -9 and a start from there.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.demo.broker import Broker
from tests.flow.chaos import Device
from tests.flow.dashboard import Dashboard
from tests.flow.test_chaos import configuration
from tests.flow.test_kill import kept, progress


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the disk that loses what was not fsynced")
    library = tmp_path_factory.mktemp("shim") / "power_cut.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).with_name("power_cut.c"), "-lpthread"], check=True)
    return library


@pytest.fixture
def disk(tmp_path: Path, shim: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    monkeypatch.setenv("POWER_CUT_STATE", str(tmp_path / "cut"))
    monkeypatch.setenv("POWER_CUT_DISK", str(folder))
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    return folder


def test_what_was_not_fsynced_is_not_on_that_disk(tmp_path: Path, disk: Path) -> None:
    (tmp_path / "cut").mkdir()
    program = (
        "import os, sys; f = open(sys.argv[1], 'wb', 0); f.write(b'kept'); os.fsync(f.fileno()); f.write(b' lost');"
        "open(sys.argv[1] + '-too', 'wb').write(b'lost')"
    )
    subprocess.run(["python3", "-c", program, tmp_path / "cut" / "file"], check=True)
    assert {path.name: path.read_bytes() for path in disk.iterdir()} == {"file": b"kept"}


def cut(state: Path, disk: Path) -> bool:
    """Put what the disk holds in the place of what the process had written -> whether anything was lost by that."""
    before = {path.name: path.read_bytes() for path in state.iterdir() if path.name in ("edge.db", "edge.db-wal")}
    shutil.rmtree(state)
    state.mkdir()
    for path in disk.iterdir():
        if not path.name.startswith("."):
            shutil.copy(path, state / path.name)
        else:
            path.unlink()
    return before != {path.name: path.read_bytes() for path in state.iterdir() if path.name in ("edge.db", "edge.db-wal")}


def settle(state: Path, disk: Path) -> None:
    """Who has looked into the store has changed its files: that is on the disk now."""
    shutil.rmtree(disk)
    shutil.copytree(state, disk)


def test_nothing_that_was_sent_is_rolled_back_by_a_power_cut(
    tmp_path: Path, disk: Path, mosquitto: Broker, subscriber: Callable[..., Any]
) -> None:
    rng, state, cuts, lost = random.Random(5), tmp_path / "cut", 0, 0
    ears = subscriber(mosquitto.port, "edge/cut/gate/#")
    path = configuration(tmp_path, "cut", mosquitto.port, 20)
    while cuts < 3 or (not lost and cuts < 10):  # a process that is mostly kept from working has mostly nothing on its way to the disk
        cuts += 1
        device = Device(path)
        aim, until_s = progress(state) + rng.randint(10, 28), time.monotonic() + 60
        while progress(state) < aim and device.running and time.monotonic() < until_s:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.2)
        assert device.kill(), device.words[-2000:]
        lost += cut(state, disk)
        heard = Dashboard().read(h.payload for h in ears.heard if h.topic.endswith(("/events", "/counts")))
        totals, _ = kept(state)
        settle(state, disk)
        above = {key: n for key, n in heard.by_events.items() if n > totals.get(key, 0)}
        assert not above, f"heard, and not in the store: {above}"
    assert lost, "no cut lost a write, so nothing is shown"
    Device(path).finish(240)

    said: dict[tuple[str, int], Counter[bytes]] = {}
    for h in ears.heard:
        if h.topic.endswith(("/events", "/counts")):
            payload = json.loads(h.payload)
            said.setdefault((payload["stream"], payload["seq"]), Counter())[h.payload] += 1
    assert [seqs for seqs, payloads in said.items() if len(payloads) > 1] == [], "a number was given to two messages"
    assert sorted(seq for _, seq in said) == list(range(1, len(said) + 1))
    totals, _ = kept(state)
    board = Dashboard().read(h.payload for h in ears.heard if h.topic.endswith(("/events", "/counts")))
    assert {key: n for key, n in board.by_events.items() if n} == totals
