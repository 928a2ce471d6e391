"""`bench drain`: how fast a full outbox reaches a broker, beside a bare client that sends the same messages, and whether memory grows with it."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.bench.figures import ratio
from edge.bench.options import DrainBench
from edge.change import Change
from edge.data import Message
from edge.errors import BrokerError
from edge.messages import EventPayload
from edge.runtime import vitals
from edge.store import Store, StoreOutbox

_AT_ONCE = 500
_LIMIT_S = 600.0
_NOBODY = "00000000-0000-0000-0000-000000000000"
_BIRTH, _WILL = Message("status", b"{}", retain=True), Message("status", b"{ }", retain=True)


def bench_drain(options: DrainBench, url: str) -> dict[str, Any]:
    """Messages a second of the product's outbox and publisher, and of paho alone, in turns, to the broker at `url`; memory over the drain."""
    ours: list[float] = []
    bare: list[float] = []
    memory: list[float] = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="edge-bench-") as folder:
            bare.append(options.messages / _bare(options, url))
            with Store(Path(folder) / "edge.db", outbox_rows=options.messages + 1) as store:
                _fill(store, options.messages)
                with StoreOutbox(store.path) as outbox, _sampled(memory):
                    ours.append(options.messages / _ours(options, url, outbox))
    return {
        "messages": options.messages,
        "in_flight": options.in_flight,
        "protocol": options.protocol,
        "messages_s": round(statistics.mean(ours), 1),
        "bare_messages_s": round(statistics.mean(bare), 1),
        "ratio": ratio(statistics.mean(ours), statistics.mean(bare)),
        "memory_growth_mb": round(max(memory), 3),
    }


def _fill(store: Store, messages: int) -> None:
    for first in range(0, messages, _AT_ONCE):
        change = Change("gate", "bench")
        change.outbox = [_event] * min(_AT_ONCE, messages - first)
        store.commit(change)


def _event(stream: str, seq: int) -> Message:
    payload = EventPayload(
        device="bench", stream=stream, seq=seq, boot_id=_NOBODY, camera="gate", kind="line", name="entrance",
        event="in", track=seq, class_name="person", t="2026-01-01T00:00:00.000Z", t_counted="2026-01-01T00:00:00.500Z", t_ns=seq,
        place=(1.0, 2.0),
    )  # fmt: skip
    return Message("gate/events", payload.to_bytes())


def _ours(options: DrainBench, url: str, outbox: StoreOutbox) -> float:
    from edge.sinks.mqtt import MqttPublisher
    from edge.sinks.options_mqtt import MqttOptions

    how = MqttOptions(url=url, in_flight=options.in_flight, protocol=options.protocol)
    properties = {"schema": "1", "stream": _NOBODY}
    began_s = time.perf_counter()
    with MqttPublisher(how, outbox, base_topic="edge/bench", birth=_BIRTH, will=_WILL, user_properties=properties) as publisher:
        if not publisher.drain(_LIMIT_S):
            raise BrokerError(publisher.trouble or f"the broker did not take {options.messages} messages in {_LIMIT_S:g} s")
        return time.perf_counter() - began_s


def _bare(options: DrainBench, url: str) -> float:
    """paho as its documents use it: its own thread, its own queue, every message given at once from memory."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

    from edge.sinks.options_mqtt import MqttOptions

    where = MqttOptions(url=url)
    version = MQTTProtocolVersion.MQTTv5 if options.protocol == "5" else MQTTProtocolVersion.MQTTv311
    client = Client(CallbackAPIVersion.VERSION2, protocol=version)
    client.max_inflight_messages_set(options.in_flight)
    payloads = [_event(_NOBODY, seq).payload for seq in range(1, options.messages + 1)]
    left, over = options.messages, threading.Event()

    def acknowledged(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            over.set()

    client.on_publish = acknowledged
    began_s = time.perf_counter()
    client.connect(where.host, where.port)
    client.loop_start()
    try:
        for payload in payloads:
            client.publish("edge/bench/gate/events", payload, qos=1)
        if not over.wait(_LIMIT_S):
            raise BrokerError(f"the broker did not take {options.messages} messages of a bare client in {_LIMIT_S:g} s")
        return time.perf_counter() - began_s
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def _sampled(growth_mb: list[float]) -> Iterator[None]:
    """Appends how much resident memory rose above what it was when a first second had warmed everything up."""
    over = threading.Event()
    seen: list[int] = []

    def sample() -> None:
        over.wait(1)
        while not over.wait(0.1):
            seen.append(vitals.memory_bytes() or 0)

    thread = threading.Thread(target=sample, name="memory")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        growth_mb.append((max(seen) - seen[0]) / 1e6 if seen else 0.0)
