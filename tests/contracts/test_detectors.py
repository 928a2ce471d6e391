"""What every Detector promises, and the ONNX one in particular: on a real network where there is one, else on a stand-in session.

The stand-in finds the bright rectangle of its input, so that what the detector does around a network is seen from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edge import geometry
from edge.backends.cpu.detector import OnnxDetector
from edge.backends.cuda.detector import TensorRtDetector
from edge.backends.cuda.gpu import Gpu
from edge.data import Frame, HostPixels, Size, Stamp
from edge.detect import DetectOptions
from edge.errors import ModelError, UsageError
from edge.evaluate.detections import RecordedDetections
from edge.ports import Detector
from edge.sources import open_source
from edge.sources.synthetic import PlazaOptions, Scene, SceneDetector
from tests.contracts.standin_network import NAMES, frame, stand_in
from tests.cuda_host.engines import host_tensorrt, plan_of
from tests.cuda_host.fixtures import host_cuda

__all__ = ["host_cuda", "host_tensorrt"]


@pytest.fixture(params=["network", "stand-in", "scene", "recorded", pytest.param("cuda", marks=pytest.mark.system)])
def detector(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Detector]:
    """`cuda` is the GPU's over the stand-in driver and TensorRT; tests/device runs the same tests on a GPU."""
    made: Detector
    gpu = None
    match request.param:
        case "network":
            made = OnnxDetector(request.getfixturevalue("shared") / "models" / "yolo11n.onnx", DetectOptions(threads=1))
        case "stand-in":
            made = stand_in(monkeypatch, (1, 3, 320, 320))[0]
        case "cuda":
            request.getfixturevalue("host_tensorrt")
            gpu = Gpu(request.getfixturevalue("host_cuda").kernels)
            made = TensorRtDetector(gpu, plan_of(batch=(1, 2, 2)), DetectOptions())
        case "scene":
            made = SceneDetector({"a": Scene(PlazaOptions(size=Size(640, 360))), "b": Scene(PlazaOptions(seed=8, size=Size(640, 360)))})
        case _:
            made = RecordedDetections(request.getfixturevalue("shared") / "detections" / "tud-stadtmitte.npz")
    with gpu or nullcontext(), made as opened:
        yield opened


def test_a_detector_answers_every_frame_of_every_camera_in_order(detector: Detector) -> None:
    frames = [
        frame(Size(640, 360), (100, 100, 140, 200), 40, "a"),
        frame(Size(640, 480), None, 41, "b"),
        frame(Size(640, 360), (9, 9, 60, 99), 42, "a"),
    ]
    found = detector.detect(frames)
    assert len(found) == len(frames)
    alone = [detector.detect([one])[0] for one in frames]
    for together, single in zip(found, alone, strict=True):
        np.testing.assert_array_equal(together.xyxy, single.xyxy)
        np.testing.assert_array_equal(together.score, single.score)
    assert detector.detect([]) == []
    assert detector.batch >= 1
    assert all(isinstance(name, str) for name in detector.names)
    for seen in found:
        assert (seen.xyxy[:, 2:] > seen.xyxy[:, :2]).all()
        assert ((seen.score > 0) & (seen.score <= 1)).all()
        assert ((seen.class_id >= 0) & (seen.class_id < len(detector.names))).all()
        assert (np.diff(seen.score) <= 0).all() or isinstance(detector, RecordedDetections)


def test_looking_leaves_the_picture_as_it_was(detector: Detector) -> None:
    one = frame(Size(640, 360), (100, 100, 140, 200))
    before = one.bgr.copy()
    detector.detect([one])
    np.testing.assert_array_equal(one.bgr, before)


@pytest.mark.parametrize("clip", ["tud-stadtmitte", "pets-s2l1"])
def test_a_real_network_finds_what_was_recorded_of_real_pictures(shared: Path, clip: str) -> None:
    options = DetectOptions(conf=0.1, iou=0.7)
    with (
        open_source(str(shared / "video" / f"{clip}.mp4"), camera="a") as source,
        OnnxDetector(shared / "models" / "yolo11n.onnx", options, class_names=["person"]) as network,
        RecordedDetections(shared / "detections" / f"{clip}.npz") as recorded,
    ):
        for one in islice(source, 0, 21, 10):
            with one:
                (found,), (wanted,) = network.detect([one]), recorded.detect([one])
            assert set(found.class_id.tolist()) <= {0}
            sure = wanted.score > 0.4
            overlap = geometry.iou(wanted.xyxy[sure], found.xyxy)
            assert sure.any()
            assert overlap.max(axis=1).min() > 0.9
            np.testing.assert_allclose(found.score[overlap.argmax(axis=1)], wanted.score[sure], atol=0.05)
            assert abs(len(found) - len(wanted)) <= 2


@pytest.mark.parametrize("layout", ["raw", "end-to-end"])
@pytest.mark.parametrize(
    ("network", "picture"),
    [
        (Size(320, 320), Size(1280, 720)),
        (Size(640, 384), Size(1280, 720)),
        (Size(640, 384), Size(480, 640)),
        (Size(320, 192), Size(320, 192)),
        (Size(320, 320), Size(161, 99)),
    ],
)
def test_boxes_come_back_in_the_frames_own_pixels(monkeypatch: pytest.MonkeyPatch, network: Size, picture: Size, layout: str) -> None:
    box = (picture.width // 4, picture.height // 3, picture.width // 2, picture.height - 8)
    made, _ = stand_in(monkeypatch, (1, 3, network.height, network.width), layout=layout)
    with made as detector:
        (found,) = detector.detect([frame(picture, box)])
    assert found.class_id.tolist() == [0]
    step = max(picture.width / network.width, picture.height / network.height, 1)
    np.testing.assert_allclose(found.xyxy[0], box, atol=1.5 * step)


def test_pictures_go_in_as_rgb_in_0_to_1_with_grey_around(monkeypatch: pytest.MonkeyPatch) -> None:
    made, session = stand_in(monkeypatch, (1, 3, 320, 320))
    blue = Frame(Stamp("a", 0, 0, Size(320, 160)), HostPixels(np.full((160, 320, 3), (255, 51, 0), np.uint8)))
    with made as detector:
        detector.detect([frame(Size(160, 320), (0, 0, 9, 9))])  # another shape before: its picture must not stay in the margins
        detector.detect([blue])
    (picture,) = session.tensors[-1]
    np.testing.assert_allclose(
        picture[:, 80:240], np.broadcast_to(np.array([0, 0.2, 1], np.float32)[:, None, None], (3, 160, 320)), atol=1e-6
    )
    np.testing.assert_allclose(picture[:, :80], 114 / 255, atol=1e-6)
    np.testing.assert_allclose(picture[:, 240:], 114 / 255, atol=1e-6)


@pytest.mark.parametrize(("batch", "calls"), [(1, [1, 1, 1]), (2, [2, 2]), (None, [3])])
def test_frames_go_in_as_many_at_once_as_the_network_takes(monkeypatch: pytest.MonkeyPatch, batch: int | None, calls: list[int]) -> None:
    made, session = stand_in(monkeypatch, (batch, 3, 320, 320), half=True)
    wanted = [(40 * k + 20, 50, 40 * k + 60, 150) for k in range(3)]
    with made as detector:
        found = detector.detect([frame(Size(320, 320), box) for box in wanted])
    assert [len(tensor) for tensor in session.tensors] == calls
    np.testing.assert_allclose([seen.xyxy[0] for seen in found], wanted, atol=1)


def test_class_names_are_the_models_or_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for names, wanted in ((str(NAMES), ("person", "dog")), ("['person', 'dog']", ("person", "dog")), (None, ("class0", "class1"))):
        with stand_in(monkeypatch, (1, 3, 320, 320), names=names)[0] as detector:
            assert detector.names == wanted


def test_an_unknown_class_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, (1, 3, 320, 320))
    with pytest.raises(UsageError, match=r"knows no class 'persn'; did you mean 'person'\?"):
        OnnxDetector(Path("stand-in.onnx"), DetectOptions(), class_names=["persn"]).__enter__()


def refused(make: Callable[[], OnnxDetector], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        make().__enter__()


def test_models_that_cannot_be_used_are_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network at all")
    refused(lambda: OnnxDetector(tmp_path / "gone.onnx", DetectOptions()), r"there is no model file .*gone\.onnx; `edge build gone.pt")
    refused(lambda: OnnxDetector(broken, DetectOptions()), r"broken\.onnx is not a readable ONNX model .*; export it again")
    refused(lambda: stand_in(monkeypatch, (1, 3, 320))[0], "is no picture")
    refused(lambda: stand_in(monkeypatch, (1, 1, 320, 320))[0], "is no picture")
    refused(lambda: stand_in(monkeypatch, (1, 3, 320, 320), names="{0: 'a', 1: 'b', 2: 'c'}")[0], "no YOLO detection head of 3 classes")
    refused(lambda: stand_in(monkeypatch, (1, 3, 320, 320), names="os.system('x')")[0], "class names cannot be read")
    refused(lambda: stand_in(monkeypatch, (1, 3, 320, 320), names="{1: 'b'}")[0], "class names cannot be read")
    refused(lambda: stand_in(monkeypatch, (1, 3, 320, 320), names=None, layout="end-to-end")[0], "carries no class names")


def test_a_network_that_fails_on_a_picture_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    made, session = stand_in(monkeypatch, (1, 3, 320, 320))

    def fail(*_: object) -> None:
        raise RuntimeError("out of memory\nand a long trace")

    monkeypatch.setattr(session, "run", fail)
    with made as detector, pytest.raises(ModelError, match=r"failed on a picture of 640x360: out of memory$"):
        detector.detect([frame(Size(640, 360), None)])


def test_a_cut_copy_of_a_real_model_is_refused(shared: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.onnx"
    whole = (shared / "models" / "yolo11n.onnx").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    refused(lambda: OnnxDetector(cut, DetectOptions()), "copy it again if it was cut")
