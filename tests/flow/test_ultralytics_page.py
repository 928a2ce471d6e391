"""Ultralytics' heatmap page with only the import, or the command, and placeholder paths changed: its programs, its command lines, its mistakes.

What its arguments mean is held in `tests/unit/solutions`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from edge.solutions import SolutionResults

FRAMES = 12
pytestmark = pytest.mark.usefixtures("log_as_before")

MAIN_LOOP = """
import cv2

from edge import solutions

cap = cv2.VideoCapture("path/to/video.mp4")
assert cap.isOpened(), "Error reading video file"

w, h, fps = (int(cap.get(x)) for x in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS))
video_writer = cv2.VideoWriter("heatmap_output.avi", cv2.VideoWriter_fourcc(*"mp4v"), fps, (w, h))

{region}

heatmap = solutions.Heatmap(
    show=True,
    model="yolo11n.pt",
    colormap=cv2.COLORMAP_PARULA,
    {given}
)

while cap.isOpened():
    success, im0 = cap.read()

    if not success:
        print("Video frame is empty or processing is complete.")
        break

    results = heatmap(im0)
    video_writer.write(results.plot_im)

cap.release()
video_writer.release()
cv2.destroyAllWindows()
"""

TRACKING_AND_HEAT = """
import cv2

from edge import solutions

cap = cv2.VideoCapture("path/to/video.mp4")
heatmap = solutions.Heatmap(colormap=cv2.COLORMAP_PARULA, show=True, model="yolo11n.pt")

while cap.isOpened():
    success, im0 = cap.read()
    if not success:
        break
    results = heatmap(im0)
cap.release()
cv2.destroyAllWindows()
"""

# The page's earlier form of the same loop.
GENERATE_HEATMAP = """
import cv2

from edge import solutions

cap = cv2.VideoCapture("path/to/video.mp4")
heatmap = solutions.Heatmap(colormap=cv2.COLORMAP_PARULA, show=True, model="yolo11n.pt")

while cap.isOpened():
    success, im0 = cap.read()
    if not success:
        break
    im0 = heatmap.generate_heatmap(im0)
    cv2.imshow("Heatmap", im0)
    if cv2.waitKey(1) & 0xFF == ord("q"):
        break
cap.release()
cv2.destroyAllWindows()
"""

ONE_CLASS = """
import cv2

from edge import solutions

cap = cv2.VideoCapture("path/to/video.mp4")
heatmap = solutions.Heatmap(show=True, model="yolo11n.pt", classes=[0, 2])

while cap.isOpened():
    success, im0 = cap.read()
    if not success:
        break
    results = heatmap(im0)
cap.release()
cv2.destroyAllWindows()
"""

REGIONS = {
    "no region": "",
    "line": "region_points = [(20, 200), (460, 200)]",
    "rectangle": "region_points = [(20, 300), (460, 300), (460, 100), (20, 100)]",
    "ring": "region_points = [(20, 300), (460, 300), (460, 100), (20, 100), (20, 300)]",
}


@pytest.fixture(scope="module")
def clip(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of a real clip with people in it, as a file of their own."""
    path = tmp_path_factory.mktemp("page") / "video.mp4"
    with av.open(str(shared / "video" / "pets-s2l1.mp4")) as source, av.open(str(path), "w") as target:
        stream = None
        for number, frame in enumerate(source.decode(video=0)):
            if number == FRAMES:
                break
            if stream is None:
                stream = target.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame.to_ndarray(format="bgr24"), format="bgr24")))
        assert stream is not None
        target.mux(stream.encode())
    return path


@pytest.fixture
def run(clip: Path, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`run(program)` -> the program's variables at its end; its two placeholder paths are filled in, and there is no display."""
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)

    def program(text: str) -> dict[str, Any]:
        for theirs, ours in (("path/to/video.mp4", clip), ("yolo11n.pt", shared / "models" / "yolo11n.pt")):
            assert theirs in text
            text = text.replace(theirs, str(ours))
        names: dict[str, Any] = {}
        exec(compile(text, "page.py", "exec"), names)
        return names

    return program


def are_said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("edge")]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere than on Linux a display is not told by the environment")
@pytest.mark.parametrize("region", REGIONS)
def test_the_main_loop_writes_its_video_and_says_once_that_nothing_is_shown(
    run: Any, region: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = run(MAIN_LOOP.format(region=REGIONS[region], given="region=region_points," if REGIONS[region] else ""))
    seen: SolutionResults = names["results"]
    assert seen.total_tracks >= 3
    assert seen.plot_im.shape == (360, 480, 3)
    assert len([said for said in are_said(caplog) if "nothing is shown" in said]) == 1
    assert len(pictures(tmp_path / "heatmap_output.avi")) == FRAMES
    assert (seen.in_count, seen.out_count) == tuple(sum(counts[way] for counts in seen.classwise_count.values()) for way in ("IN", "OUT"))


def test_tracking_and_heat(run: Any) -> None:
    assert run(TRACKING_AND_HEAT)["results"].total_tracks >= 3


def test_the_earlier_loop_with_a_window_of_its_own(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's own window is not ours to replace: OpenCV's is, here, so that it runs without a display."""
    shown = []
    monkeypatch.setattr(cv2, "imshow", lambda _, picture: shown.append(picture))
    monkeypatch.setattr(cv2, "waitKey", lambda _: -1)
    run(GENERATE_HEATMAP)
    assert len(shown) == FRAMES
    assert np.abs(shown[-1].astype(int) - shown[0]).max() > 40


def test_one_class_filter(run: Any) -> None:
    assert run(ONE_CLASS)["results"].total_tracks >= 3


def edge(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    without = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "edge", *words]
    return subprocess.run(command, cwd=folder, env=without, capture_output=True, text=True, timeout=110, check=False)


def video_of(said: str, folder: Path) -> Path:
    (line,) = [line for line in said.splitlines() if line.startswith("video ")]
    return folder / line.split(maxsplit=1)[1]


def pictures(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


# The page's lines as words, after the shell; the demo scene in them is shortened by `short_scene`.
WHOLE = "region=[(20, 400), (1080, 400), (1080, 360), (20, 360)]"
LINES = {
    "show": ["show=True"],
    "colormap": ["colormap=cv2.COLORMAP_INFERNO"],
    "region, quoted": [WHOLE],
    "region, in pieces": WHOLE.split(),
}


@pytest.mark.parametrize("name", LINES)
def test_a_command_line_without_a_source_shows_the_demo_scene(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edge.cli import heatmap, main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(heatmap, "_SCENE", heatmap._SCENE.replace("seconds=20", "seconds=2"))
    assert main(["heatmap", *LINES[name]]) == 0
    said = capsys.readouterr().out
    assert "no network runs" not in said  # the model in the box does
    assert ("counted" in said) == ("region" in name)
    assert len(pictures(video_of(said, tmp_path))) == 30


def test_a_command_line_with_a_source_writes_where_people_were(clip: Path, shared: Path, tmp_path: Path) -> None:
    done = edge(["heatmap", f"source={clip}", f"model={shared / 'models' / 'yolo11n.onnx'}"], tmp_path)
    assert done.returncode == 0, done.stderr
    shown = pictures(video_of(done.stdout, tmp_path))
    assert len(shown) == FRAMES
    assert shown[0].shape == (360, 480, 3)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["region=[(20, 400)]"], "1 point"),
        (["region=[(10, 10), (20, 20), (30, 30)]"], "3 points"),
        (["region=[(10,", "10),", "(20,", "20),", "(30,", "30),", "(40,", "40)]"], "one line"),
        (["classes=[dragon]"], "knows no class 'dragon'"),
        (["classes=80"], "knows no class 80"),
        (["tracker=mine.yaml"], "no tracker file mine.yaml"),
        (["colormap=cv2.COLORMAP_INFERN"], "did you mean inferno?"),
        (["colourmap=jet"], "did you mean colormap?"),
        (["nonsense"], "key=value"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_argument_is_one_sentence_and_exit_code_2(
    words: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edge.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["heatmap", *words]) == 2
    captured = capsys.readouterr()
    assert reason in captured.err
    # Where no model is given, the log says before which one is taken.
    (sentence,) = [line for line in captured.err.strip().splitlines() if "no model is given" not in line]
    assert sentence.startswith("edge: ")
    assert list(tmp_path.rglob("*.mp4")) == []
