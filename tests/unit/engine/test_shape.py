"""One network for pictures of another size: the same weights, the same people found; what cannot be made so is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import onnx.version_converter
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from edge.backends.cpu.network import Network
from edge.cli import main
from edge.data import Size
from edge.engine import ExportOptions, export_onnx, model_for
from edge.engine.box import model_in_the_box
from edge.engine.dfl import quickened
from edge.engine.shape import reshaped
from edge.errors import ModelError
from edge.sources.synthetic.options import PlazaOptions
from edge.sources.synthetic.render import Renderer
from edge.sources.synthetic.scene import Scene

ROOT = Path(__file__).parents[3]
ULTRALYTICS = Path(os.environ.get("EDGE_ULTRALYTICS_PYTHON") or ROOT / ".venv-ultralytics" / "bin" / "python")


@pytest.fixture(scope="module")
def box() -> onnx.ModelProto:
    return onnx.load(model_in_the_box())


def own(model: onnx.ModelProto) -> Size:
    _, _, height, width = (dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim)
    return Size(width, height)


def run(model: onnx.ModelProto, picture: np.ndarray, folder: Path) -> np.ndarray:
    onnx.save(model, folder / "network.onnx")
    return Network(folder / "network.onnx", 1).run(picture[None])[0]


def columns(size: Size, of: Size) -> np.ndarray:
    """The columns that cells of a picture of `size` have in the output for one of `of`, in whose corner it lies."""
    kept, first = [], 0
    for stride in (8, 16, 32):
        rows, wide = of.height // stride, of.width // stride
        cells = first + np.arange(rows * wide).reshape(rows, wide)
        kept += cells[: size.height // stride, : size.width // stride].ravel().tolist()
        first += rows * wide
    return np.array(kept)


def test_who_is_seen_in_a_corner_of_the_large_picture_is_seen_in_the_small_one(box: onnx.ModelProto, tmp_path: Path) -> None:
    large = own(box)
    small = Size(large.width - 128, large.height - 96)
    scene = Renderer(Scene(PlazaOptions(size=small, seed=5, people=30)))
    whole = np.full((3, large.height, large.width), 114 / 255, np.float32)
    part = np.ascontiguousarray(scene.paint(9.0)[..., ::-1].transpose(2, 0, 1), np.float32) / np.float32(255)
    whole[:, : small.height, : small.width] = part
    found = run(reshaped(box, small), part, tmp_path)
    wanted = run(box, whole, tmp_path)[:, columns(small, large)]
    assert found.shape == wanted.shape
    seen = found[4] > 0.5
    assert seen.sum() > 50
    # Not to the last digit: beyond two of its edges there is nothing now, where there was grey.
    assert np.abs(found - wanted)[:4, seen].max() < 4
    assert np.median(np.abs(found - wanted)[4, seen]) < 0.05


@settings(max_examples=10)
@given(st.integers(1, 20), st.integers(1, 12))
def test_any_smaller_size_runs_and_keeps_weights_and_names(box: onnx.ModelProto, columns: int, rows: int) -> None:
    size = Size(min(32 * columns, own(box).width), min(32 * rows, own(box).height))
    made = reshaped(box, size)  # which runs it
    assert own(made) == size
    before = {tensor.name: tensor for tensor in box.graph.initializer}
    weights = [tensor for tensor in made.graph.initializer if len(tensor.dims) == 4]
    assert weights
    assert all(tensor == before[tensor.name] for tensor in weights)
    told = {entry.key: entry.value for entry in made.metadata_props}
    assert told["names"] == {entry.key: entry.value for entry in box.metadata_props}["names"]
    assert told["imgsz"] == f"[{size.height}, {size.width}]"


@pytest.mark.parametrize("opset", [17, 18, 21])
def test_boxes_worked_out_in_fewer_steps_are_the_same_boxes(box: onnx.ModelProto, tmp_path: Path, opset: int) -> None:
    model = onnx.version_converter.convert_version(box, opset)
    picture = np.random.default_rng(0).random((3, own(model).height, own(model).width), np.float32)
    quick = quickened(model)
    assert [node.op_type for node in quick.graph.node].count("Softmax") == [node.op_type for node in model.graph.node].count("Softmax") - 1
    np.testing.assert_allclose(run(quick, picture, tmp_path), run(model, picture, tmp_path), rtol=0, atol=5e-4)


def test_boxes_of_enormous_logits_are_still_boxes(box: onnx.ModelProto, tmp_path: Path) -> None:
    """A softmax of hundreds must not overflow."""
    scaled = onnx.ModelProto()
    scaled.CopyFrom(box)
    softmax = next(node for node in scaled.graph.node if "dfl" in node.name and node.op_type == "Softmax")
    scaled.graph.initializer.append(numpy_helper.from_array(np.float32(1000), "thousand"))
    place = list(scaled.graph.node).index(softmax)
    scaled.graph.node.insert(place, helper.make_node("Mul", [softmax.input[0], "thousand"], ["enormous"]))
    scaled.graph.node[place + 1].input[0] = "enormous"
    picture = np.random.default_rng(0).random((3, own(box).height, own(box).width), np.float32)
    np.testing.assert_allclose(run(quickened(scaled), picture, tmp_path), run(scaled, picture, tmp_path), rtol=0, atol=5e-2)


def test_a_network_with_another_head_is_left_as_it_is() -> None:
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 4])
    out = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 4])
    other = helper.make_model(helper.make_graph([helper.make_node("Softmax", ["x"], ["y"], axis=1)], "other", [value], [out]))
    assert quickened(other) is other


def test_what_no_smaller_network_is_is_refused(box: onnx.ModelProto) -> None:
    larger = Size(own(box).width, own(box).height + 32)
    with pytest.raises(ModelError, match=f"takes pictures of {own(box)}, and can be made to take smaller ones, not of {larger}"):
        reshaped(box, larger)
    with pytest.raises(ModelError, match="both must be multiples of 32"):
        reshaped(box, Size(100, 96))


def test_a_network_that_is_no_yolo11_is_refused(box: onnx.ModelProto) -> None:
    other = onnx.ModelProto()
    other.CopyFrom(box)
    other.graph.output[0].type.tensor_type.shape.dim[-1].dim_value = 300
    with pytest.raises(ModelError, match="no column for each of the"):
        reshaped(other, Size(320, 192))


def test_a_network_that_still_asks_for_its_old_size_is_refused(box: onnx.ModelProto) -> None:
    other, whole = onnx.ModelProto(), own(box)
    other.CopyFrom(box)
    picture = numpy_helper.from_array(np.zeros((1, 3, whole.height, whole.width), np.float32), "of_one_size")
    other.graph.initializer.append(picture)
    other.graph.node.insert(0, helper.make_node("Add", ["images", "of_one_size"], ["added"]))
    other.graph.node[1].input[0] = "added"
    with pytest.raises(ModelError, match="it does not run on pictures of 320x192"):
        reshaped(other, Size(320, 192))


def test_one_that_was_made_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))
    first = model_for(model_in_the_box(), Size(320, 192))
    made = first.stat().st_mtime_ns
    assert model_for(model_in_the_box(), Size(320, 192)) == first
    assert first.stat().st_mtime_ns == made
    assert own(onnx.load(first)) == Size(320, 192)
    with pytest.raises(ModelError, match=r"plaza.onnx: it takes pictures of \S+, and can be made to take smaller ones, not of 960x960"):
        model_for(model_in_the_box(), Size(960, 960))
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [first.name]


def test_build_makes_one_for_a_cameras_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.onnx").write_bytes(model_in_the_box().read_bytes())
    assert main(["build", "a.onnx", "--imgsz", "320x192", "--format", "onnx"]) == 0
    assert capsys.readouterr().out == "a-320x192.onnx\n"
    assert own(onnx.load("a-320x192.onnx")) == Size(320, 192)


@pytest.mark.system
@pytest.mark.timeout(300)
@pytest.mark.skipif(not ULTRALYTICS.is_file(), reason=f"no Ultralytics at {ULTRALYTICS}; scripts/ultralytics_env.sh makes it")
def test_it_is_to_the_last_bit_what_the_exporter_makes_for_that_size(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_EXPORT_PYTHON", str(ULTRALYTICS))
    whole = onnx.load(shared / "models" / "yolo11n.onnx")
    rng = np.random.default_rng(0)
    for size in (Size(640, 384), Size(480, 640)):
        export_onnx(shared / "models" / "yolo11n.pt", tmp_path / "theirs.onnx", ExportOptions(size))
        picture = rng.random((3, size.height, size.width), np.float32)
        theirs = Network(tmp_path / "theirs.onnx", 1).run(picture[None])[0]
        np.testing.assert_array_equal(run(reshaped(whole, size), picture, tmp_path), theirs)
