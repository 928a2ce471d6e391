"""Every kernel compiles for the GPUs that are meant, without a warning, a stack or a spill, and takes what registers.md says. Nothing is run."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from edge.backends.cuda.kernels import HERE, signatures
from edge.backends.cuda.nvcc import find_nvcc, nvcc_version
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def nvcc() -> Path:
    found = find_nvcc()
    if found is None:
        pytest.skip("nvcc is not installed: kernels are not compiled for GPUs")
    return found


@pytest.fixture(scope="module")
def make_registers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_registers", ROOT / "scripts" / "make_registers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


def test_kernels_compile_for_orin_hopper_and_thor_and_take_what_the_table_says(nvcc: Path, make_registers: ModuleType) -> None:
    every = make_registers.all_needs(nvcc)
    assert {file: set(kernels) for file, kernels in every.items()} == {
        path.name: set(signatures(path.read_text())) for path in HERE.glob("*.cu")
    }
    for file, kernels in every.items():
        for kernel, on in kernels.items():
            for arch, need in on.items():
                assert (need.stack_bytes, need.spilled_bytes) == (0, 0), f"{kernel} of {file} spills on {arch}"
                assert need.shared_bytes <= 48 << 10, f"{kernel} of {file} needs more shared memory on {arch} than every block may have"
    written = make_registers.TABLE.read_text()
    version = nvcc_version(nvcc)
    if f"nvcc {version}," not in written:
        pytest.skip(f"the table was written with another nvcc than {version}: its numbers are not compared")
    assert written == make_registers.table(every, version), "run scripts/make_registers.py"


def test_the_table_names_every_kernel() -> None:
    named = re.findall(r"^\| (\w+\.cu) \| `(\w+)` \|", (HERE / "registers.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted((path.name, kernel) for path in HERE.glob("*.cu") for kernel in signatures(path.read_text()))
