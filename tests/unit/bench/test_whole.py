"""`bench pipeline` and `bench run`: they run and give their keys; the stand-ins do what they stand for. No timing is expected here."""

from __future__ import annotations

import time

import numpy as np
import pytest

from edge.bench.crowd import walk
from edge.bench.options import PipelineBench, RunBench
from edge.bench.serve import peak_rss_mib
from edge.bench.standins import FirstFrames, MemorySource, SleepingDetector
from edge.bench.whole import bench_pipeline
from edge.data import Size

PICTURES = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((3, 64, 96, 3), np.uint8)


def test_the_pipeline_is_told_beside_its_detector_alone(mosquitto):
    options = PipelineBench(detector_ms=2, size=Size(320, 180), people=3, seconds=0.8, warmup_s=0.4, rounds=1)
    report = bench_pipeline(options, mosquitto.url)
    assert {"detector_fps", "fps", "ratio", "cpu_ms"} <= set(report)
    assert report["ratio"] == pytest.approx(report["fps"] / report["detector_fps"], rel=0.01)


def test_a_memory_source_gives_its_pictures_in_turn_until_its_time_is_over():
    with MemorySource(PICTURES, "a", seconds=0.05) as source:
        frames = list(source)
    assert [frame.stamp.index for frame in frames] == list(range(len(frames)))
    assert [int(frame.bgr[0, 0, 0]) for frame in frames[:4]] == [0, 1, 2, 0]
    assert source.facts.size == frames[0].stamp.size == Size(96, 64)


def test_the_first_frames_of_a_source_are_that_many():
    with FirstFrames(MemorySource(PICTURES, "a", seconds=60), 5) as source:
        assert len(list(source)) == 5


def test_a_sleeping_detector_takes_its_time_and_walks_there_and_back():
    seen = walk(Size(96, 64), 2, 4)
    with MemorySource(PICTURES, "a", seconds=60) as source, SleepingDetector(seen, ms=3) as detector:
        frames = [frame for frame, _ in zip(source, range(8), strict=False)]
        begun_s = time.monotonic()
        found = detector.detect(frames)
    assert time.monotonic() - begun_s >= 8 * 0.003
    assert [d is s for d, s in zip(found, [*seen, *reversed(seen)], strict=True)] == [True] * 8


def test_the_most_memory_is_at_least_what_numpy_takes():
    assert 10 < peak_rss_mib() < 100_000


def test_a_run_over_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"source is .*there is no such file"):
        RunBench(source=tmp_path / "a.mp4", model=tmp_path / "a.onnx")


def test_a_detector_without_time_is_refused():
    with pytest.raises(ValueError, match="detector_ms is 0"):
        PipelineBench(detector_ms=0)
