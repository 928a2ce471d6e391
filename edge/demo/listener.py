"""An independent ear at the broker: it hears what a dashboard would, de-duplicates by stream and seq, and adds up what it heard."""

from __future__ import annotations

import json
import threading
from collections import Counter
from types import TracebackType
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from edge.count.tally import Key
from edge.errors import BrokerError


class Listener:
    """Subscribes to one device's topics; a context manager."""

    def __init__(self, url: str, base_topic: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "localhost", parts.port or 1883)
        self._base = base_topic
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{base_topic}/#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._hear
        self._seen: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self.messages: Counter[str] = Counter()
        self.events: list[tuple[float, Key]] = []
        """What was counted, in order: seconds of the camera's time, and what."""

    def __enter__(self) -> Listener:
        try:
            self._client.connect(*self._address)
        except OSError as error:
            raise BrokerError(f"no broker answers at {self._address[0]}:{self._address[1]} ({error})") from error
        self._client.loop_start()
        if not self._subscribed.wait(5):
            raise BrokerError(f"the broker at {self._address[0]}:{self._address[1]} answers no subscription")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        topic = message.topic.removeprefix(self._base + "/")
        with self._lock:
            self.messages[topic] += 1
            if not topic.endswith("/events"):
                return
            event = json.loads(message.payload)
            place = (event["stream"], event["seq"])
            if event["kind"] == "dropped" or place in self._seen:
                return
            self._seen.add(place)
            self.events.append((event["t_ns"] * 1e-9, Key(event["kind"], event["name"], event["class"], event["event"])))
