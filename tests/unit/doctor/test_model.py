"""The model of a configuration, and whether the engines made of it fit this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.config import Config
from edge.doctor import Needs
from edge.doctor.model import model
from edge.engine.file import EngineFacts, write_engine
from tests.unit.doctor.recorded import laptop, orin_nano

ORIN = EngineFacts(tensorrt="tensorrt", tensorrt_version="10.3.0", gpu="Orin", compute_capability="8.7", precision="fp16")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EDGE_EXPORT_PYTHON", raising=False)


def needs(name: object, **more: str) -> Needs:
    return Needs(Config.model_validate({"model": str(name), **more, "cameras": {"door": {"source": "synthetic://plaza"}}}))


def test_without_a_configuration_no_model_is_needed(tmp_path: Path) -> None:
    assert model(laptop(tmp_path), Needs()) == []


def test_a_model_that_is_there_is_right_and_one_that_is_not_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "yolo11n.onnx").touch()
    for name in ("yolo11n.onnx", "yolo11n.pt", "yolo11n"):
        (found,) = model(laptop(tmp_path), needs(tmp_path / name))
        assert found.state == "right", found
    (gone,) = model(laptop(tmp_path), needs(tmp_path / "none.onnx"))
    assert (gone.state, "edge build none.pt" in gone.remedy) == ("wrong", True)
    (scene,) = model(laptop(tmp_path), needs("scene"))
    assert scene.state == "right"


def test_a_name_of_which_nothing_is_here_is_wrong_unless_it_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = model(laptop(tmp_path), needs(tmp_path / "yolo11m"))
    assert found.state == "wrong"
    monkeypatch.setenv("EDGE_EXPORT_PYTHON", "/some/python")
    (found,) = model(laptop(tmp_path), needs(tmp_path / "yolo11m"))
    assert (found.state, "made at the first start" in found.says) == ("note", True)


def test_what_is_no_model_is_wrong(tmp_path: Path) -> None:
    (found,) = model(laptop(tmp_path), needs("yolo11n.tflite"))
    assert found.state == "wrong"


@pytest.mark.parametrize(
    ("facts", "state", "part"),
    [
        (ORIN, "right", "fits (tensorrt 10.3.0 on Orin (8.7))"),
        (replace(ORIN, tensorrt_version="10.13.3"), "wrong", "does not fit: it was made for tensorrt 10.13.3"),
        (
            replace(ORIN, gpu="NVIDIA H100", compute_capability="9.0"),
            "wrong",
            "does not fit: it was made for tensorrt 10.3.0 on NVIDIA H100",
        ),
        (EngineFacts(), "right", "does not say what it was made for"),
    ],
)
def test_an_engine_is_held_against_this_machine(tmp_path: Path, facts: EngineFacts, state: str, part: str) -> None:
    write_engine(tmp_path / "yolo11n.engine", facts, bytes(100))
    (found,) = model(orin_nano(tmp_path), needs(tmp_path / "yolo11n.engine"))
    assert found.state == state
    assert part in found.says


def test_a_broken_engine_and_one_without_a_gpu_are_told(tmp_path: Path) -> None:
    path = tmp_path / "yolo11n.engine"
    write_engine(path, ORIN, bytes(100))
    (found,) = model(laptop(tmp_path), needs(path))
    assert (found.state, "no GPU with TensorRT" in found.says) == ("wrong", True)
    path.write_bytes(path.read_bytes()[:-10])
    (found,) = model(orin_nano(tmp_path), needs(path))
    assert (found.state, "is cut" in found.says) == ("wrong", True)


def test_a_cached_engine_that_no_longer_fits_is_a_note_for_it_is_built_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (tmp_path / "yolo11n.onnx").touch()
    write_engine(cache / "yolo11n-0123456789abcdef.engine", replace(ORIN, tensorrt_version="10.2.0"), bytes(100))
    write_engine(cache / "yolo11n-pose.engine", ORIN, bytes(100))  # another model
    onnx, engine = model(orin_nano(tmp_path), needs(tmp_path / "yolo11n.onnx"))
    assert onnx.state == "right"
    assert (engine.state, engine.remedy) == ("note", "it is built again at the next start")
    write_engine(cache / "yolo11n-fedcba9876543210.engine", ORIN, bytes(100))
    onnx, engine = model(orin_nano(tmp_path), needs(tmp_path / "yolo11n.onnx"))
    assert (engine.name, engine.state) == ("cached engine", "right")


def test_a_name_is_found_in_the_cache_by_itself_or_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "yolo11n-pose.onnx").touch()
    (found,) = model(laptop(tmp_path), needs(tmp_path / "yolo11n"))
    assert found.state == "wrong"
    for name in ("yolo11n.onnx", "yolo11n-0123456789abcdef.onnx"):
        path = tmp_path / "cache" / name
        path.touch()
        (found,) = model(laptop(tmp_path), needs(tmp_path / "yolo11n"))
        assert (found.state, str(path) in found.says) == ("right", True)
        path.unlink()


def test_an_engine_that_is_still_to_be_built_is_said_where_a_gpu_will_run_it(tmp_path: Path) -> None:
    (tmp_path / "yolo11n.onnx").touch()
    _, engine = model(orin_nano(tmp_path), needs(tmp_path / "yolo11n.onnx"))
    assert (engine.state, "built at the first start" in engine.says) == ("right", True)
    assert len(model(orin_nano(tmp_path), needs(tmp_path / "yolo11n.onnx", backend="cpu"))) == 1
    assert len(model(laptop(tmp_path), needs(tmp_path / "yolo11n.onnx"))) == 1
