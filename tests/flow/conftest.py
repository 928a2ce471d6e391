"""Fixtures that flow tests share: real servers. No test and no expectation lives here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.flow.rtsp_servers import Server, serving


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts RTSP servers, which end with the test."""
    with serving() as serve:
        yield serve
