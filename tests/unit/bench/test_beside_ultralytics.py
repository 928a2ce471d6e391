"""Each measurement runs beside a real Ultralytics and gives its ratios; over a real file it runs with and without. No timing is expected here."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edge.bench.frame import bench_frame, bench_track
from edge.bench.options import FrameBench, PipelineBench, RunBench, Theirs, TrackBench
from edge.bench.whole import bench_pipeline, bench_run
from edge.cli import main
from edge.data import Size

ROOT = Path(__file__).parents[3]
PYTHON = Path(os.environ.get("EDGE_ULTRALYTICS_PYTHON") or ROOT / ".venv-ultralytics" / "bin" / "python")

no_ultralytics = pytest.mark.skipif(not PYTHON.is_file(), reason=f"no Ultralytics at {PYTHON}; scripts/ultralytics_env.sh makes it")


@pytest.fixture
def theirs(shared) -> Theirs:
    compat = Path(os.environ.get("EDGE_TV_COMPAT") or shared / "tensorrt" / "tv_compat.py")
    return Theirs(PYTHON, compat if compat.is_file() else None)


@pytest.mark.system
@no_ultralytics
def test_a_frame_and_tracking_beside_theirs(theirs):
    frame = bench_frame(FrameBench(size=Size(320, 180), people=4, frames=12, warmup=6, blocks=2), theirs)
    total_ms = frame["total_ms"]["mean"], frame["ultralytics"]["total_ms"]["mean"]
    assert frame["vs_ultralytics"] == pytest.approx(total_ms[0] / total_ms[1], rel=0.01)
    track = bench_track(TrackBench(people=(3,), frames=10, warmup=2, blocks=2), theirs)
    assert track["3"]["vs_ultralytics"] > 0


@pytest.mark.system
@no_ultralytics
def test_a_pipeline_beside_theirs(theirs):
    options = PipelineBench(detector_ms=2, size=Size(320, 180), people=3, seconds=0.6, warmup_s=0.3, rounds=1)
    report = bench_pipeline(options, None, theirs)
    assert report["vs_ultralytics"] == pytest.approx(report["fps"] / report["ultralytics"]["fps"], rel=0.01)


@pytest.mark.system
@no_ultralytics
def test_a_run_beside_theirs(shared, theirs):
    options = RunBench(source=shared / "video" / "pets-s2l1.mp4", model=shared / "models" / "yolo11n.onnx", threads=1, frames=3, rounds=1)
    report = bench_run(options, theirs)
    for name in ("fps", "import_s", "rss_mib"):
        assert report[name] > 0
        assert report["ultralytics"][name] > 0
    assert {"vs_ultralytics", "import_vs_ultralytics", "rss_vs_ultralytics"} <= set(report)


def test_a_run_over_a_real_file_is_told_in_json(shared, capsys):
    words = ["--source", str(shared / "video" / "pets-s2l1.mp4"), "--model", str(shared / "models" / "yolo11n.onnx"), "--frames", "3"]
    assert main(["bench", "run", *words, "--rounds", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["run"]
    assert report["frames"] == 3
    assert min(report["fps"], report["import_s"], report["rss_mib"]) > 0


def test_a_frame_is_told_in_json_and_in_a_table(capsys):
    words = ["bench", "frame", "--size", "320x180", "--people", "2", "--frames", "8"]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frame"]["total_ms"]["mean"] > 0
    assert main(words) == 0
    assert "frame.total_ms" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["frame", "--size", "12"],
        ["frame", "--people", "-3"],
        ["run", "--source", "a", "--model", "b"],
        ["track", "--vs-ultralytics", "nowhere"],
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(words, capsys):
    assert main(["bench", *words]) == 2
    assert capsys.readouterr().err.startswith("edge: ")
