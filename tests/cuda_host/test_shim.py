"""What running kernels on the CPU gives and notices. The product's own kernels have their tests beside this one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cuda_host.host import HostKernels, KernelFault

SAMPLES = Path(__file__).with_name("samples.cu")
Load = Callable[[Path], HostKernels]


@pytest.fixture
def samples(host_kernels: Load) -> HostKernels:
    return host_kernels(SAMPLES)


def test_a_kernel_changes_what_it_was_given(samples: HostKernels) -> None:
    to, a = np.arange(1000, dtype=np.float32), np.full(1000, 0.5, np.float32)
    samples.launch("add", (4,), (256,), to, a, 1000)
    np.testing.assert_array_equal(to, np.arange(1000) + 0.5)


def test_threads_of_a_block_meet_at_barriers(samples: HostKernels) -> None:
    out = np.zeros(1, np.float32)
    samples.launch("sum", (8,), (256,), out, np.arange(2000, dtype=np.float32), 2000)
    assert out[0] == 1999 * 1000


def test_threads_of_a_warp_hear_one_another(samples: HostKernels) -> None:
    sums, thirds = np.zeros(8, np.int32), np.zeros(8, np.int32)
    samples.launch("warps", (1,), (256,), sums, thirds)
    np.testing.assert_array_equal(sums, np.arange(256).reshape(8, 32).sum(axis=1))
    np.testing.assert_array_equal(thirds, (np.arange(256) % 3 == 0).reshape(8, 32).sum(axis=1))


@pytest.mark.parametrize(
    ("kernel", "arguments", "said"),
    [
        ("beyond", (1,), "wrote beside an array"),
        ("far_away", (1,), "outside of the arrays"),
        ("shared_beyond", (8,), r"Index 8 out of bounds.*line \d+"),
        ("leaves_early", (100,), "left before the barrier"),
        ("parts_ways", (100,), "different barriers"),
        ("divides", (0,), "Division by zero"),
    ],
)
def test_a_fault_is_noticed_and_the_next_kernel_runs(samples: HostKernels, kernel: str, arguments: tuple[int, ...], said: str) -> None:
    to = np.zeros(256 if arguments[0] > 1 else 1, np.int32 if kernel == "divides" else np.float32)
    with pytest.raises(KernelFault, match=said):
        samples.launch(kernel, (1,), (256,) if arguments[0] == 100 else (1,), to, *arguments)
    test_threads_of_a_block_meet_at_barriers(samples)


def test_a_read_beyond_the_end_is_noticed(samples: HostKernels) -> None:
    with pytest.raises(KernelFault, match="outside of the arrays"):
        samples.launch("reads_beyond", (1,), (1,), np.zeros(1, np.float32), np.zeros(8, np.float32), 8)


def test_a_write_into_a_read_only_array_is_noticed(samples: HostKernels) -> None:
    to = np.zeros(4, np.float32)
    to.flags.writeable = False
    with pytest.raises(KernelFault, match="read-only"):
        samples.launch("add", (1,), (4,), to, np.ones(4, np.float32), 4)


def test_a_race_gives_other_results_in_another_order(host_kernels: Load) -> None:
    results = []
    for order in ("forward", "reverse"):
        out = np.zeros(256, np.int32)
        HostKernels(SAMPLES, order).launch("races", (1,), (256,), out, 256)
        results.append(out)
    assert not np.array_equal(*results)


def test_shared_memory_that_nobody_wrote_is_no_number(samples: HostKernels) -> None:
    to = np.zeros(1, np.float32)
    samples.launch("shares_nothing", (1,), (1,), to)
    assert np.isnan(to[0])
