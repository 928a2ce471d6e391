"""Fifty thousand waiting messages, beside a bare client in the same run: the figures of `edge bench drain`, and that memory does not grow with them."""

from __future__ import annotations

import json

import pytest

from edge.bench.drain import bench_drain
from edge.bench.options import DrainBench
from edge.demo.broker import Broker, Kind
from tests.conftest import broker_of
from tests.flow.test_kill import REPORTS


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_full_outbox_drains_in_constant_memory(mosquitto: Broker, protocol: str) -> None:
    figures = bench_drain(DrainBench(messages=2000, protocol=protocol, rounds=1), mosquitto.url)
    assert figures["messages_s"] > 0
    assert figures["memory_growth_mb"] < 10


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "protocols"), [("mosquitto", ("5", "3.1.1")), ("amqtt", ("3.1.1",))])
def test_fifty_thousand_messages(request: pytest.FixtureRequest, kind: Kind, protocols: tuple[str, ...]) -> None:
    broker = broker_of(request, kind)
    figures = [bench_drain(DrainBench(protocol=protocol), broker.url) for protocol in protocols]
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / f"drain_{broker.kind}.json").write_text(json.dumps(figures, indent=2) + "\n")
    for one in figures:
        assert one["memory_growth_mb"] < 10
        assert one["ratio"] >= 0.7, figures
