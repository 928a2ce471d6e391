"""`edge run --show`: closed windows, no display, and a real window on a real screen. What windows do is in their unit tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.change import Checkpoint
from edge.cli import main
from edge.data import U8
from edge.sinks.window import Windows
from edge.store import Store

ROOT = Path(__file__).parents[2]
SCENE = "synthetic://plaza?size=64x48&fps=15&people=2"
pytestmark = pytest.mark.usefixtures("log_as_before", "signals_as_before")


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """A command run in this process takes its signals; they are pytest's."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def committed(state: Path, camera: str) -> Checkpoint:
    """Where the run was at its end."""
    with Store(state / "edge.db") as store:
        point = store.checkpoint(camera)
        assert point is not None
        return point


@pytest.mark.parametrize(("arguments", "ends"), [("--source", True), ("-c", False)])
def test_closing_the_windows_ends_a_run_of_one_source_and_no_service(
    arguments: str, ends: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[int, ...]] = []

    def show(self: Windows, pictures: dict[str, U8]) -> None:
        shown.extend(picture.shape for picture in pictures.values())
        self._left = len(shown) >= 2

    monkeypatch.setattr(Windows, "can_show", lambda self: True)
    monkeypatch.setattr(Windows, "show", show)
    service = {"state": "state", "model": "scene", "cameras": {"gate": {"source": f"{SCENE}&seconds=3"}}}
    (tmp_path / "edge.yaml").write_text(json.dumps(service))
    one = ["--source", f"{SCENE}&seconds=600", "--model", "scene", "--state", str(tmp_path / "state")]
    given = one if ends else ["-c", str(tmp_path / "edge.yaml")]
    assert main(["run", *given, "--no-record", "--realtime", "--show"]) == 0
    assert set(shown) == {(48, 64, 3)}
    assert committed(tmp_path / "state", "camera" if ends else "gate").done is not ends, "done: the source came to its own end"


def screen_of(folder: Path) -> U8:
    """What Xvfb shows, from its frame buffer: X window dump, version 7, 32 bits a pixel."""
    dump = (folder / "Xvfb_screen0").read_bytes()
    head = struct.unpack(">25I", dump[:100])
    width, height, row_bytes, colours = head[4], head[5], head[12], head[19]
    pixels = np.frombuffer(dump, np.uint8, count=row_bytes * height, offset=head[0] + 12 * colours)
    return pixels.reshape(height, row_bytes // 4, 4)[:, :width, :3]


@pytest.mark.system
@pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="Xvfb or xdotool is not installed (make system-packages)"
)
def test_a_window_shows_the_camera_and_q_ends_the_run(tmp_path: Path, eventually: Callable[..., bool]) -> None:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24", "-fbdir", str(tmp_path), "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as display:
        environment = {**os.environ, "DISPLAY": f":{display.readline().strip()}", "PYTHONPATH": str(ROOT), "QT_LOGGING_RULES": "*=false"}
    scene = "synthetic://plaza?seed=7&size=320x180&fps=15&people=6&seconds=600"
    command = [sys.executable, "-m", "edge", "run", "--source", scene, "--model", "scene", "--no-record", "--realtime", "--show"]
    said, wrong = tmp_path / "said", tmp_path / "wrong"
    try:
        with said.open("w") as out, wrong.open("w") as err:
            process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=out, stderr=err)
        try:
            assert eventually(lambda: screen_of(tmp_path)[:180, :320].std() > 20, 60), f"no picture is on the screen: {wrong.read_text()}"
            first = screen_of(tmp_path)[:180, :320].copy()
            assert eventually(lambda: (screen_of(tmp_path)[:180, :320] != first).any(), 20), "it stands still"

            def has_ended() -> bool:
                """A key goes to the window under the pointer, as soon as the screen knows of it: so it is pressed again, as people do."""
                subprocess.run(["xdotool", "mousemove", "100", "100", "key", "q"], env=environment, check=True, timeout=20)
                time.sleep(0.5)
                return process.poll() is not None

            assert eventually(has_ended, 40), f"it goes on: {wrong.read_text()}"
        finally:
            process.kill()
            process.wait()
    finally:
        server.terminate()
        server.wait(10)
    assert process.returncode == 0, wrong.read_text()
    assert "store " in said.read_text()
    assert "nothing is shown" not in wrong.read_text()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere than on Linux a display is not told by the environment")
def test_without_a_display_a_run_says_so_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["run", "--source", f"{SCENE}&seconds=1", "--model", "scene", "--state", str(tmp_path), "--no-record", "--show"]) == 0
    assert capsys.readouterr().err.count("nothing is shown") == 1
    assert committed(tmp_path, "camera").frame == 14
