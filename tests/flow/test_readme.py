"""Every command and the configuration in the README, run as they stand but for addresses and file names that only the reader has."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from edge.demo.broker import Broker
from tests.flow.asked_device import running_device, text_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", README, re.S) for line in block.splitlines() if line.strip()]
(PYTHON,) = re.findall(r"```python\n(.*?)```", README, re.S)
TRUTH, YAML = re.findall(r"```yaml\n(.*?)```", README, re.S)


def edge(command: str, folder: Path, **environment: str) -> str:
    """Run an `edge ...` line of the README."""
    words = shlex.split(command)
    assert words[0] == "edge"
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, timeout=110, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def the(prefix: str) -> str:
    """The one command of the README that begins with `prefix`."""
    (command,) = [line for line in COMMANDS if line.startswith(prefix)]
    return command


def test_every_command_has_a_test_here() -> None:
    config = ("edge config example", "edge config check", "edge config schema")
    bench = ("edge bench frame", "edge bench pipeline", "edge bench run")
    known = (
        "make demo",
        "make test",
        "edge run --source",
        "edge eval",
        "edge build",
        "edge heatmap",
        "edge doctor",
        "edge snapshot",
        "edge video",
        "sudo deploy/install.sh native",  # carried out by tests/deploy
        *config,
        *bench,
    )
    assert [line for line in COMMANDS if not line.startswith(known)] == []
    for prefix in known:
        the(prefix)


def test_both_make_commands_exist_and_run_what_they_say() -> None:
    for target, runs in (("demo", "edge demo"), ("test", "pytest")):
        plan = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert runs in plan


@pytest.mark.timeout(180)
def test_the_demonstration_ends_with_counted_against_true_and_the_paths_of_what_it_made(tmp_path: Path) -> None:
    said = edge("edge demo --seconds 12 --size 640x360 --people 8", tmp_path)
    assert "counted" in said
    assert "true" in said
    paths = {
        line.split()[0]: Path(line.split(maxsplit=1)[1]) for line in said.splitlines() if line.startswith(("video", "heatmap", "plot"))
    }
    assert set(paths) == {"video", "heatmap", "plot"}
    assert all((tmp_path / path).stat().st_size > 1000 for path in paths.values())
    assert int(re.search(r"mqtt +(\d+) messages", said).group(1)) > 5  # type: ignore[union-attr]


def test_a_real_camera_in_one_command(tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]) -> None:
    """The camera is a plaza of the same size, the model the scene's own boxes, the broker a test's own."""
    ears = subscriber(mosquitto.port, "edge/#")
    command = the("edge run --source")
    for theirs, ours in (
        ("rtsp://192.168.1.20/stream1", "'synthetic://plaza?size=1280x720&fps=10&seconds=8'"),
        ("yolo11n.onnx", "scene"),
        ("mqtt://localhost", mosquitto.url),
    ):
        assert theirs in command
        command = command.replace(theirs, ours)
    said = edge(command, tmp_path)
    assert "line entrance" in said
    assert ears.wait(lambda heard: any(h.topic.endswith("/camera/counts") for h in heard))
    videos = list((tmp_path / "edge-data" / "video" / "camera").glob("*.mp4"))
    assert videos
    command = (
        the("edge video").replace("door", "camera").replace("2026-11-24T09", "2000-01-01T09").replace("2026-11-24T10", "2100-01-01T10")
    )
    assert edge(f"{command} --paths", tmp_path).split() == [str(path) for path in sorted(videos)]
    assert (tmp_path / "edge-data" / "camera-heatmap.jpg").exists()


def test_eval_prints_its_measures(tmp_path: Path, shared: Path) -> None:
    """A truth made of ten blank frames with one annotated person in each: the command and its form, not the figures."""
    with av.open(str(tmp_path / "street.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height = 640, 360
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((360, 640, 3), 90, np.uint8), format="bgr24")))
        container.mux(stream.encode())
    (tmp_path / "street.gt.txt").write_text("".join(f"{i},1,{20 + i},30,20,50,1,0,0,0\n" for i in range(1, 11)))
    (tmp_path / "truth.yaml").write_text(TRUTH)
    said = edge(the("edge eval").replace("yolo11n.onnx", str(shared / "models" / "yolo11n.onnx")), tmp_path)
    assert "MOTA" in said
    assert "gate" in said


def test_the_configuration_is_right_and_so_are_its_commands(tmp_path: Path) -> None:
    assert len(YAML.strip().splitlines()) <= 15
    (tmp_path / "edge.yaml").write_text(YAML)
    assert "is right" in edge(the("edge config check"), tmp_path)
    (tmp_path / "edge.yaml").write_text(edge(the("edge config example"), tmp_path))
    assert "is right" in edge(the("edge config check"), tmp_path)
    assert '"$defs"' in edge(the("edge config schema"), tmp_path)


def test_the_doctor_looks_at_a_configuration(tmp_path: Path) -> None:
    """One that any machine serves: what a machine with less is told is in `test_doctor`."""
    (tmp_path / "edge.yaml").write_text("model: scene\ncameras: {plaza: {source: 'synthetic://plaza'}}\n")
    assert "edge.yaml has all that it needs here" in edge(the("edge doctor"), tmp_path)


def test_a_model_is_built_from_its_weights(tmp_path: Path, shared: Path) -> None:
    """By the real exporter, in an environment of its own."""
    python = Path(os.environ.get("EDGE_ULTRALYTICS_PYTHON") or ROOT / ".venv-ultralytics" / "bin" / "python")
    if not python.exists():
        pytest.skip(f"no environment with Ultralytics at {python}; scripts/ultralytics_env.sh makes one")
    shutil.copy(shared / "models" / "yolo11n.pt", tmp_path)
    edge(the("edge build"), tmp_path, EDGE_EXPORT_PYTHON=str(python))
    assert (tmp_path / "yolo11n.onnx").stat().st_size > 5_000_000


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a picture as wide as the README's region."""
    path = tmp_path_factory.mktemp("clip") / "video.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height = 1280, 720
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((720, 1280, 3), 90, np.uint8), format="bgr24")))
        container.mux(stream.encode())
    return path


def test_the_program_for_people_from_ultralytics(clip: Path, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = PYTHON.replace("path/to/video.mp4", str(clip)).replace("yolo11n.pt", str(shared / "models" / "yolo11n.onnx"))
    exec(compile(program, "README.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == ["0 0 {}"] * 5


def test_the_command_for_people_from_ultralytics(tmp_path: Path, clip: Path, shared: Path) -> None:
    command = the("edge heatmap").replace("path/to/video.mp4", str(clip)).replace("yolo11n.pt", str(shared / "models" / "yolo11n.onnx"))
    edge(command, tmp_path)
    assert list(tmp_path.rglob("*.mp4"))


def test_the_measurements_give_their_figures(tmp_path: Path, clip: Path, shared: Path) -> None:
    assert "frame" in json.loads(edge(the("edge bench frame") + " --frames 10 --json", tmp_path))
    assert "pipeline" in json.loads(edge(the("edge bench pipeline") + " --seconds 1 --json", tmp_path))
    run = the("edge bench run").replace("video.mp4", str(clip)).replace("yolo11n.onnx", str(shared / "models" / "yolo11n.onnx"))
    assert "run" in json.loads(edge(run + " --rounds 1 --json", tmp_path))


def test_a_snapshot_comes_from_a_device_that_runs(tmp_path: Path, mosquitto: Broker) -> None:
    command = (
        the("edge snapshot").replace("mqtt://localhost", mosquitto.url).replace("shop-7", "flow").replace("--camera door", "--camera gate")
    )
    with running_device(text_of(tmp_path, mosquitto.port)):
        said = edge(command, tmp_path)
    assert said.startswith("door.png ")
    assert (tmp_path / "door.png").read_bytes()[:4] == b"\x89PNG"
