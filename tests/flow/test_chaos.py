"""Whatever befalls broker, line and device, a subscriber that trusts `stream` and `seq` ends with the store's totals, in order, at the original times."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.data import Size
from edge.demo.broker import Broker
from edge.sources.synthetic import plaza_layout
from tests.flow.chaos import BROKER_FAULTS, DEVICE_FAULT, LINE_FAULTS, Chaos, Device
from tests.flow.dashboard import Dashboard
from tests.flow.test_kill import CAMERA, REPORTS, kept, last_total, progress
from tests.unit.sinks.gate import Gate

KINDS = (*BROKER_FAULTS, *LINE_FAULTS, DEVICE_FAULT)


def configuration(folder: Path, name: str, port: int, seconds: int, **mqtt: object) -> Path:
    layout = plaza_layout(Size(320, 180))
    camera = {
        "source": f"synthetic://plaza?seed=3&size=320x180&fps=15&people=8&seconds={seconds}",
        "lines": {name: {"from": list(a), "to": list(b)} for name, (a, b) in layout.lines.items()},
        "zones": {name: [list(p) for p in ring] for name, ring in layout.zones.items()},
        "heatmap": {"every_s": 20},
    }
    whole = {
        "device": name, "state": str(folder / name), "model": "scene", "commit_s": 0.2, "counts_every_s": 3,
        "mqtt": {"url": f"mqtt://127.0.0.1:{port}", "first_pause_s": 0.05, "max_pause_s": 0.3, "connect_timeout_s": 2, **mqtt},
        "cameras": {CAMERA: camera},
    }  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(whole))
    return path


def events(heard: list[Any]) -> list[tuple[object, ...]]:
    """What was said to have happened, in the order of `seq`, each once."""
    keys = ("kind", "name", "event", "track", "class", "t_ns", "place", "dwell_s")
    return [tuple(map(str, (payload[key] for key in keys))) for payload in _payloads(heard)]


def starts_ms(heard: list[Any]) -> set[int]:
    """When the file was begun, in UTC, as each event has it: one moment, whenever and however often it was said."""

    def utc_ms(text: str) -> int:
        return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)

    return {utc_ms(payload["t"]) - payload["t_ns"] // 1_000_000 for payload in _payloads(heard)}


def _payloads(heard: list[Any]) -> list[dict[str, Any]]:
    said: dict[tuple[str, int], dict[str, Any]] = {}
    for one in heard:
        if one.topic.endswith("/events"):
            payload = json.loads(one.payload)
            said.setdefault((payload["stream"], payload["seq"]), payload)
    return [said[place] for place in sorted(said)]


def numbered(said: Iterable[Any]) -> dict[int, Any]:
    """Place in the stream -> the message, of events and counts; the first of each, in order of coming."""
    places: dict[int, Any] = {}
    for one in said:
        if one.topic.endswith(("/events", "/counts")):
            places.setdefault(json.loads(one.payload)["seq"], one)
    return places


def survive(
    tmp_path: Path,
    broker: Broker,
    subscriber: Callable[..., Any],
    *,
    faults: int,
    seconds: int,
    run_s: float,
    **mqtt: object,
) -> dict[str, Any]:
    """One run through `faults`, one without; asserts that they said the same, and returns the figures.

    Mosquitto hands a message on before it acknowledges it, amqtt (0.12) after: what it took and had not handed on when it ended, or when the
    line was cut, it forgets, and no device can know. Such a message must have been acknowledged; the totals must be heard all the same.
    """
    rng = random.Random(7)
    # QoS 0: it acknowledges nothing, so what a killed broker had written to it is still read.
    ears = subscriber(broker.port, "edge/struck/gate/#")
    with Gate(broker.port) as gate:
        device = Device(configuration(tmp_path, "struck", gate.port, seconds, **mqtt))
        chaos = Chaos(device, gate, broker, ears, rng)
        try:
            chaos.strike(KINDS, faults, lambda: progress(tmp_path / "struck"))
            assert sum(chaos.done[kind] for kind in KINDS) == faults, f"the run was over after {chaos.done}"
            device.finish(run_s)
        finally:
            device.kill()
    calm = subscriber(broker.port, "edge/calm/gate/#")
    Device(configuration(tmp_path, "calm", broker.port, seconds, **mqtt)).finish(run_s)

    totals, grid = kept(tmp_path / "struck")
    calm_totals, calm_grid = kept(tmp_path / "calm")
    assert totals, "nothing was counted, so nothing is shown"
    assert totals == calm_totals
    assert (grid == calm_grid).all()

    taken = numbered(gate.acknowledged)
    last = max(taken)
    assert ears.wait(lambda heard: last in numbered(heard), 60), "the last message never came to the subscriber"
    heard = numbered(ears.heard)
    forgotten = {place: one for place, one in taken.items() if place not in heard}
    assert broker.kind == "amqtt" or not forgotten, f"acknowledged, and never heard: {sorted(forgotten)}"
    assert sorted({*heard, *forgotten}) == list(range(1, last + 1)), (
        f"a hole that no broker made; heard {sorted(heard)}, acknowledged {sorted(taken)}"
    )
    assert list(heard) == sorted(heard), "out of order"

    assert last_total(ears.heard) == totals
    said = [*ears.heard, *forgotten.values()]
    assert calm.wait(lambda heard: last_total(heard) == totals, 30)
    wanted = events(calm.heard)
    assert events(said) == wanted
    starts = starts_ms(said)
    assert max(starts) - min(starts) <= 1, "an event was given another time when it was said again"  # whole milliseconds
    board = Dashboard().read(one.payload for one in said if one.topic.endswith(("/events", "/counts")))
    assert {k: n for k, n in board.by_events.items() if n} == totals
    assert {k: n for k, n in board.by_counts.items() if n} == totals
    return {
        "broker": broker.kind,
        "faults": dict(sorted(chaos.done.items())),
        "connections": gate.connections,
        "messages": last,
        "repeated_messages": board.repeated,
        "acknowledged_and_forgotten_by_the_broker": len(forgotten),
        "events": len(wanted),
        "totals": {" ".join(k): n for k, n in totals.items()},
    }


def test_ten_faults_of_every_kind_lose_and_double_nothing(
    tmp_path: Path, broker_and_protocol: tuple[Broker, str], subscriber: Callable[..., Any]
) -> None:
    broker, protocol = broker_and_protocol
    survive(tmp_path, broker, subscriber, faults=10, seconds=35, run_s=240, protocol=protocol)


@pytest.mark.soak
def test_two_hundred_faults(tmp_path: Path, broker_and_protocol: tuple[Broker, str], subscriber: Callable[..., Any]) -> None:
    broker, protocol = broker_and_protocol
    figures = survive(tmp_path, broker, subscriber, faults=200, seconds=700, run_s=1200, protocol=protocol)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / f"chaos_{broker.kind}.json").write_text(json.dumps(figures, indent=2) + "\n")
