"""Fixtures that tests of several rooms share: recorded material, brokers, a subscriber. No test and no expectation lives here."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import hypothesis
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.demo.broker import Broker, Kind, find_mosquitto
from edge.doctor import Machine

ROOT = Path(__file__).parents[1]


@cache
def gpus() -> dict[str, Any]:
    """What the driver says of the GPUs here: ``{"cuda": "13.0", "devices": [...]}``; no `devices` where there are none, and `error` may say why."""
    return Machine().vendors("gpu")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing depends on how fast this machine is. Model files that are made go beside what pytest keeps from run to run, and not into the home."""
    # What is measured is measured in `edge bench`: a slow machine is no failure.
    hypothesis.settings.register_profile("no deadline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.load_profile("no deadline")
    os.environ.setdefault("EDGE_CACHE", str(config.cache.mkdir("models")) if config.cache else "")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What is marked `device` is skipped by its name where no GPU is; where one is, nothing is skipped for it."""
    if item.get_closest_marker("device") and not gpus().get("devices"):
        pytest.skip(f"no NVIDIA GPU here ({gpus().get('error') or 'there is no driver, libcuda.so.1'})")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips, detections and models: `EDGE_SHARED`, or `shared` beside the repository."""
    path = Path(os.environ.get("EDGE_SHARED") or ROOT.parent / "shared").resolve()
    if not (path / "video").is_dir():
        pytest.skip(f"the shared material is not at {path}; set EDGE_SHARED to where it is")
    return path


@pytest.fixture
def mosquitto() -> Iterator[Broker]:
    """A Mosquitto of the test's own, empty; `stop`, `kill` and `start` keep its port, and it remembers nothing."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with Broker("mosquitto") as broker:
        yield broker


@pytest.fixture
def amqtt_broker() -> Iterator[Broker]:
    """An amqtt of the test's own: a second broker, which knows MQTT 3.1.1 only."""
    if find_spec("amqtt") is None:
        pytest.skip("amqtt is not installed")
    with Broker("amqtt") as broker:
        yield broker


def broker_of(request: pytest.FixtureRequest, kind: Kind) -> Broker:
    """The test's own broker of that kind, where a parameter names it."""
    broker: Broker = request.getfixturevalue({"mosquitto": "mosquitto", "amqtt": "amqtt_broker"}[kind])
    return broker


class Heard(NamedTuple):
    topic: str
    payload: bytes
    retain: bool  # the broker had it from before we asked


class Subscriber:
    """Somebody else who listens: an independent client with a thread of its own, that comes back when the broker does.

    `qos` 0 by default: it acknowledges nothing, so what a killed broker had written to it is still read.
    """

    def __init__(self, port: int, topic: str = "#", *, qos: int = 0, v5: bool = False) -> None:
        self._changed = threading.Condition()
        self._heard: list[Heard] = []
        self._subscribed = False
        protocol = MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=protocol)
        self._client.reconnect_delay_set(0.05, 0.05)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos)
        self._client.on_subscribe = lambda *_: self._set(True)
        self._client.on_disconnect = lambda *_: self._set(False)
        self._client.on_message = self._on_message
        self._port = port
        self.content_types: dict[str, str | None] = {}

    def __enter__(self) -> Subscriber:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self.wait_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        # Without a way back to this object the client ends here, and closes its sockets itself; a collector may take the sockets first.
        self._client.on_connect = self._client.on_subscribe = self._client.on_disconnect = self._client.on_message = None

    def _set(self, subscribed: bool) -> None:
        with self._changed:
            self._subscribed = subscribed
            self._changed.notify_all()

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        with self._changed:
            self._heard.append(Heard(message.topic, bytes(message.payload), message.retain))
            self.content_types[message.topic] = getattr(message.properties, "ContentType", None)
            self._changed.notify_all()

    @property
    def heard(self) -> list[Heard]:
        with self._changed:
            return list(self._heard)

    def payloads(self, topic: str) -> list[bytes]:
        """What came on the topics that end with `topic`, in order."""
        return [heard.payload for heard in self.heard if heard.topic.endswith(topic)]

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def wait_ready(self, timeout_s: float = 30) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._subscribed, timeout_s), "the subscriber got no connection"

    def wait_gone(self, timeout_s: float = 30) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._subscribed, timeout_s), "the subscriber is still connected"

    def wait(self, true_of: Callable[[list[Heard]], bool], timeout_s: float = 30) -> bool:
        """Whether `true_of(all that was heard)` became true in time."""
        with self._changed:
            return self._changed.wait_for(lambda: true_of(self._heard), timeout_s)


@pytest.fixture
def subscriber() -> Iterator[Callable[..., Subscriber]]:
    """`subscriber(port, topic="#", qos=0, v5=False)` -> a Subscriber that listens until the test ends."""
    with ExitStack() as stack:
        yield lambda port, topic="#", **how: stack.enter_context(Subscriber(port, topic, **how))


@pytest.fixture
def log_as_before() -> Iterator[None]:
    """A command run in this process sends the log to its own stderr; later tests want to hear it."""
    log = logging.getLogger("edge")
    before = log.handlers[:], log.propagate, log.level
    yield
    log.handlers[:], log.propagate = before[:2]
    log.setLevel(before[2])


@pytest.fixture(scope="session")
def eventually() -> Callable[..., bool]:
    """`eventually(condition, timeout_s=30)` -> whether it became true; for what has no better way to be waited for."""

    def wait(condition: Callable[[], object], timeout_s: float = 30) -> bool:
        until_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > until_s:
                return False
            time.sleep(0.01)
        return True

    return wait


@pytest.fixture
def leaves_nothing(eventually: Callable[..., bool]) -> Callable[..., None]:
    """`leaves_nothing(once, times=10)`: after so many calls this process has the threads and handles that it had after two."""

    def held(what: str) -> int:
        return len(os.listdir(f"/proc/self/{what}"))

    def check(once: Callable[[], None], *, times: int) -> None:
        once()
        once()  # GStreamer keeps a thread or two for the next pipeline
        threads, handles = held("task"), held("fd")
        for _ in range(times):
            once()
        assert eventually(lambda: held("task") <= threads + 1 and held("fd") <= handles, 30), (held("task"), threads, held("fd"), handles)

    return check


@contextmanager
def in_its_thread(run: Callable[[], object], stop: Callable[[], None], timeout_s: float = 60) -> Iterator[threading.Thread]:
    """`run` at work while the block lasts, then `stop`; it must end in time. What ended it before is raised."""
    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001  it is the test's
            failed.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield thread
    finally:
        stop()
        thread.join(timeout_s)
    assert not thread.is_alive()
    if failed:
        raise failed[0]
