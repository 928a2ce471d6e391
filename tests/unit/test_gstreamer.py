"""GStreamer as Python reaches it; what is done with it is tested in the rooms that do it."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.conftest import ROOT

TOGETHER = """
import sys, threading
from edge import gstreamer

sys.setswitchinterval(1e-6)
start, whole = threading.Barrier(6), []

def reach():
    start.wait()
    library = gstreamer.load()
    whole.append((library.GLib.Idle, library.GObject.Value, library.Gst.ElementFactory.find("identity")))

threads = [threading.Thread(target=reach) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(whole))
"""
NOWHERE = """
import sys
sys.modules["gi"] = None
from edge import gstreamer
try:
    gstreamer.load()
except ImportError as error:
    print("ImportError", error)
"""


def said(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.system
@pytest.mark.skipif(find_spec("gi") is None, reason="PyGObject is not in this environment (scripts/pygobject.sh puts it there)")
def test_all_who_reach_for_it_at_once_get_it_whole() -> None:
    assert [said(TOGETHER) for _ in range(4)] == ["6"] * 4


def test_where_it_cannot_be_reached_that_is_an_import_error() -> None:
    assert said(NOWHERE).startswith("ImportError")
