"""What is known of an engine file before CUDA sees it: ours, Ultralytics', bare plans; cut, changed and foreign ones."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data import Size
from edge.engine import EngineFacts, Machine, read_engine, write_engine
from edge.errors import ModelError

PLAN = bytes(range(256)) * 4
ORIN = Machine("tensorrt", "10.3.0", "Orin", "8.7")
FACTS = EngineFacts(
    onnx="ab" * 32,
    tensorrt="tensorrt",
    tensorrt_version="10.3.0",
    gpu="Orin",
    compute_capability="8.7",
    precision="fp16",
    least=(1, 3, 384, 640),
    best=(4, 3, 384, 640),
    most=(8, 3, 384, 640),
    names=("person", "vélo"),
)


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "a.engine"
    write_engine(path, FACTS, PLAN)
    engine = read_engine(path)
    assert (engine.layout, engine.facts, engine.plan()) == ("edge", FACTS, PLAN)
    assert engine.facts.size == Size(640, 384)
    assert [p.name for p in tmp_path.iterdir()] == ["a.engine"]


@given(length=st.integers(0, 1_000_000), names=st.lists(st.text(max_size=9), max_size=5))
def test_no_part_of_a_file_passes_for_the_whole(tmp_path_factory, length, names):
    path = tmp_path_factory.mktemp("cut") / "a.engine"
    write_engine(path, replace(FACTS, names=tuple(names)), PLAN)
    whole = path.read_bytes()
    path.write_bytes(whole[: length % len(whole)])
    with pytest.raises(ModelError, match=r"is cut|too short"):
        read_engine(path)


def test_a_changed_plan_is_noticed_when_it_is_read(tmp_path):
    path = tmp_path / "a.engine"
    write_engine(path, FACTS, PLAN)
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\0")
    engine = read_engine(path)
    with pytest.raises(ModelError, match=r"a\.engine is damaged"):
        engine.plan()


def test_a_changed_header_is_noticed(tmp_path):
    path = tmp_path / "a.engine"
    write_engine(path, FACTS, PLAN)
    path.write_bytes(path.read_bytes().replace(b'"onnx"', b'"nnnx"'))
    with pytest.raises(ModelError, match="its header cannot be read"):
        read_engine(path)


def test_a_file_of_a_newer_edge_is_said(tmp_path):
    path = tmp_path / "a.engine"
    path.write_bytes(struct.pack("<8sII", b"EDGE-TRT", 9, 2) + b"{}" + PLAN)
    with pytest.raises(ModelError, match="newer version of edge"):
        read_engine(path)


def ultralytics(**text) -> bytes:
    about = json.dumps({"task": "detect", "batch": 2, "imgsz": [384, 640], "names": {"0": "person", "1": "car"}, **text}).encode()
    return struct.pack("<I", len(about)) + about + PLAN


def test_an_engine_of_ultralytics_is_read(tmp_path):
    path = tmp_path / "a.engine"
    path.write_bytes(ultralytics(args={"half": True, "dynamic": False}))
    engine = read_engine(path)
    assert engine.layout == "ultralytics"
    assert engine.plan() == PLAN
    assert engine.facts == EngineFacts(precision="fp16", least=(2, 3, 384, 640), best=(2, 3, 384, 640), most=(2, 3, 384, 640), names=("person", "car"))  # fmt: skip


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (ultralytics()[:-1000], "is cut"),
        (ultralytics(task="segment"), "an engine for segment"),
        (ultralytics(names={"0": "a", "7": "b"}), "cannot be understood"),
        (b"PK\x03\x04" + PLAN, "zip archive"),
        (b"\x08\x08\x12\x07pytorch" + PLAN, "an ONNX"),
        (b"version https://git-lfs.github.com/spec/v1" + PLAN, "Git LFS"),
        (b"", "too short"),
    ],
)
def test_what_is_no_whole_engine_is_said(tmp_path, content, sentence):
    path = tmp_path / "a.engine"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=sentence):
        read_engine(path)


def test_a_missing_engine_is_said(tmp_path):
    with pytest.raises(ModelError, match="there is no engine"):
        read_engine(tmp_path / "a.engine")


def test_a_bare_plan_is_an_engine_of_which_nothing_is_known(tmp_path):
    path = tmp_path / "a.engine"
    path.write_bytes(b"ftrt" + PLAN)
    engine = read_engine(path)
    assert (engine.layout, engine.facts) == ("bare", EngineFacts())
    assert engine.plan() == b"ftrt" + PLAN


def test_an_engine_fits_the_machine_it_was_made_for_and_no_other():
    assert FACTS.misfit(ORIN) == ""
    assert EngineFacts().misfit(ORIN) == ""
    assert "here is tensorrt 10.16.1 on Orin (8.7)" in FACTS.misfit(replace(ORIN, tensorrt_version="10.16.1"))
    for other in (replace(ORIN, gpu="Thor"), replace(ORIN, compute_capability="11.0"), replace(ORIN, tensorrt="tensorrt_rtx")):
        assert FACTS.misfit(other)


def test_a_failed_write_leaves_the_old_engine(tmp_path, monkeypatch):
    path = tmp_path / "a.engine"
    write_engine(path, FACTS, PLAN)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_engine(path, FACTS, b"\0" * 1000)
    assert read_engine(path).plan() == PLAN
    assert [p.name for p in tmp_path.iterdir()] == ["a.engine"]
