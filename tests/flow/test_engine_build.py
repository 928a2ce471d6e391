"""yolo11n.pt to ONNX to engines by TensorRT for RTX, which builds without a GPU; what is said of networks and files that are wrong.

It takes TensorRT's parser, its strongly typed networks, profiles, Q/DQ and its checks of files; no engine runs here, and none is an Orin's.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from edge.app.quantise import agreement
from edge.cli import main
from edge.engine import EngineFile, EngineOptions, Progress, build_engine, read_engine
from edge.engine.file import sha256_of
from edge.errors import ModelError

ROOT = Path(__file__).parents[2]
TENSORRT = Path(os.environ.get("EDGE_TENSORRT_PYTHON") or ROOT / ".venv-tensorrt-rtx" / "bin" / "python")
ULTRALYTICS = Path(os.environ.get("EDGE_ULTRALYTICS_PYTHON") or ROOT / ".venv-ultralytics" / "bin" / "python")
GPU = "8.9"  # not here; TensorRT for RTX builds for it all the same

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("engines"),  # what is exported is exported once
    pytest.mark.skipif(not TENSORRT.is_file(), reason=f"no TensorRT for RTX at {TENSORRT}; scripts/tensorrt_rtx_env.sh makes it"),
    pytest.mark.skipif(not ULTRALYTICS.is_file(), reason=f"no Ultralytics at {ULTRALYTICS}; scripts/ultralytics_env.sh makes it"),
]


@pytest.fixture(scope="module", autouse=True)
def interpreters():
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("EDGE_BUILD_PYTHON", str(TENSORRT))
        monkeypatch.setenv("EDGE_EXPORT_PYTHON", str(ULTRALYTICS))
        monkeypatch.setattr("edge.app.quantise._PICTURES", 330)
        monkeypatch.setattr("edge.app.quantise._HELD_OUT", 40)
        yield


@pytest.fixture(scope="module")
def made(shared, interpreters, tmp_path_factory) -> Path:
    """A folder with yolo11n.pt, and of it: yolo11n.onnx, yolo11n.engine in float16, yolo11n-int8.onnx and yolo11n-int8.engine, all of 320x256."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "yolo11n.pt").write_bytes((shared / "models" / "yolo11n.pt").read_bytes())
    build(folder / "yolo11n.pt", "--imgsz", "320x256")
    video = str(shared / "video" / "pets-s2l1.mp4")
    build(folder / "yolo11n.onnx", "--int8", "-o", str(folder / "yolo11n-int8.engine"), "--calibrate", video)
    return folder


def build(model: Path, *words: str) -> int:
    return main(["build", str(model), "--compute-capability", GPU, *words])


def tensorrt_says(engine: Path, offset: int = 0) -> str:
    """What TensorRT logs when it is to load a file from `offset` on, without a GPU."""
    program = """if True:
        import sys, tensorrt_rtx as trt
        class Log(trt.ILogger):
            def log(self, severity, text): print(text)
        log = Log()
        print(trt.Runtime(log).deserialize_cuda_engine(open(sys.argv[1], "rb").read()[int(sys.argv[2]):]))
    """
    words = [str(TENSORRT), "-c", program, str(engine), str(offset)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False).stdout


def changed(onnx: Path, out: Path, program: str) -> Path:
    """`onnx` with a change, made where the onnx library is: `program` changes `model`."""
    whole = f"import onnx, sys\nfrom onnx import helper\nmodel = onnx.load(sys.argv[1])\n{program}\nonnx.save(model, sys.argv[2])\n"
    subprocess.run([str(TENSORRT), "-c", whole, str(onnx), str(out)], check=True, timeout=60)
    return out


def test_float16_is_the_default_and_the_engine_says_what_it_is(made):
    engine = read_engine(made / "yolo11n.engine")
    facts = engine.facts
    assert (engine.layout, facts.precision, facts.least, facts.most) == ("edge", "fp16", (1, 3, 256, 320), (1, 3, 256, 320))
    assert (facts.tensorrt, facts.compute_capability, facts.gpu) == ("tensorrt_rtx", GPU, "")
    assert facts.tensorrt_version
    assert facts.onnx == sha256_of(made / "yolo11n.onnx")
    assert (len(facts.names), facts.names[0]) == (80, "person")


def test_float32_is_the_network_as_it_is(made, tmp_path):
    assert build(made / "yolo11n.onnx", "--precision", "fp32", "-o", str(tmp_path / "full.engine")) == 0
    engine = read_engine(tmp_path / "full.engine")
    assert engine.facts.precision == "fp32"
    assert engine.length > 1.2 * read_engine(made / "yolo11n.engine").length


def test_a_free_batch_has_its_range(made, tmp_path):
    shutil.copy(made / "yolo11n.pt", tmp_path)
    assert build(tmp_path / "yolo11n.pt", "--for-size", "1920x1080", "--batch", "1-8") == 0
    facts = read_engine(tmp_path / "yolo11n.engine").facts
    assert (facts.least, facts.best, facts.most) == ((1, 3, 384, 640), (8, 3, 384, 640), (8, 3, 384, 640))
    with pytest.raises(ModelError, match=r"takes exactly 1 pictures a call, and 2 to 3 were asked for; .*--batch"):
        build_engine(made / "yolo11n.onnx", tmp_path / "x.engine", EngineOptions(batch=(2, 3)), compute_capability=GPU)


def test_a_network_that_is_in_fewer_bits_already_is_built_as_it_is(made, tmp_path):
    program = "from onnxruntime.transformers.float16 import convert_float_to_float16\nmodel = convert_float_to_float16(model)"
    half = changed(made / "yolo11n.onnx", tmp_path / "half.onnx", program)
    assert build_engine(half, tmp_path / "half.engine", compute_capability=GPU).facts.precision == "fp16"
    for onnx, said in ((half, "fp16"), (made / "yolo11n-int8.onnx", "int8")):
        with pytest.raises(ModelError, match=f"is in {said} already, and fp32 was asked for"):
            build_engine(onnx, tmp_path / "x.engine", EngineOptions(precision="fp32"), compute_capability=GPU)
    with pytest.raises(ModelError, match="is not quantised, and int8 was asked for"):
        build_engine(made / "yolo11n.onnx", tmp_path / "x.engine", EngineOptions(precision="int8"), compute_capability=GPU)


def test_int8_is_explicit_and_as_good_as_what_it_was_made_of(made, shared, record_property):
    facts = read_engine(made / "yolo11n-int8.engine").facts
    assert (facts.precision, len(facts.calibration), facts.names[0]) == ("int8", 64, "person")
    assert facts.onnx == sha256_of(made / "yolo11n-int8.onnx")
    measured = agreement(made / "yolo11n.onnx", made / "yolo11n-int8.onnx", [str(shared / "video" / "pets-s2l1.mp4")])
    record_property("int8 against float32", str(measured))
    assert measured.refusal() == ""


def test_a_spoilt_int8_network_is_refused_with_the_figures(made, shared, tmp_path, record_property):
    spoilt = changed(
        made / "yolo11n-int8.onnx",
        tmp_path / "spoilt.onnx",
        """
import numpy as np
from onnx import numpy_helper
for tensor in model.graph.initializer:  # as if calibrated on a handful of dull pictures: half of the range
    if tensor.name.endswith("_output_0_scale"):
        tensor.CopyFrom(numpy_helper.from_array((numpy_helper.to_array(tensor) / 2).astype(np.float16), tensor.name))
""",
    )
    measured = agreement(made / "yolo11n.onnx", spoilt, [str(shared / "video" / "pets-s2l1.mp4")])
    record_property("spoilt int8 against float32", str(measured))
    assert re.search(r"scores are 0\.\d+ apart, and 0\.05 is allowed", measured.refusal())


def test_a_spoilt_int8_network_leaves_the_float16_engine(made, shared, tmp_path, monkeypatch, capsys, caplog):
    for name in ("yolo11n.onnx", "yolo11n.pt"):
        shutil.copy(made / name, tmp_path)

    def spoilt(onnx, out, pictures, *, on_progress):
        shutil.copy(onnx, out)  # a network is made, and then it sees nothing
        changed(out, out, "model.graph.initializer[0].raw_data = bytes(len(model.graph.initializer[0].raw_data))")

    monkeypatch.setattr("edge.app.quantise.quantise", spoilt)
    caplog.set_level(logging.WARNING)
    assert (
        build(tmp_path / "yolo11n.onnx", "--int8", "-o", str(tmp_path / "q.engine"), "--calibrate", str(shared / "video" / "pets-s2l1.mp4"))
        == 0
    )
    assert capsys.readouterr().out.strip() == str(tmp_path / "yolo11n.engine")
    assert read_engine(tmp_path / "yolo11n.engine").facts.precision == "fp16"
    assert "int8 is refused" in caplog.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["yolo11n.engine", "yolo11n.onnx", "yolo11n.pt"]


def test_the_plan_behind_our_header_is_what_tensorrt_takes_and_nothing_else_is(made, tmp_path):
    """Without a driver a good plan passes the checks of its header and fails at CUDA; what is no plan fails at the header."""
    path = made / "yolo11n.engine"
    engine = read_engine(path)
    cut, foreign = tmp_path / "cut", tmp_path / "foreign"
    cut.write_bytes(engine.plan()[:-1])
    foreign.write_bytes(b"no plan at all" * 100)
    good = tensorrt_says(path, engine.offset)
    assert "cudaError 35" in good
    assert "Serialization" not in good
    for wrong in (tensorrt_says(path), tensorrt_says(cut), tensorrt_says(foreign)):
        assert "Serialization assertion" in wrong


@pytest.mark.parametrize("form", ["bare", "ultralytics"])
def test_plans_of_others_are_read(made, tmp_path, form):
    plan = read_engine(made / "yolo11n.engine").plan()
    path = tmp_path / "theirs.engine"
    text = b'{"task": "detect", "names": {"0": "person"}, "imgsz": [256, 320], "batch": 1}'
    path.write_bytes(plan if form == "bare" else len(text).to_bytes(4, "little") + text + plan)
    theirs: EngineFile = read_engine(path)
    assert (theirs.layout, theirs.plan()) == (form, plan)


STRANGE = """
first = next(node for node in model.graph.node if node.op_type == "Conv")
model.graph.node.insert(0, helper.make_node("Wobble", [first.input[0]], ["wobbled"], name="/model.0/Wobble", domain="made.up"))
first.input[0] = "wobbled"
model.opset_import.append(helper.make_opsetid("made.up", 1))
"""
SECOND_OUTPUT = "model.graph.output.append(helper.make_tensor_value_info('protos', 1, [1, 32, 64, 80]))"
NO_HEAD = "model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 116"
ANY_SIZE = "model.graph.input[0].type.tensor_type.shape.dim[3].dim_param = 'width'"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (STRANGE, r"tensorrt_rtx [\d.]+ does not take this network: node '/model\.0/Wobble' \(Wobble\): "),
        (SECOND_OUTPUT, r"has 2 outputs, 1x84x1680, 1x32x64x80, where a detection model has one; .*segmentation"),
        (NO_HEAD, r"the output 1x116x1680 is no YOLO detection head of 80 classes"),
        (ANY_SIZE, r"takes pictures of any size, and an engine is made for one"),
    ],
    ids=["operator", "outputs", "head", "size"],
)
def test_a_network_that_cannot_be_built_is_one_sentence(made, tmp_path, change, sentence):
    wrong = changed(made / "yolo11n.onnx", tmp_path / "wrong.onnx", change)
    with pytest.raises(ModelError, match=sentence) as caught:
        build_engine(wrong, tmp_path / "wrong.engine", compute_capability=GPU)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.onnx"]


def test_a_cut_onnx_is_said(made, tmp_path):
    cut = tmp_path / "cut.onnx"
    cut.write_bytes((made / "yolo11n.onnx").read_bytes()[:100_000])
    with pytest.raises(ModelError, match=r"cut\.onnx is not a readable ONNX model"):
        build_engine(cut, tmp_path / "cut.engine", compute_capability=GPU)


def test_a_gpu_that_tensorrt_for_rtx_does_not_know_is_said(made, tmp_path):
    with pytest.raises(ModelError, match=r"builds for no GPU of compute capability 8\.7; it knows 7\.5, 8\.0"):
        build_engine(made / "yolo11n.onnx", tmp_path / "orin.engine", compute_capability="8.7")


@pytest.mark.parametrize(("kind", "said"), [("seg", "segmentation"), ("cls", "classification")])
def test_weights_of_another_task_are_said(tmp_path, capsys, kind, said):
    make = f"from ultralytics import YOLO; YOLO('yolo11n-{kind}.yaml').save('other.pt')"
    subprocess.run([str(ULTRALYTICS), "-c", make], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert build(tmp_path / "other.pt") == 1
    assert f"other.pt is a {said} model, and what is counted here are boxes" in capsys.readouterr().err


def test_a_builder_killed_half_way_is_a_sentence_and_leaves_nothing(made, tmp_path):
    def kill(_: Progress) -> None:
        for child in (Path("/proc/self/task") / str(os.getpid()) / "children").read_text().split():
            if str(TENSORRT) in Path(f"/proc/{child}/cmdline").read_text():
                os.kill(int(child), signal.SIGKILL)

    with pytest.raises(ModelError, match="the builder was killed, most likely for want of memory"):
        build_engine(made / "yolo11n.onnx", tmp_path / "out.engine", compute_capability=GPU, on_progress=kill)
    assert list(tmp_path.iterdir()) == []


def test_too_few_pictures_calibrate_nothing(made, shared, tmp_path, capsys):
    words = ("--int8", "-o", str(tmp_path / "q.engine"), "--calibrate", str(shared / "video" / "tud-stadtmitte.mp4"))
    assert build(made / "yolo11n.onnx", *words) == 2
    assert "different pictures for calibration, and int8 needs 300; give longer ones of this site's cameras" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
