"""What can be imported without a vendor's library, each in a process of its own. What the vendors do is tested elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

VENDORS = ("cv2", "av", "gi", "tensorrt", "pycuda", "onnxruntime", "paho", "torch", "ultralytics")
PROGRAM = """
import importlib, sys
for name in sys.argv[1].split():
    importlib.import_module(name)
print(*sorted({module.partition(".")[0] for module in sys.modules} & set(sys.argv[2].split())))
"""


def loaded(modules: str) -> list[str]:
    """Which vendors' libraries importing `modules` loads."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, modules, " ".join(VENDORS)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    "modules",
    [
        "edge edge.config",
        "edge.pipeline edge.overlay edge.messages edge.books edge.ports edge.store",
        "edge.sources edge.sinks.options edge.sinks.options_mqtt edge.sources.options",
        "edge.cli",
        "edge.backends.cuda.gpu edge.backends.cuda.kernels edge.backends.cuda.detector",
    ],
)
def test_importing_loads_no_vendors_library(modules: str) -> None:
    assert loaded(modules) == []


def test_this_test_would_notice_one() -> None:
    assert loaded("edge.backends.cpu.detector edge.sinks.mqtt") == ["cv2", "onnxruntime", "paho"]
