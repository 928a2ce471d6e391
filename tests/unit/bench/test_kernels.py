"""`edge bench kernels` where there is no GPU, and what it may be told. What it measures is tested in tests/cuda_host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.bench.options import KernelBench
from edge.data import Size
from tests.conftest import ROOT


def test_without_a_gpu_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "EDGE_CACHE": str(tmp_path), "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "edge", "bench", "kernels", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=180)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("edge: ")
    assert len(done.stderr.splitlines()) == 1
    assert any(word in done.stderr for word in ("no CUDA driver", "no GPU", "pycuda is not installed"))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"repeats": 0}, "repeats is 0, it must be 1 to 1000"),
        ({"launches": 501}, "launches is 501, it must be 1 to 500"),
        ({"batches": (0,)}, "batches is 0, it must be 1 to 64"),
        ({"sizes": (Size(63, 64),)}, "size is 63x64"),
    ],
)
def test_what_cannot_be_measured_is_refused(how: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        KernelBench(**how)
