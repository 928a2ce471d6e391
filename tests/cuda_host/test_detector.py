"""The detector on the GPU against the CPU's, over the stand-in driver: the kernels are ours, the network is the same ONNX. No GPU is here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edge import geometry
from edge.backends.cpu import detector as cpu
from edge.backends.cpu.detector import OnnxDetector
from edge.backends.cpu.network import Network
from edge.backends.cuda import detector as module
from edge.backends.cuda.detector import TensorRtDetector
from edge.backends.cuda.gpu import Gpu
from edge.backends.plan import Plan
from edge.data import Detections, Frame, HostPixels, Size, Stamp
from edge.detect import DetectOptions
from edge.errors import DeviceError, ModelError, UsageError
from edge.sources import open_source
from tests.contracts.standin_network import frame
from tests.cuda_host.driver import ILLEGAL_ADDRESS, StandIn
from tests.cuda_host.engines import host_tensorrt, plan_of
from tests.cuda_host.tensorrt_standin import plans

__all__ = ["host_tensorrt"]
pytestmark = pytest.mark.system
TRT = ModuleType


@pytest.fixture
def gpu(host_tensorrt: TRT, host_cuda: StandIn) -> Iterator[Gpu]:
    with Gpu(host_cuda.kernels) as opened:
        yield opened
    assert not host_cuda.held
    assert not host_cuda.reclaimed


@pytest.fixture(scope="module")
def real_frames(shared: Path) -> list[Frame]:
    """A hundred frames of both clips, in turns, so that a batch holds pictures of two sizes."""
    frames: list[list[Frame]] = []
    for clip, step in (("tud-stadtmitte", 3), ("pets-s2l1", 12)):
        with open_source(str(shared / "video" / f"{clip}.mp4"), camera=clip) as source:
            frames.append([Frame(one.stamp, HostPixels(one.bgr.copy())) for one in islice(source, 0, 50 * step, step)])
    return [one for pair in zip(*frames, strict=True) for one in pair]


class HalfNetwork:
    """The ONNX as ONNX Runtime would run it if its input were float16."""

    half = True

    def __init__(self, path: Path) -> None:
        self._whole = Network(path, 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def run(self, tensor: np.ndarray) -> np.ndarray:
        assert tensor.dtype == np.float16
        return self._whole.run(tensor.astype(np.float32))


@pytest.fixture(scope="module", params=[False, True], ids=["fp32", "fp16"])
def wanted(request: pytest.FixtureRequest, shared: Path, real_frames: list[Frame]) -> tuple[bool, list[Detections]]:
    """Whether the input is float16, and what the CPU finds in the frames then."""
    path = shared / "models" / "yolo11n.onnx"
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            half = HalfNetwork(path)
            patch.setattr(cpu, "Network", lambda *_: half)
        with OnnxDetector(path, DetectOptions(threads=1)) as detector:
            return request.param, detector.detect(real_frames)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("batch", [1, 4, (1, 1, 1), (1, 4, 4)], ids=["static 1", "static 4", "dynamic 1", "dynamic to 4"])
def test_a_hundred_real_frames_give_the_cpus_boxes(
    gpu: Gpu, shared: Path, real_frames: list[Frame], wanted: tuple[bool, list[Detections]], batch: Any
) -> None:
    assert len(real_frames) == 100
    half_in, expected = wanted
    onnx = (shared / "models" / "yolo11n.onnx").read_bytes()
    names = tuple(f"class{number}" for number in range(80))
    plan = plan_of(onnx, batch=batch, half_in=half_in, class_names=names)
    if isinstance(batch, tuple) and batch[2] == 1:
        plan = plan_of(onnx, batch=1, free_size=(320, 640), half_in=half_in, class_names=names)
    with TensorRtDetector(gpu, plan, DetectOptions()) as detector:
        found = detector.detect(real_frames)
    assert sum(map(len, expected)) > 500
    worst_iou, worst_score = 1.0, 0.0
    for mine, theirs in zip(found, expected, strict=True):
        near_the_threshold = 2e-3
        for some, others in ((mine, theirs), (theirs, mine)):
            sure = some.score > DetectOptions().conf + near_the_threshold
            same = geometry.iou(some.xyxy, others.xyxy) * (some.class_id[:, None] == others.class_id[None])
            if sure.any():
                worst_iou = min(worst_iou, float(same[sure].max(axis=1).min()))
                worst_score = max(worst_score, float(np.abs(some.score - others.score[same.argmax(axis=1)])[sure].max()))
    print(f"IoU {worst_iou:.5f}, score {worst_score:.6f}")
    assert worst_iou >= 0.99
    assert worst_score <= 1e-3


@pytest.mark.parametrize("layout", ["raw", "end-to-end"])
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(
    ("network", "picture"),
    [((320, 320), Size(1280, 720)), ((320, 192), Size(480, 640)), ((320, 192), Size(320, 192)), ((320, 320), Size(161, 99))],
)
def test_boxes_come_back_in_the_frames_own_pixels(gpu: Gpu, network: tuple[int, int], picture: Size, half: bool, layout: str) -> None:
    box = (picture.width // 4, picture.height // 3, picture.width // 2, picture.height - 8)
    head = (6, 10) if layout == "raw" else (10, 6)
    plan = plan_of(network=network, head=head, half_in=half, half_out=half)
    with TensorRtDetector(gpu, plan, DetectOptions()) as detector:
        (found,) = detector.detect([frame(picture, box)])
    assert found.class_id.tolist() == [0]
    step = max(picture.width / network[0], picture.height / network[1], 1)
    np.testing.assert_allclose(found.xyxy[0], box, atol=1.5 * step)


@pytest.mark.parametrize("batch", [1, 3, 4, (1, 2, 4), (2, 4, 8)])
def test_any_number_of_frames_is_answered_in_order(gpu: Gpu, batch: Any) -> None:
    boxes = [(20 + 7 * k, 50, 60 + 7 * k, 150) for k in range(9)]
    with TensorRtDetector(gpu, plan_of(batch=batch), DetectOptions()) as detector:
        for count in (1, 9, 4, 2, 5):
            found = detector.detect([frame(Size(320, 320), box, k) for k, box in enumerate(boxes[:count])])
            np.testing.assert_allclose([seen.xyxy[0] for seen in found], boxes[:count], atol=1)
        assert detector.detect([]) == []


def test_more_boxes_than_the_first_download_holds_all_come(gpu: Gpu, host_tensorrt: TRT) -> None:

    options = DetectOptions(max_det=10_000, iou=1)
    with TensorRtDetector(gpu, plan_of(plans.CROWD, network=(320, 320), head=(6, 3000), batch=2), options) as detector:
        found = detector.detect([frame(Size(320, 320), None, k) for k in range(2)])
    from edge.detect import read_head

    expected = read_head(plans.crowd((6, 3000)), "raw", options)
    assert len(expected) > module._FIRST
    for seen in found:
        np.testing.assert_allclose(seen.xyxy, np.clip(expected.xyxy, 0, 320))
        np.testing.assert_array_equal(seen.score, expected.score)


def test_classes_that_nobody_wants_stay_on_the_gpu(gpu: Gpu) -> None:
    one = frame(Size(320, 320), (20, 50, 60, 150))
    for wanted, count in ((["person"], 1), (["dog"], 0), (["dog", "person"], 1), ([], 1)):
        with TensorRtDetector(gpu, plan_of(), DetectOptions(), class_names=wanted) as detector:
            assert [len(seen) for seen in detector.detect([one])] == [count]
    with pytest.raises(UsageError, match=r"test\.engine knows no class 'persn'; did you mean 'person'\?"):
        TensorRtDetector(gpu, plan_of(), DetectOptions(), class_names=["persn"]).__enter__()


def test_a_bare_plan_numbers_its_classes(gpu: Gpu) -> None:
    with TensorRtDetector(gpu, plan_of(class_names=()), DetectOptions()) as detector:
        assert detector.names == ("class0", "class1")
    with pytest.raises(ModelError, match=r"test\.engine: it carries no class names"):
        TensorRtDetector(gpu, plan_of(class_names=(), head=(10, 6)), DetectOptions()).__enter__()
    with pytest.raises(ModelError, match=r"test\.engine: .* is no YOLO detection head of 3 classes"):
        TensorRtDetector(gpu, plan_of(class_names=("a", "b", "c")), DetectOptions()).__enter__()


def test_a_free_network_size_is_the_users_or_the_one_that_the_engine_was_tuned_for(gpu: Gpu) -> None:
    plan = plan_of(free_size=(160, 640))
    for imgsz, size in ((None, Size(320, 320)), (640, Size(640, 640)), ((640, 384), Size(640, 384))):
        with TensorRtDetector(gpu, plan, DetectOptions(imgsz=imgsz)) as detector:
            assert detector._size == size
            (found,) = detector.detect([frame(Size(1280, 720), (400, 100, 500, 400))])
            np.testing.assert_allclose(found.xyxy[0], (400, 100, 500, 400), atol=6)
    with pytest.raises(ModelError, match=r"takes 1x3x160x160 to 1x3x640x640, not 1x3x800x800"):
        TensorRtDetector(gpu, plan, DetectOptions(imgsz=800)).__enter__()


def test_nothing_is_allocated_after_the_first_frames(gpu: Gpu, host_cuda: StandIn) -> None:
    with TensorRtDetector(gpu, plan_of(batch=(1, 2, 2)), DetectOptions()) as detector:
        sizes = {"a": Size(640, 360), "b": Size(320, 240)}

        def look(index: int) -> None:
            detector.detect([frame(size, (50, 50, 90, 150), index, camera) for camera, size in sizes.items()][: 1 + index % 2])

        for index in range(12):
            look(index)
        before = host_cuda.calls
        for index in range(12, 40):
            look(index)
        taking = ("cuMemAlloc_v2", "cuMemHostAlloc", "cuEventCreate", "cuStreamCreate", "cuModuleLoadDataEx")
        assert {name: host_cuda.calls.get(name) for name in taking} == {name: before.get(name) for name in taking}


def test_the_same_frame_is_uploaded_once(gpu: Gpu, host_cuda: StandIn) -> None:
    with TensorRtDetector(gpu, plan_of(), DetectOptions()) as detector:
        one = frame(Size(320, 320), (20, 50, 60, 150))
        detector.detect([one])
        uploads = host_cuda.calls["cuMemcpyHtoDAsync_v2"]
        detector.detect([one])
        assert host_cuda.calls["cuMemcpyHtoDAsync_v2"] == uploads + 1  # only the table of where pictures lie


CALLS = ("Runtime", "deserialize_cuda_engine", "create_execution_context", "set_input_shape", "set_tensor_address", "execute_async_v3")


def failure(run: Callable[[], None]) -> DeviceError | ModelError | None:
    """How it failed; None where it did not."""
    try:
        run()
    except (DeviceError, ModelError) as error:
        return error
    return None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_call_of_tensorrt_that_fails_is_one_sentence_and_all_is_given_back(
    host_tensorrt: TRT, host_cuda: StandIn, call: str, number: int
) -> None:
    host_tensorrt.failing[call] = number

    def run() -> None:
        with Gpu(host_cuda.kernels) as gpu, TensorRtDetector(gpu, plan_of(batch=(1, 2, 2)), DetectOptions()) as detector:
            for count in (2, 1, 2):
                detector.detect([frame(Size(320, 320), None, k) for k in range(count)])

    error = failure(run)
    if host_tensorrt.called.get(call, 0) >= number:
        assert "injected" in str(error)
        assert "\n" not in str(error)
    assert not host_tensorrt.alive
    assert not host_cuda.held
    assert not host_cuda.reclaimed


@pytest.mark.parametrize(
    "function", ["cuLaunchKernel", "cuMemAlloc_v2", "cuMemHostAlloc", "cuModuleLoadDataEx", "cuEventSynchronize", "cuMemcpyDtoHAsync_v2"]
)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_call_of_the_driver_that_fails_is_one_sentence_and_all_is_given_back(
    host_tensorrt: TRT, host_cuda: StandIn, function: str, call: int
) -> None:
    host_cuda.fail(function, call)

    def run() -> None:
        with Gpu(host_cuda.kernels) as gpu, TensorRtDetector(gpu, plan_of(), DetectOptions()) as detector:
            for index in range(3):
                detector.detect([frame(Size(320, 320), None, index)])

    error = failure(run)
    if host_cuda.calls.get(function, 0) >= call:
        assert "failed" in str(error)
        assert "\n" not in str(error)
    assert not host_tensorrt.alive
    assert not host_cuda.held


def test_a_gpu_that_is_lost_says_why_and_closes(host_tensorrt: TRT, host_cuda: StandIn) -> None:
    said = []
    with Gpu(host_cuda.kernels) as gpu, TensorRtDetector(gpu, plan_of(), DetectOptions()) as detector:
        detector.detect([frame(Size(320, 320), None)])
        host_cuda.fail("cuLaunchKernel", host_cuda.calls["cuLaunchKernel"] + 1, error=ILLEGAL_ADDRESS, stays=True)
        for _ in range(2):
            with pytest.raises(DeviceError) as caught:
                detector.detect([frame(Size(320, 320), None)])
            said.append(str(caught.value))
    assert said[0] == said[1]
    assert "illegal memory access" in said[0]
    assert not host_tensorrt.alive


def test_a_frame_whose_stamp_says_another_size_is_refused_before_it_is_read(gpu: Gpu) -> None:
    wrong = Frame(Stamp("a", 0, 0, Size(640, 360)), HostPixels(np.zeros((100, 100, 3), np.uint8)))
    with (
        TensorRtDetector(gpu, plan_of(), DetectOptions()) as detector,
        pytest.raises(ValueError, match="is stamped 640x360 and its picture is 100x100"),
    ):
        detector.detect([wrong])


def test_an_engine_that_is_none_is_refused_by_its_name(gpu: Gpu) -> None:
    with pytest.raises(ModelError, match=r"^shop\.engine is no engine for TensorRT"):
        TensorRtDetector(gpu, Plan("shop.engine", b"nothing" * 40), DetectOptions()).__enter__()
