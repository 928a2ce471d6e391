"""The detector on a GPU beyond what test_device_engine shows: the contract of all detectors, graphs, batches, and what it takes and gives back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.backends import Plan, detector_of
from edge.data import Frame
from edge.detect import DetectOptions
from edge.engine import EngineFile, EngineOptions, build_engine
from edge.ports import Detector
from tests.contracts.test_detectors import test_a_detector_answers_every_frame_of_every_camera_in_order as test_frames_are_answered_in_order
from tests.contracts.test_detectors import test_looking_leaves_the_picture_as_it_was

__all__ = ["test_frames_are_answered_in_order", "test_looking_leaves_the_picture_as_it_was"]

Built = Callable[[str], EngineFile]
Figures = Callable[[str, float], None]


def on_gpu(engine: EngineFile, gpu: Any, *, cuda_graph: bool = False) -> Detector:
    plan = Plan(str(engine.path), engine.plan(), engine.facts.names, engine.facts.tensorrt)
    return detector_of(plan, DetectOptions(cuda_graph=cuda_graph), gpu=gpu)


@pytest.fixture
def detector(built: Built, gpu: Any) -> Iterator[Detector]:
    with on_gpu(built("fp16"), gpu) as opened:
        yield opened


def same(some: Any, others: Any) -> None:
    for mine, theirs in zip(some, others, strict=True):
        np.testing.assert_allclose(mine.xyxy, theirs.xyxy, atol=0.5)
        np.testing.assert_allclose(mine.score, theirs.score, atol=2e-3)


def test_a_recorded_network_finds_what_it_finds_as_it_is(built: Built, gpu: Any, pictures: Sequence[Frame], figures: Figures) -> None:
    pytest.importorskip("cuda.bindings", reason="cuda-python is not installed: no CUDA graphs")
    engine = built("fp16")
    for graph in (False, True):
        with on_gpu(engine, gpu, cuda_graph=graph) as detector:
            found = [detector.detect([one])[0] for one in pictures]
            if not graph:
                expected = found
            began_s = time.perf_counter()
            for one in pictures:
                detector.detect([one])
            figures(f"detect_{'graph' if graph else 'plain'}_ms", (time.perf_counter() - began_s) * 1e3 / len(pictures))
    same(found, expected)


def test_a_batch_finds_what_single_frames_do(onnx: Path, gpu: Any, pictures: Sequence[Frame], tmp_path: Path) -> None:
    from edge.errors import ModelError

    try:
        engine = build_engine(onnx, tmp_path / "batch.engine", EngineOptions(batch=(1, 4)))
    except ModelError as error:
        pytest.skip(f"the ONNX at hand takes no batch: {error}")
    with on_gpu(engine, gpu) as detector:
        assert detector.batch == 4
        same(detector.detect(pictures[:7]), [detector.detect([one])[0] for one in pictures[:7]])


def test_the_gpus_memory_is_given_back(built: Built, gpu: Any, pictures: Sequence[Frame], figures: Figures) -> None:
    """Opened and closed ten times; TensorRT itself keeps what it loads once."""
    import pycuda.driver as cuda

    def free() -> int:
        return int(gpu.device.run(cuda.mem_get_info)[0])

    engine, left = built("fp16"), []
    for _ in range(10):
        with on_gpu(engine, gpu) as detector:
            detector.detect(pictures[:2])
        left.append(free())
    figures("memory_lost_mb", (left[1] - left[-1]) / 1e6)
    assert left[1] - left[-1] < 16e6
