"""From an ONNX to counts on this GPU: an engine is built, it finds what the CPU finds, it is timed, and a service runs on it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from edge.backends import Plan, detector_of
from edge.data import Frame
from edge.detect import DetectOptions
from edge.engine import EngineFile, compare, read_engine, this_machine
from edge.ports import Detector
from tests.conftest import ROOT

Built = Callable[[str], EngineFile]
Figures = Callable[[str, float], None]

# Least share of boxes that both find, and the mean difference of their scores. The GPU multiplies in TF32 also for fp32.
NEAR = {"fp32": (0.99, 0.005), "fp16": (0.98, 0.01)}


def on_gpu(engine: EngineFile, gpu: Any) -> Detector:
    plan = Plan(str(engine.path), engine.plan(), engine.facts.names, engine.facts.tensorrt)
    return detector_of(plan, DetectOptions(), gpu=gpu)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_an_engine_is_built_that_fits_this_machine(built: Built, precision: str, figures: Figures) -> None:
    began_s = time.monotonic()
    engine = built(precision)
    figures("build_s", time.monotonic() - began_s)
    figures("engine_mb", engine.length / 1e6)
    assert read_engine(engine.path).facts == engine.facts
    assert engine.facts.precision == precision
    assert engine.facts.misfit(this_machine()) == ""


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_engine_finds_what_the_cpu_finds(
    built: Built, gpu: Any, onnx: Path, pictures: Sequence[Frame], precision: str, figures: Figures
) -> None:
    with detector_of(onnx, DetectOptions()) as reference, on_gpu(built(precision), gpu) as candidate:
        agreement = compare(reference, candidate, pictures)
    figures("found_share", agreement.found_share)
    figures("score_shift", agreement.score_shift)
    assert agreement.reference > 50, "nobody is in the pictures, so nothing is shown"
    least_found, most_shift = NEAR[precision]
    assert agreement.found_share >= least_found, str(agreement)
    assert agreement.score_shift <= most_shift, str(agreement)


def test_detecting_is_timed(built: Built, gpu: Any, pictures: Sequence[Frame], figures: Figures) -> None:
    """From pictures in host memory to boxes: upload, letterbox, network, head, download, suppression. Nothing is asserted of the time.

    One frame a call, and as many as the engine takes, which is one where the ONNX's batch is fixed.
    """
    with on_gpu(built("fp16"), gpu) as detector:
        for batch in sorted({1, detector.batch}):
            groups = [pictures[i : i + batch] for i in range(0, len(pictures) - batch + 1, batch)]
            for group in groups[:3]:
                detector.detect(group)
            times_ms = []
            for group in groups * 5:
                began_s = time.perf_counter()
                detector.detect(group)
                times_ms.append((time.perf_counter() - began_s) * 1000)
            figures(f"batch_{batch}_p50_ms", statistics.median(times_ms))
            figures(f"batch_{batch}_p99_ms", statistics.quantiles(times_ms, n=100)[98])
            figures(f"batch_{batch}_frames_per_s", batch * 1000 / statistics.mean(times_ms))


def test_a_service_counts_paints_and_records_on_the_gpu(built: Built, tmp_path: Path, figures: Figures) -> None:
    """`edge run` itself, `backend: cuda`, over a minute of the plaza."""
    engine = built("fp16").path
    camera = {"source": "synthetic://plaza?size=1280x720&fps=15&seconds=20&people=12", "lines": {"gate": [[640, 100], [640, 719]]}}
    whole = {"model": str(engine), "backend": "cuda", "state": str(tmp_path / "state"), "record": {}, "cameras": {"plaza": camera}}
    (tmp_path / "edge.yaml").write_text(json.dumps(whole))  # JSON is YAML
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGE_CACHE": str(tmp_path / "cache" / "models")}
    began_s = time.monotonic()
    command = [sys.executable, "-m", "edge", "run", "-c", "edge.yaml"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    figures("run_s", time.monotonic() - began_s)
    assert list((tmp_path / "state" / "video" / "plaza").glob("*.mp4"))
    assert (tmp_path / "state" / "plaza-heatmap.jpg").stat().st_size > 1000
