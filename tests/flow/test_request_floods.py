"""Bad requests in great number: each is answered or ignored as documented, memory stays, frames flow. Good requests are in `test_requests`."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edge.app import Running
from edge.demo.broker import Broker
from tests.flow.asked_device import Asker, running_device, text_of

ROOT = Path(__file__).parents[2]
REPORTS = Path(__file__).parent / "reports"
VERBS = ["snapshot", "counts", "reset", "config", "cameras", "", "x", "a/b/c", "snapshot/gate", "%00", "ü", "status"]
VALUES: list[Any] = ["gate", "", None, True, -1, 1e308, 2**70, [], {}, [[[]]], "x" * 500, "2026-01-01T00:00:00Z", "npz", {"a": "b"}]
KEYS = ["camera", "what", "from", "to", "format", "max_bytes", "id", "é", ""]
ELSEWHERE = ["edge/flow/status", "edge/#", "$SYS/x", "/".join("abcdefghijkl"), "edge/flow/cmd/reset", "edge/flow/gate/counts", ""]


def payload_of(rng: random.Random, address: dict[str, str]) -> bytes:
    """What nobody can have meant, and now and then what somebody could; `address` says where the answer goes, by MQTT 3.1.1."""
    fields = {rng.choice(KEYS): rng.choice(VALUES) for _ in range(rng.randint(0, 5))}
    text = json.dumps({**fields, **address}).encode()
    match rng.randint(0, 9 if address else 5):  # an address that cannot be read is none, and no answer shows nothing
        case 0:
            return rng.randbytes(rng.randint(0, 300))
        case 1:
            return text[: rng.randint(0, len(text))]
        case 2:
            return b"[" * rng.randint(1, 9000)
        case 3:
            return text + b" " * rng.choice([10_000, 200_000])
        case 4:
            return b""
        case _:
            return text


def addressed(payload: bytes) -> bool:
    """Whether a request of MQTT 3.1.1 can be read as far as its address."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return len(payload) <= 8192 and isinstance(said, dict) and "reply_to" in said


def flood(asker: Asker, count: int, seed: int, pause_s: float, waiting: int | None = None) -> tuple[set[str], Counter[str]]:
    """Send bad requests -> the name of each that must get an answer, and how many there were of which kind.

    With `waiting`, no more are sent while so many have no answer yet: a busy machine's device would let those go that waited too long.
    """
    rng = random.Random(seed)
    due, kinds = set(), Counter[str]()
    for number in range(count):
        mine = rng.random() < 0.6
        name, reply_to = f"n{number}", asker.topic if mine else rng.choice(ELSEWHERE)
        payload = payload_of(rng, {} if asker.v5 else {"id": name, "reply_to": reply_to})
        retain = rng.random() < 0.05
        asker.send(rng.choice(VERBS), payload, reply_to=reply_to, correlation=name.encode(), retain=retain, qos=rng.randint(0, 1))
        mine &= asker.v5 or addressed(payload)
        kinds["retained" if retain else "addressed" if mine else "addressed elsewhere or nowhere"] += 1
        kinds["longer than 8 KiB"] += len(payload) > 8192
        if mine and not (retain and asker.v5):  # by 3.1.1 who is there when it is said does not hear that it is retained
            due.add(name)
        until_s = time.monotonic() + 20
        while waiting is not None and len(due) - len(answered(asker)) >= waiting and time.monotonic() < until_s:
            time.sleep(0.002)
        time.sleep(pause_s)
    return due, kinds


def answered(asker: Asker) -> set[str]:
    """The name of each request that has an answer."""
    return {name_of(asker, message) for message in asker.heard}


def name_of(asker: Asker, message: Any) -> str:
    """Of the request that this answers: its correlation by MQTT 5, else its id."""
    name = message.properties.CorrelationData.decode() if asker.v5 else json.loads(message.payload)["id"]
    assert isinstance(name, str)
    return name


@cache
def validator(kind: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads((ROOT / "deploy" / "mqtt" / "schemas" / f"{kind}.json").read_text()))


def check_answers(asker: Asker, due: set[str], eventually: Callable[..., bool]) -> Counter[str]:
    """Every request that is due one has exactly one answer, as its schema says; nobody else has any. -> how many answers of which kind."""
    assert eventually(lambda: len(answered(asker)) >= len(due), 20)
    firsts, codes = Counter[str](), Counter[str]()
    for message in asker.heard:
        said = json.loads(message.payload)
        validator(f"answer-{said['verb']}" if said["ok"] else "answer-counts").validate(said)
        if "chunk" not in said:
            firsts[name_of(asker, message)] += 1
            codes[said.get("error", "done")] += 1
    assert set(firsts) == due
    assert set(firsts.values()) == {1}
    return codes


def rate(device: Running, seconds: float) -> float:
    """Frames a second that are worked on, over some seconds."""
    loop = device.device.cameras[0]
    began, began_s = loop.frames_done, time.monotonic()
    time.sleep(seconds)
    return (loop.frames_done - began) / (time.monotonic() - began_s)


@pytest.fixture
def births(broker_and_protocol: tuple[Broker, str], subscriber: Callable[..., Any]) -> Iterator[Any]:
    """Who listens to the device's status: one birth is one connection."""
    return subscriber(broker_and_protocol[0].port, "edge/flow/status", qos=1)


def configuration(state: Path, broker: Broker, protocol: str) -> str:
    return text_of(state, broker.port, mqtt={"url": broker.url, "protocol": protocol}, requests={"per_minute": 6000, "burst": 1000})


def test_hundreds_of_bad_requests_are_answered_or_ignored_as_documented(
    broker_and_protocol: tuple[Broker, str], births: Any, tmp_path: Path, eventually: Callable[..., bool]
) -> None:
    broker, protocol = broker_and_protocol
    with running_device(configuration(tmp_path, broker, protocol)) as device, Asker(broker.port, v5=protocol == "5") as asker:
        due, _ = flood(asker, 300, seed=1, pause_s=0.003, waiting=5)
        codes = check_answers(asker, due, eventually)
        assert set(codes) >= {"bad_request", "unknown_verb", "not_allowed", "done"}
        assert rate(device, 0.5) > 0, "frames flow"
        assert len(births.heard) == 1, "the connection held"


def test_a_flood_beyond_the_rate_is_told_once_a_second(mosquitto: Broker, tmp_path: Path) -> None:
    text = text_of(tmp_path, mosquitto.port, requests={"per_minute": 60, "burst": 5})
    with running_device(text), Asker(mosquitto.port, v5=True) as asker:
        began_s = time.monotonic()
        for _ in range(400):
            asker.send("counts", b"", reply_to=asker.topic)
            time.sleep(0.002)
        time.sleep(0.3)
        lasted_s = time.monotonic() - began_s
        answers = [json.loads(message.payload) for message in asker.heard]
    assert 1 <= sum(answer["ok"] for answer in answers) <= 5 + lasted_s + 1
    assert 1 <= sum(answer.get("error") == "too_many" for answer in answers) <= lasted_s + 1


def committed(state: Path) -> int:
    """The last committed frame of a device in another process."""
    db = sqlite3.connect(f"file:{state / 'edge.db'}?mode=ro", uri=True)
    try:
        (frame,) = db.execute("SELECT frame FROM checkpoints").fetchone() or (0,)
        return int(frame)
    except sqlite3.OperationalError:
        return 0
    finally:
        db.close()


class Watch:
    """Frames a second and resident memory of a device in another process, over the time since it was made."""

    def __init__(self, pid: int, state: Path) -> None:
        self._pid, self._state = pid, state
        self._frame, self._began_s = committed(state), time.monotonic()

    def read(self) -> tuple[float, float]:
        lasted_s = time.monotonic() - self._began_s
        mib = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1]) * 4096 / 2**20
        return round((committed(self._state) - self._frame) / lasted_s, 2), round(mib, 1)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_ten_thousand_bad_requests(
    broker_and_protocol: tuple[Broker, str], births: Any, tmp_path: Path, eventually: Callable[..., bool]
) -> None:
    broker, protocol = broker_and_protocol
    config, state = tmp_path / "edge.yaml", tmp_path / "state"
    config.write_text(configuration(state, broker, protocol))
    command = [sys.executable, "-m", "edge", "run", "-c", str(config), "--realtime"]
    with (tmp_path / "said").open("wb") as said:
        device = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said)
    try:
        assert births.wait(lambda heard: len(heard) > 0, 60)
        assert eventually(lambda: committed(state) > 30, 60)
        with Asker(broker.port, v5=protocol == "5") as asker:
            flood(asker, 1000, seed=0, pause_s=0.01)  # what is loaded once is loaded
            time.sleep(20)
            asker.forget()
            watch = Watch(device.pid, state)
            time.sleep(20)
            before, before_mib = watch.read()
            watch, began_s = Watch(device.pid, state), time.monotonic()
            due, kinds = flood(asker, 10_000, seed=7, pause_s=0.0105)
            paced_per_s = 10_000 / (time.monotonic() - began_s)
            during, during_mib = watch.read()
            codes = check_answers(asker, due, eventually)
            asker.forget()
            watch, began_s = Watch(device.pid, state), time.monotonic()
            flood(asker, 10_000, seed=8, pause_s=0)
            beyond_per_s = 10_000 / (time.monotonic() - began_s)
            time.sleep(2)
            beyond, beyond_mib = watch.read()
            assert eventually(lambda: asker.one("counts", timeout_s=60)["ok"], 90)  # amqtt hands the flood on for a while yet
        connections = len(births.heard)
    finally:
        device.send_signal(signal.SIGTERM)
        device.wait(60)
    figures = {
        "broker": broker.kind,
        "requests": dict(sorted(kinds.items())),
        "answers": dict(sorted(codes.items())),
        "requests_per_s": {"paced": round(paced_per_s), "as fast as can be": round(beyond_per_s)},
        "frames_per_s": {"before": before, "paced": during, "as fast as can be": beyond},
        "resident_mib": {"before": before_mib, "paced": during_mib, "as fast as can be": beyond_mib},
        "connections": connections,
    }
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / f"requests_{broker.kind}.json").write_text(json.dumps(figures, indent=2) + "\n")
    assert b"Traceback" not in (tmp_path / "said").read_bytes()
    assert min(during, beyond) >= 0.9 * before
    assert max(during_mib, beyond_mib) - before_mib < 16
    assert connections == 1
