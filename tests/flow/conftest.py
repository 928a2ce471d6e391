"""Fixtures that flow tests share: real servers. No test and no expectation lives here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from edge.demo.broker import Broker
from tests.conftest import broker_of
from tests.flow.rtsp_servers import Server, serving


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts RTSP servers, which end with the test."""
    with serving() as serve:
        yield serve


@pytest.fixture(params=["mosquitto 5", "amqtt 3.1.1"])
def broker_and_protocol(request: pytest.FixtureRequest) -> tuple[Broker, str]:
    """A broker of each kind, and the newest version of MQTT that it speaks."""
    kind, protocol = request.param.split()
    return broker_of(request, kind), protocol
