"""What is said when a build cannot be, and what is left of one that was broken off. The builder's process is a fake; TensorRT's is in tests/flow."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from edge.engine import EngineFacts, Progress, build_engine, builder, quantise, write_engine
from edge.errors import DeviceError, ModelError

ROOT = Path(__file__).parents[3]
FAKE = """#!{python}
import json, os, sys, time
sys.path.insert(0, {root!r})
job = json.loads(sys.argv[3])
def say(**line): print(json.dumps(line), flush=True)
{then}
"""
MAKES = """
from pathlib import Path
from edge.engine import EngineFacts, write_engine
say(share=0.5, left_s=3.0, what="Timing")
say(log=20, text="chosen well")
write_engine(Path(job["out"]), EngineFacts(precision="fp16"), b"p" * 100)
say(done="fp16, 3 layers")
"""


@pytest.fixture
def onnx(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("net.onnx")
    path.write_bytes(b"a network")
    return path


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """`fake(then)`: an interpreter whose jobs do `then`."""

    def stand_in(then: str = MAKES) -> Path:
        python = tmp_path / "builder-python"
        python.write_text(FAKE.format(python=sys.executable, root=str(ROOT), then=then))
        python.chmod(0o755)
        monkeypatch.setenv("EDGE_BUILD_PYTHON", str(python))
        return python

    return stand_in


def litter() -> list[str]:
    return [path.name for path in Path().iterdir() if path.name.startswith(".")]


def test_a_build_tells_how_far_it_is_and_what_was_chosen(onnx, fake, caplog):
    fake()
    caplog.set_level(logging.INFO)
    heard: list[Progress] = []
    engine = build_engine(onnx, Path("out.engine"), on_progress=heard.append)
    assert (engine.facts.precision, engine.plan()) == ("fp16", b"p" * 100)
    assert heard == [Progress(0.5, 3.0, "Timing")]
    assert "out.engine: fp16, 3 layers" in caplog.text
    assert "builder: chosen well" in caplog.text
    assert litter() == []


@pytest.mark.parametrize(
    ("then", "kind", "sentence"),
    [
        ('say(error="the node burns", kind="ModelError")', ModelError, "the node burns"),
        ('say(error="no TensorRT", kind="DeviceError")', DeviceError, "no TensorRT"),
        ('say(error="No module named \'onnx\'", kind="missing")', ModelError, "-m pip install onnx"),
        ("os.kill(os.getpid(), 9)", ModelError, "killed, most likely for want of memory"),
        ('print("Segmentation", file=sys.stderr); os.kill(os.getpid(), 11)', ModelError, "ended by SIGSEGV: Segmentation"),
        ('print("bye", file=sys.stderr); sys.exit(3)', ModelError, "ended with code 3: bye"),
        (
            "from edge.engine import job; job.build = None\n"
            "def full(say, **_): raise OSError(28, 'No space left on device', '/x')\n"
            "job._VERBS['build'] = full; job.main(sys.argv[3])",
            ModelError,
            r"^out\.engine cannot be written \(No space left on device\); give another file with -o",
        ),
        ('print("no JSON")', ModelError, "ended with code 0"),
    ],
)
def test_a_failed_build_is_one_sentence_and_the_old_engine_stays(onnx, fake, then, kind, sentence):
    fake(then)
    write_engine(Path("out.engine"), EngineFacts(), b"old" * 100)
    with pytest.raises(kind, match=sentence):
        build_engine(onnx, Path("out.engine"))
    assert builder.read_engine(Path("out.engine")).plan() == b"old" * 100
    assert litter() == []


def test_a_build_ends_when_who_asked_is_killed(onnx, fake, tmp_path, eventually):
    python = fake("""
import threading
from edge.engine.job import _end_with_stdin
threading.Thread(target=_end_with_stdin, daemon=True).start()
open("pid", "w").write(str(os.getpid()))
time.sleep(60)
""")
    asks = "import pathlib; from edge.engine import build_engine; build_engine(pathlib.Path('net.onnx'), pathlib.Path('out.engine'))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGE_BUILD_PYTHON": str(python)}
    with subprocess.Popen([sys.executable, "-c", asks], env=environment, cwd=tmp_path) as asking:
        assert eventually(lambda: Path("pid").exists() and Path("pid").read_text(), 30)
        asking.send_signal(signal.SIGKILL)
    child = Path("/proc") / Path("pid").read_text()
    assert eventually(lambda: not child.exists() or "(zombie)" in (child / "status").read_text(), 10)
    assert not Path("out.engine").exists()
    builder.sweep(Path())
    assert litter() == []


def test_a_builder_that_hangs_is_ended(onnx, fake, monkeypatch):
    fake('say(share=0.1, left_s=None, what="Timing")\ntime.sleep(60)')
    monkeypatch.setattr(builder, "PATIENCE_S", 3.0)
    with pytest.raises(ModelError, match="the builder said nothing for 0 minutes and was ended"):
        build_engine(onnx, Path("out.engine"))
    assert litter() == []


def test_an_interrupt_ends_the_build(onnx, fake):
    fake('say(share=0.1, left_s=None, what="Timing")\ntime.sleep(60)')

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_engine(onnx, Path("out.engine"), on_progress=interrupt)
    assert litter() == []


def test_too_little_disk_is_said_before_anything_begins(onnx, fake, monkeypatch):
    fake("raise SystemExit(9)")
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 1_000_000))
    with pytest.raises(ModelError, match=r"has 1 MB free, and making out\.engine may need 17 MB; make room"):
        build_engine(onnx, Path("out.engine"))


def test_too_little_memory_is_said_before_anything_begins(onnx, fake, monkeypatch):
    fake("raise SystemExit(9)")
    monkeypatch.setattr(builder, "free_memory_mib", lambda: 500)
    with pytest.raises(ModelError, match=r"500 MiB of memory free, and a build needs 1024 MiB or more"):
        build_engine(onnx, Path("out.engine"))


def test_a_workspace_is_no_larger_than_what_is_free(onnx, fake, monkeypatch):
    fake(MAKES + 'open("given", "w").write(str(job["workspace_mib"]))')
    monkeypatch.setattr(builder, "free_memory_mib", lambda: 1524)
    build_engine(onnx, Path("out.engine"))
    assert Path("given").read_text() == "500"


def test_free_memory_is_read_where_there_is_linux():
    assert (builder.free_memory_mib() or 0) > 0


def test_a_place_that_cannot_be_written_is_said(onnx, fake):
    fake()
    with pytest.raises(ModelError, match=r"cannot be written .*give another file with -o"):
        build_engine(onnx, onnx / "out.engine")


def test_what_is_to_be_built_of_nothing_is_said(onnx):
    with pytest.raises(ModelError, match=r"no model file other\.onnx"):
        build_engine(Path("other.onnx"), Path("out.engine"))


def test_an_interpreter_that_is_not_there_is_named(onnx, monkeypatch):
    monkeypatch.setenv("EDGE_BUILD_PYTHON", "/nowhere/python")
    with pytest.raises(ModelError, match=r"/nowhere/python cannot be run .*; set EDGE_BUILD_PYTHON"):
        build_engine(onnx, Path("out.engine"))


def test_quantising_hands_over_the_pictures(onnx, fake):
    fake('open(job["out"], "w").write(job["pictures"]); say(done="int8")')
    quantise(onnx, Path("out.onnx"), Path("pictures"))
    assert Path("out.onnx").read_text() == str(Path("pictures").absolute())
