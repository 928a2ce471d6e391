"""A running device on a synthetic camera, and somebody who asks it: the material of the request tests. No expectation lives here."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.app import Running, RunOptions, running
from edge.config import parse
from edge.data import Size
from edge.sources.synthetic import plaza_layout
from tests.conftest import in_its_thread

SIZE = Size(320, 180)


def text_of(state: Path, port: int, **more: Any) -> str:
    """A device `flow` with a camera `gate` that never ends; `more` are keys of the configuration."""
    layout = plaza_layout(SIZE)
    camera = {
        "source": f"synthetic://plaza?seed=3&size={SIZE}&fps=15&people=8&seconds=3600",
        "lines": {name: {"from": list(a), "to": list(b)} for name, (a, b) in layout.lines.items()},
        "zones": {name: [list(p) for p in ring] for name, ring in layout.zones.items()},
        "heatmap": {"every_s": 2},
    }
    whole = {
        "device": "flow",
        "state": str(state),
        "model": "scene",
        "counts_every_s": 1,
        "commit_s": 0.1,
        "mqtt": {"url": f"mqtt://127.0.0.1:{port}"},
        "cameras": {"gate": camera},
    }
    return json.dumps({**whole, **more})


@contextmanager
def running_device(text: str, *, realtime: bool = True) -> Iterator[Running]:
    """The device at work in a thread, with a frame or two behind it; stopped at the end. What ended it before is raised."""
    with (
        running(parse(text), RunOptions(realtime=realtime)) as device,
        in_its_thread(device.run, device.device.stop) as thread,
    ):
        until_s = time.monotonic() + 30
        while device.device.cameras[0].frames_done < 5 and thread.is_alive() and time.monotonic() < until_s:
            time.sleep(0.01)
        yield device


class Asker:
    """Somebody with a client of his own who asks and waits, one question after the other."""

    def __init__(self, port: int, *, v5: bool) -> None:
        self.v5 = v5
        self._changed = threading.Condition()
        self._heard: list[MQTTMessage] = []
        protocol = MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=protocol)
        self._client.on_message = self._on_message
        self.topic = f"edge/flow/answer/{uuid.uuid4().hex[:8]}"
        self._ready = threading.Event()
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(self.topic, 1)

    def __enter__(self) -> Asker:
        self._client.loop_start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        if message.topic != self.topic:  # amqtt sometimes hands over what another had asked for
            return
        with self._changed:
            self._heard.append(message)
            self._changed.notify_all()

    def send(
        self,
        verb: str,
        payload: bytes,
        *,
        correlation: bytes | None = None,
        reply_to: str | None = None,
        retain: bool = False,
        qos: int = 1,
    ) -> None:
        """A request as raw as it may be; `reply_to` and `correlation` go as MQTT 5's own."""
        properties = None
        if self.v5 and (reply_to or correlation):
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            if reply_to:
                properties.ResponseTopic = reply_to
            if correlation:
                properties.CorrelationData = correlation
        self._client.publish(f"edge/flow/cmd/{verb}", payload, qos=qos, retain=retain, properties=properties)

    def ask(self, verb: str, timeout_s: float = 10, **fields: Any) -> list[MQTTMessage]:
        """All messages of the answer."""
        id = uuid.uuid4().hex[:8]
        fields = {**fields, "id": id} if self.v5 else {**fields, "id": id, "reply_to": self.topic}
        self.send(verb, json.dumps(fields).encode(), reply_to=self.topic, correlation=b"c" + id.encode())

        def mine() -> list[MQTTMessage]:
            return [message for message in self._heard if json.loads(message.payload).get("id") == id]

        def whole() -> bool:
            return bool(mine()) and len(mine()) >= json.loads(mine()[0].payload).get("chunks", 1)

        with self._changed:
            assert self._changed.wait_for(whole, timeout_s), f"no answer to {verb} {fields}"
            return mine()

    def one(self, verb: str, **fields: Any) -> Any:
        """The only message of the answer, read."""
        (message,) = self.ask(verb, **fields)
        return json.loads(message.payload)

    def forget(self) -> None:
        """What has been heard is of no interest any more."""
        with self._changed:
            self._heard.clear()

    @property
    def heard(self) -> list[MQTTMessage]:
        with self._changed:
            return list(self._heard)
