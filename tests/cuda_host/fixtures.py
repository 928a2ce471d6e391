"""Fixtures for kernels and device code on the CPU; a test file imports those that it uses. What they hand out is made elsewhere in this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cuda_host.driver import StandIn, standin
from tests.cuda_host.host import ORDERS, HostKernels, need_compiler


@pytest.fixture(scope="session", params=ORDERS)
def host_kernels(request: pytest.FixtureRequest) -> Callable[[str | Path], HostKernels]:
    """`host_kernels("heat.cu").launch(name, grid, block, *arguments)`; every test runs with each order of threads."""
    need_compiler()
    return partial(HostKernels, order=request.param)


@pytest.fixture
def host_cuda() -> Iterator[StandIn]:
    """pycuda over the stand-in driver, work done as late as can be. What the driver noticed fails the test."""
    with standin() as driver:
        yield driver
        assert not driver.faults
