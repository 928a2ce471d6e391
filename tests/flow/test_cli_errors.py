"""Bad input through the real command: one sentence, the right exit code, no traceback; what was counted is kept. Whole runs are in `test_run`."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edge.demo.broker import Broker
from edge.store import Store
from tests.unit.sources.film import make_film

ROOT = Path(__file__).parents[2]
SCENE = ("--source", "synthetic://plaza?size=64x48&seconds=1&people=2", "--model", "scene", "--no-record")
FAILED, USAGE = 1, 2

Edge = Callable[..., str]


def start(arguments: Sequence[str | Path], folder: Path, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [*before, sys.executable, "-m", "edge", *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def sentence_of(process: subprocess.Popen[str], code: int) -> str:
    """The one sentence on stderr; all else there is log lines in JSON."""
    _, said = process.communicate(timeout=240)
    assert "Traceback" not in said, said
    assert process.returncode == code, said
    plain = []
    for line in said.splitlines():
        try:
            assert "trace" not in json.loads(line), line
        except ValueError:
            plain.append(line)
    assert len(plain) == 1, said
    assert plain[0].startswith("edge: ")
    return plain[0]


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    """`edge(code, *arguments)` -> the one sentence that the command ended with."""
    return lambda code, *arguments: sentence_of(start(arguments, tmp_path), code)


def totals_of(state: Path) -> int:
    """Seconds that a store's camera saw."""
    with Store(state / "edge.db") as store:
        return sum(n for key, n in store.totals("camera").items() if key.field == "seen_us")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "edge --help"),
        (("fly",), "invalid choice: 'fly'"),
        (("run",), "give -c FILE, or --source"),
        (("run", "--sauce", "x"), "unrecognized arguments: --sauce"),
        (("run", "--source", "ftp://x"), "ftp://x starts with ftp://, which is no kind of source"),
        (("run", "--source", "film.mp4", "--model", "scene"), "`model: scene` knows the boxes of synthetic:// cameras only"),
        (("run", *SCENE, "--line", "gate=1,2,3"), "--line gate=1,2,3 cannot be read; write NAME=X1,Y1,X2,Y2"),
        (("run", *SCENE, "--line", "gate=1,2,1,2"), "at least 2 px apart"),
        (("run", *SCENE, "--zone", "till=0,0,9,9,9,0,0,9"), "must not cross or touch itself"),
        (("run", *SCENE, "--line", "gate=1,2,3,400"), "line 'gate' has a point (3, 400) outside the picture of 64x48"),
        (("run", *SCENE, "--line", "gate=1,2,30,4", "--line", "gate=1,9,30,9"), "--line gate is given twice; give each a name of its own"),
        (("run", *SCENE, "--zone", "till=0,0,9,0,9,9", "--zone", "till=0,0,9,0,9,9"), "--zone till is given twice"),
        (("demo", "--out", "/proc/x", "--seconds", "1"), "/proc/x cannot be made a folder for the demonstration"),
        (("heatmap", "source=film.mp4", "tracker=None"), "tracker is None; it must be bytetrack.yaml, or the path of a tracker file"),
        (("snapshot", "--broker", "mqtt://h", "--device", "d", "--camera", "c", "-o", "x.gif"), "-o x.gif"),
        (("snapshot", "--broker", "mqtt://h", "--device", "d", "--camera", "c", "--what", "grid", "-o", "x.png"), "-o x.png"),
        (("run", *SCENE, "--colormap", "infreno"), "there is no colour map 'infreno'; did you mean inferno?"),
        (("run", *SCENE, "--classes", "persn"), "persn"),
        (("run", *SCENE, "--mqtt", "http://h"), "wanted mqtt://host"),
        (("run", *SCENE, "--start-time", "noon"), "--start-time"),
        (("run", *SCENE, "--start-time", "2026-01-01T00:00"), "has no zone"),
        (("run", "-c", "none.yaml"), "there is no configuration file none.yaml; `edge config example > none.yaml` writes one"),
        (("config", "check", "none.yaml"), "there is no configuration file"),
        (("eval", "none.yaml", "--model", "x.onnx"), "none.yaml"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(edge: Edge, arguments: tuple[str, ...], said: str) -> None:
    assert said in edge(USAGE, *arguments)


def test_a_key_spelled_wrong_is_named_with_its_line(edge: Edge, tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_text("model: scene\ncameras:\n  door:\n    sauce: synthetic://plaza\n    source: synthetic://plaza\n")
    sentence = edge(USAGE, "run", "-c", "edge.yaml")
    assert sentence == "edge: edge.yaml, line 4: cameras.door.sauce: there is no such key; did you mean source?"


def test_a_configuration_with_arguments_of_its_own_is_refused(edge: Edge, tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_text("cameras: {door: {source: synthetic://plaza}}\n")
    assert "-c describes its cameras itself" in edge(USAGE, "run", "-c", "edge.yaml", "--line", "gate=1,2,3,4")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("v4l2:///dev/video99", "/dev/video99"),
        ("rtsp://me:s3cret@127.0.0.1:1/stream", "rtsp://me:***@127.0.0.1:1/stream"),
        ("csi://0", "csi://0"),
        ("none.mp4", "none.mp4"),
        ("words.mp4", "words.mp4"),
    ],
)
def test_a_source_that_cannot_be_opened_is_named(edge: Edge, tmp_path: Path, shared: Path, source: str, said: str) -> None:
    (tmp_path / "words.mp4").write_bytes(b"these are words, not pictures\n" * 100)
    sentence = edge(FAILED, "run", "--source", source, "--model", shared / "models" / "yolo11n.onnx", "--no-record")
    assert said in sentence
    assert "s3cret" not in sentence


def test_what_was_read_of_a_cut_video_is_counted_and_what_was_recorded_plays(edge: Edge, tmp_path: Path, shared: Path) -> None:
    import av

    whole = make_film(tmp_path / "whole.mp4", count=40)
    data = whole.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 2 // 3])
    sentence = edge(FAILED, "run", "--source", "cut.mp4", "--model", shared / "models" / "yolo11n.onnx", "--state", "data")
    assert "cut.mp4 is broken or cut off after picture" in sentence
    assert totals_of(tmp_path / "data") > 1_000_000
    (film,) = (tmp_path / "data" / "video" / "camera").glob("*.mp4")
    with av.open(str(film)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 10


def test_a_model_that_is_no_yolo_detector_is_named(edge: Edge, tmp_path: Path) -> None:
    (tmp_path / "words.onnx").write_text("these are words")
    source = SCENE[:2]
    assert "words.onnx" in edge(FAILED, "run", *source, "--model", "words.onnx", "--no-record")
    assert "none.onnx" in edge(FAILED, "run", *source, "--model", "none.onnx", "--no-record")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--source", "shut/a.mp4", "--model", "words.onnx"), "words.onnx"),
        (("run", "--source", "synthetic://plaza", "--model", "shut/a.onnx"), "shut/a.onnx cannot be read (Permission denied)"),
        (("video", "--state", "shut"), "shut/edge.db cannot be used: Permission denied"),
        (("heatmap", "source=shut/a.mp4"), "shut/a.mp4 may not be read by this user; change its permissions, or those of its folder"),
        (("build", "shut/a.pt"), "shut/a"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)
def test_a_folder_that_this_user_may_not_enter_is_told_and_no_traceback(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "words.onnx").write_text("these are words")
    (tmp_path / "shut").mkdir(mode=0)
    as_anybody = ()
    if os.geteuid() == 0:  # who may enter everywhere, unless that right is given up
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root enters every folder, and setpriv is not here to give that up")
        as_anybody = (setpriv, "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all", "--")
    assert said in sentence_of(start(arguments, tmp_path, as_anybody), FAILED)


def test_a_run_that_saw_nothing_shows_nothing_of_the_one_before(tmp_path: Path) -> None:
    first = start(("run", *SCENE, "--line", "gate=1,20,60,20"), tmp_path)
    shown, _ = first.communicate(timeout=240)
    assert first.returncode == 0
    assert "heatmap" in shown
    second = start(("run", "--source", "none.mp4", "--model", "scene", "--no-record"), tmp_path)
    shown, _ = second.communicate(timeout=240)
    assert second.returncode != 0
    assert shown == ""


def test_a_state_folder_that_cannot_be_made_is_named(edge: Edge, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert "choose another `state` folder" in edge(FAILED, "run", *SCENE, "--state", "taken/data")


def test_a_store_of_a_newer_version_a_foreign_one_and_one_in_use_are_refused(edge: Edge, tmp_path: Path) -> None:
    state = tmp_path / "edge-data"
    with Store(state / "edge.db"):
        assert "in use by another running edge" in edge(FAILED, "run", *SCENE)
    db = sqlite3.connect(state / "edge.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    assert "written by a newer version of edge (format 99" in edge(FAILED, "run", *SCENE)
    (state / "edge.db").write_bytes(b"words\n" * 2000)
    assert "is no store of edge" in edge(FAILED, "run", *SCENE)


def test_a_broker_that_is_away_or_refuses_is_told_and_what_was_counted_is_kept(tmp_path: Path, mosquitto: Broker) -> None:
    mosquitto.stop()
    with Broker("mosquitto", passwords={"me": "right"}) as strict:
        # Both wait for a while that the broker might come: together.
        away = start(("run", *SCENE, "--mqtt", mosquitto.url, "--state", "away"), tmp_path)
        refused = start(("run", *SCENE, "--mqtt", strict.url, "--state", "refused"), tmp_path)
        for process, port, state in ((away, mosquitto.port, "away"), (refused, strict.port, "refused")):
            sentence = sentence_of(process, FAILED)
            assert f"127.0.0.1:{port}" in sentence
            assert "what was counted is kept" in sentence
            assert totals_of(tmp_path / state) > 900_000


def small_disk(folder: Path, kilobytes: int) -> list[str]:
    """What to put before a command to give it a small disk at `folder`, whose files are copied to `folder`-kept when the command has ended.

    Nobody else sees that disk. Skips where it is not allowed.
    """
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no unshare here to make a small disk with")
    flags = ["-m"] if os.geteuid() == 0 else ["-rm"]
    work = f'mount -t tmpfs -o size={kilobytes}k none "{folder}" || exit 99; "$@"; code=$?; cp -r "{folder}" "{folder}-kept"; exit $code'
    before = [unshare, *flags, "sh", "-c", work, "sh"]
    folder.mkdir()
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    shutil.rmtree(f"{folder}-kept")
    return before


def test_a_full_disk_is_told_and_what_was_committed_is_kept(tmp_path: Path) -> None:
    scene = ("--source", "synthetic://plaza?size=320x180&seconds=30&people=20", "--model", "scene", "--no-record")
    runs = {}
    for kilobytes in (60, 240, 500):  # too little for the tables, for the first messages, for all of them
        state = tmp_path / f"disk{kilobytes}"
        runs[state] = start(
            ("run", *scene, "--zone", "all=10,10,310,10,310,170,10,170", "--mqtt", "mqtt://127.0.0.1:1", "--state", state),
            tmp_path,
            small_disk(state, kilobytes),
        )
    for state, process in runs.items():
        assert f"disk of {state}/edge.db is full" in sentence_of(process, FAILED)
    kept = [totals_of(Path(f"{state}-kept")) for state in list(runs)[1:]]
    assert 0 < kept[0] < kept[1] < 30_000_000
