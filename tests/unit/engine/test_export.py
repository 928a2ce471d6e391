"""Which file a model's name means, and what is said where it means none. Exporters are fakes here; the real one is in test_ultralytics_job."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from edge.cli import main
from edge.engine import ExportOptions, export_onnx, resolve_model
from edge.errors import ModelError

FAKE = """
import json, os, pathlib, sys
job = json.loads(sys.argv[2])
pathlib.Path({log!r}).open("a").write(json.dumps(job) + "\\n")
weights = pathlib.Path(job["weights"])
if not weights.exists():
    weights.write_bytes(b"downloaded")
made = weights.with_suffix(".onnx").absolute()
made.write_bytes(b"onnx of " + weights.read_bytes())
{then}
"""
TELLS = 'print(json.dumps({"made": str(made)}))'


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """`fake(then)` stands an interpreter in for the exporter's, which makes a file and does `then`; its jobs are in the returned function."""
    log = tmp_path / "jobs"

    def stand_in(then: str = TELLS):
        script = tmp_path / "fake.py"
        script.write_text(FAKE.format(log=str(log), then=then))
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
        python.chmod(0o755)
        monkeypatch.setenv("EDGE_EXPORT_PYTHON", str(python))
        return lambda: [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    return stand_in


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working folder and a cache of the test's own; no exporter but what a test brings."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EDGE_EXPORT_PYTHON", raising=False)
    monkeypatch.setattr("edge.engine.export.find_spec", lambda _: None)


def test_an_onnx_is_itself():
    Path("a.onnx").write_bytes(b"net")
    assert resolve_model("a.onnx") == Path("a.onnx")


@pytest.mark.parametrize("name", ["yolo11n", "yolo11n.pt"])
def test_a_name_means_the_onnx_beside_it(name):
    Path("yolo11n.onnx").write_bytes(b"net")
    assert resolve_model(name) == Path("yolo11n.onnx")


def test_weights_in_a_folder_mean_the_onnx_in_that_folder():
    Path("models").mkdir()
    Path("models/custom.onnx").write_bytes(b"net")
    assert resolve_model("models/custom.pt") == Path("models/custom.onnx")


def test_an_onnx_older_than_its_weights_is_used_with_a_warning(caplog):
    Path("a.onnx").write_bytes(b"net")
    Path("a.pt").write_bytes(b"weights")
    os.utime("a.onnx", (1, 1))
    assert resolve_model("a.pt") == Path("a.onnx")
    assert "edge build a.pt" in caplog.text


def test_what_was_made_once_is_found_again(fake, tmp_path):
    jobs = fake()
    first = resolve_model("yolo11n")
    assert first == tmp_path / "cache" / "yolo11n.onnx"
    assert first.read_bytes() == b"onnx of downloaded"
    assert resolve_model("yolo11n.pt") == first
    assert [job["weights"] for job in jobs()] == ["yolo11n.pt"]
    assert not list(Path().iterdir())


def test_other_bytes_of_weights_are_another_model(fake):
    jobs = fake()
    Path("a.pt").write_bytes(b"one")
    one = resolve_model("a.pt")
    Path("a.pt").write_bytes(b"two")
    two = resolve_model("a.pt")
    assert one != two
    assert (one.read_bytes(), two.read_bytes()) == (b"onnx of one", b"onnx of two")
    assert len(jobs()) == 2
    assert sorted(path.name for path in one.parent.iterdir()) == sorted([one.name, two.name])


def test_without_an_exporter_one_sentence_names_the_commands():
    with pytest.raises(ModelError, match=r"pip install 'edge-heatmap\[export\]'`, then `edge build yolo11n.pt`"):
        resolve_model("yolo11n")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.onnx", r"no model file a.onnx; `edge build a.pt --format onnx`"),
        ("folder/a.pt", "no model file folder/a.pt"),
        ("folder/a", "no model file folder/a.pt"),
        ("a.engine", "runs on its GPU only"),
        ("a.tflite", "'a.tflite' is no model"),
        ("", "'' is no model"),
    ],
)
def test_what_means_no_model_is_said(name, sentence, fake):
    fake()
    with pytest.raises(ModelError, match=sentence):
        resolve_model(name)


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        ('print(json.dumps({"task": "segment"}))', "a.pt is a segmentation model"),
        ('print(json.dumps({"task": "classify"}))', "a.pt is a classification model"),
        ('print(json.dumps({"error": "the disk burns"}))', "could not be exported by .*: the disk burns"),
        ('print(json.dumps({"error": "No module named \'ultralytics\'"}))', "has no Ultralytics: .*pip install"),
        ('print(json.dumps({"made": "nowhere.onnx"}))', "could not be exported"),
        ("sys.exit(3)", "ended with code 3"),
        ('print("hello")', "ended with code 0"),
    ],
)
def test_a_failed_export_is_one_sentence_and_leaves_nothing(then, sentence, fake, tmp_path):
    fake(then)
    Path("a.pt").write_bytes(b"weights")
    with pytest.raises(ModelError, match=sentence):
        resolve_model("a.pt")
    assert not list((tmp_path / "cache").iterdir())


def test_an_interpreter_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("EDGE_EXPORT_PYTHON", "/nowhere/python")
    with pytest.raises(ModelError, match="/nowhere/python cannot be run"):
        resolve_model("yolo11n")


def test_a_cache_that_cannot_be_written_is_said(fake, monkeypatch):
    fake()
    Path("file").write_bytes(b"")
    monkeypatch.setenv("EDGE_CACHE", "file/cache")
    with pytest.raises(ModelError, match=r"cannot be written .*EDGE_CACHE"):
        resolve_model("yolo11n")


def test_sizes_go_over_as_width_and_height(fake):
    jobs = fake()
    export_onnx(Path("yolo11n.pt"), Path("out/net.onnx"), ExportOptions((640, 384)))
    assert Path("out/net.onnx").is_file()
    assert jobs() == [{"weights": "yolo11n.pt", "width": 640, "height": 384, "free_batch": False}]


@pytest.mark.parametrize("imgsz", [(0, 640), (640, 100), (8192, 640)])
def test_a_size_that_no_network_has_is_refused(imgsz):
    with pytest.raises(ValueError, match="multiple of 32"):
        ExportOptions(imgsz)


def test_build_makes_the_onnx_beside_the_weights_and_says_where(fake, capsys):
    jobs = fake()
    assert main(["build", "yolo11n", "--imgsz", "320x192"]) == 0
    assert capsys.readouterr().out == "yolo11n.onnx\n"
    assert Path("yolo11n.onnx").read_bytes() == b"onnx of downloaded"
    assert jobs()[0]["width"] == 320


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a.onnx", "--format", "onnx"], "is an ONNX already"),
        (["a.pt", "-o", "a.bin"], "has another ending than .onnx"),
        (["a.pt", "--imgsz", "600"], "multiple of 32"),
        (["a.pt", "--imgsz", "x"], "--imgsz x cannot be read"),
        (["a.pt", "--for-size", "1920"], "--for-size 1920 cannot be read"),
        (["a.pt", "--imgsz", "640", "--for-size", "640x480"], "not allowed with"),
        (["a.onnx", "--imgsz", "640", "--format", "onnx"], "there is no model file a.onnx"),
        (["a.onnx", "--imgsz", "640", "-o", "a.onnx"], "would write over a.onnx"),
        (["a.pt", "--format", "x"], "invalid choice"),
        (["a.pt", "--batch", "x"], "--batch x cannot be read"),
        (["a.pt", "--int8"], "needs --calibrate VIDEO"),
        (["a.pt", "--calibrate", "v.mp4"], "--calibrate is for --precision int8 only"),
        (["a.pt", "--int8", "--calibrate", "v.mp4", "-o", "a.onnx"], "would write over the network"),
        (["a.pt", "--precision", "fp16", "--format", "onnx"], "are of an engine"),
        (["a.engine"], "runs on its GPU only"),
    ],
)
def test_wrong_usage_of_build_is_one_sentence(words, sentence, capsys):
    assert main(["build", *words]) in (1, 2)
    said = capsys.readouterr().err
    assert said.startswith("edge: ")
    assert sentence in said
