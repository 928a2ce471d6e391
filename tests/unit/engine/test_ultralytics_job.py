"""The real export, by a real Ultralytics: its network says what the reference's says. Needs an environment with Ultralytics, and the shared model."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edge.detect import DetectOptions
from edge.engine import resolve_model

ROOT = Path(__file__).parents[3]
PYTHON = Path(os.environ.get("EDGE_ULTRALYTICS_PYTHON") or ROOT / ".venv-ultralytics" / "bin" / "python")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not PYTHON.is_file(), reason=f"no Ultralytics at {PYTHON}; scripts/ultralytics_env.sh makes it"),
]


def test_its_onnx_says_of_a_real_frame_what_the_reference_says(shared, tmp_path, monkeypatch):
    import onnxruntime

    from edge.backends.cpu.detector import OnnxDetector
    from edge.sources import open_source

    monkeypatch.setenv("EDGE_EXPORT_PYTHON", str(PYTHON))
    made = resolve_model(str(_alone(shared / "models" / "yolo11n.pt", tmp_path)), cache=tmp_path / "cache")
    assert made.parent == tmp_path / "cache"
    reference = shared / "models" / "yolo11n.onnx"
    with open_source(str(shared / "video" / "pets-s2l1.mp4"), camera="a") as source:
        frame = next(iter(source))
    # The networks' raw outputs on the very tensor that the detector makes of the frame ...
    outputs = []
    for model in (made, reference):
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        outputs.append(session.run(None, {"images": _tensor(frame.bgr)})[0])
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=0, atol=1e-3)
    # ... and what is made of them.
    seen = []
    for model in (made, reference):
        with OnnxDetector(model, DetectOptions(), class_names=("person",)) as detector:
            seen.append(detector.detect([frame])[0])
    assert len(seen[0]) == len(seen[1]) > 0
    np.testing.assert_allclose(seen[0].xyxy, seen[1].xyxy, atol=0.05)
    np.testing.assert_allclose(seen[0].score, seen[1].score, atol=1e-3)


def _alone(weights: Path, folder: Path) -> Path:
    """The weights in a folder without an .onnx beside them."""
    copy = folder / weights.name
    copy.write_bytes(weights.read_bytes())
    return copy


def _tensor(bgr: np.ndarray) -> np.ndarray:
    """(1, 3, 640, 640) float32 of the picture's upper left part, RGB in 0..1; grey where it is smaller."""
    canvas = np.full((640, 640, 3), 114, np.uint8)
    part = bgr[:640, :640]
    canvas[: part.shape[0], : part.shape[1]] = part
    return np.ascontiguousarray(canvas[None, ..., ::-1].transpose(0, 3, 1, 2), np.float32) / 255
