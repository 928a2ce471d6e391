"""The driver's C interface as the doctor asks it, over a library that only answers. No GPU is here; what pycuda does is tests/cuda_host's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edge.doctor import Machine

LIBRARY = """
#include <stddef.h>
#include <string.h>
int cuInit(unsigned flags) { return CODE; }
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return 0; }
int cuDeviceGetName(char *name, int length, int device) { strncpy(name, "Orin", length); return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)8 << 30; return 0; }
int cuDeviceGetAttribute(int *value, int which, int device) { *value = which == 75 ? 8 : which == 76 ? 7 : which == 18 ? 1 : -1; return 0; }
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """`driver(code)` puts a libcuda in place whose cuInit answers `code`."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here to make a libcuda that only answers")

    def put(code: int) -> Machine:
        source = tmp_path / "libcuda.c"
        source.write_text(LIBRARY.replace("CODE", str(code)))
        command = [compiler, "-shared", "-fPIC", "-o", str(tmp_path / "libcuda.so.1"), str(source)]
        subprocess.run(command, check=True, timeout=60)
        monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
        return Machine()

    return put


def test_the_driver_tells_its_cuda_and_each_gpu(driver) -> None:  # type: ignore[no-untyped-def]
    device = {"name": "Orin", "compute_capability": "8.7", "integrated": True, "memory": 8 << 30}
    assert driver(0).vendors("gpu") == {"cuda": "12.6", "devices": [device]}


@pytest.mark.parametrize(("code", "words"), [(100, "there is no GPU"), (803, "of different versions"), (46, "see cuda.h")])
def test_a_driver_that_does_not_begin_says_why(driver, code: int, words: str) -> None:  # type: ignore[no-untyped-def]
    error = driver(code).vendors("gpu")["error"]
    assert f"cuInit says {code}" in error
    assert words in error


def test_elements_of_gstreamer_are_asked_where_gi_is() -> None:
    answer = Machine().vendors("gstreamer", "appsink", "no-such-element")
    if "version" not in answer:
        assert answer == {"missing": "gi"} or "error" in answer
        return
    assert answer["elements"] in (["appsink"], [])
