"""Recording in whole processes: killed with -9, and on a disk that fills. Video plays, counts are those of a run that was left in peace.

How a single file is written, and what gives way when, are unit tests' business.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edge.data import Size
from edge.sinks.recorder_fragments import whole_part
from edge.sources.synthetic import plaza_layout
from tests.flow.test_kill import CAMERA, REPORTS, finish, kept

FPS = 10
SIZE = Size(320, 180)
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def configuration(folder: Path, name: str, seconds: float, record: dict[str, Any] | None) -> Path:
    """A configuration file of one synthetic camera with a store of its own."""
    layout = plaza_layout(SIZE)
    camera = {
        "source": f"synthetic://plaza?seed=3&size={SIZE}&fps={FPS}&people=10&seconds={seconds:g}",
        "lines": {line: {"from": list(a), "to": list(b)} for line, (a, b) in layout.lines.items()},
        "heatmap": None,
    }
    whole = {"device": name, "state": str(folder / name), "model": "scene", "commit_s": 0.1, "record": record, "cameras": {CAMERA: camera}}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(whole))
    return path


def start(path: Path) -> subprocess.Popen[str]:
    """A run at the pace of a camera."""
    command = [sys.executable, "-m", "edge", "run", "-c", str(path), "--realtime"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def committed_ns(state: Path) -> int | None:
    """The frame's own time of the last commit, read beside the running process."""
    return _one(state, "SELECT t_ns FROM checkpoints")


def _one(state: Path, sql: str) -> int | None:
    import sqlite3

    try:
        db = sqlite3.connect(f"file:{state / 'edge.db'}?mode=ro", uri=True)
        try:
            row = db.execute(sql).fetchone()
        finally:
            db.close()
    except sqlite3.OperationalError:
        return None
    return None if row is None or row[0] is None else int(row[0])


def listed(state: Path) -> list[dict[str, Any]]:
    """What `edge video` knows."""
    said = subprocess.run(
        [sys.executable, "-m", "edge", "video", "--state", str(state), "--json"], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in said.stdout.splitlines()]


def play(path: Path) -> tuple[int, float]:
    """Decode a file to its end as anybody would, and hold it to be without fault; its pictures, and the seconds to the last of them."""
    said = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", str(path), "-f", "framehash", "-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, f"{path}: {said.stderr}"
    base = re.search(r"#tb 0: (\d+)/(\d+)", said.stdout)
    assert base is not None, f"{path} holds no picture"
    pictures = [line for line in said.stdout.splitlines() if not line.startswith("#")]
    return len(pictures), int(pictures[-1].split(",")[2]) * int(base[1]) / int(base[2])


def kill_once(path: Path, state: Path, after_s: float) -> float:
    """Run, kill -9 `after_s` after the first commit, and play what was recorded; the seconds by which the last file ends before the kill."""
    before_ns = committed_ns(state)
    process = start(path)
    # What the process thinks is now, frame by frame: a frame is committed a little after its time, at best at once.
    behind_s, until_s = [], None
    while until_s is None or time.monotonic() < until_s:
        now_s, t_ns = time.monotonic(), committed_ns(state)
        if t_ns is not None and t_ns != before_ns:
            behind_s.append(now_s - t_ns * 1e-9)
            until_s = now_s + after_s if until_s is None else until_s
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.004)
    os.kill(process.pid, signal.SIGKILL)
    killed_s = time.monotonic() - min(behind_s)
    process.communicate()
    folder = state / "video" / CAMERA
    begins_s = _begins_s(state)
    ends_s = []
    for clip in sorted(folder.iterdir()):
        if whole_part(clip).pictures:
            ends_s.append(begins_s[clip] + play(clip)[1])
        else:  # begun with the last picture or two: there is nothing of it yet, and the next start takes it away
            assert killed_s - begins_s[clip] < 0.5, f"{clip} holds nothing"
    return killed_s - max(ends_s)


def _begins_s(state: Path) -> dict[Path, float]:
    """When each file begins, in the frames' own time."""
    import sqlite3

    db = sqlite3.connect(state / "edge.db")
    try:
        return {Path(path): t0_ns * 1e-9 for path, t0_ns in db.execute("SELECT path, t0_ns FROM segments")}
    finally:
        db.close()


def kill_often(folder: Path, kills: int) -> dict[str, Any]:
    """A recording that is killed and started again; what each kill cost, and what the index says in the end."""
    rng = random.Random(5)
    path = configuration(folder, "killed", 3600, {"segment_s": 3})
    state = folder / "killed"
    lost_s = [kill_once(path, state, rng.uniform(2.5, 6.5)) for _ in range(kills)]
    before_ns, process = committed_ns(state), start(path)  # which puts the index right
    until_s = time.monotonic() + 30
    while committed_ns(state) == before_ns and time.monotonic() < until_s:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=90)
    assert process.returncode == 0, said
    clips = listed(state)
    for clip in clips:
        assert play(Path(clip["path"]))[0] == clip["pictures"], clip
    return {
        "kills": kills,
        "lost_s_at_each_kill": [round(lost, 3) for lost in lost_s],
        "most_lost_s": round(max(lost_s), 3),
        "files": len(clips),
        "cut": sum(clip["state"] == "cut" for clip in clips),
        "closed": sum(clip["state"] == "closed" for clip in clips),
    }


@needs_ffmpeg
@pytest.mark.system
def test_a_recording_that_is_killed_plays_to_within_a_second_of_it(tmp_path: Path) -> None:
    figures = kill_often(tmp_path, 3)
    assert figures["most_lost_s"] <= 1.0, figures
    assert figures["cut"] + figures["closed"] == figures["files"]


@needs_ffmpeg
@pytest.mark.soak
def test_twenty_kills_of_a_recording(tmp_path: Path) -> None:
    figures = kill_often(tmp_path, 20)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "recording.json").write_text(json.dumps(figures, indent=2) + "\n")
    assert figures["most_lost_s"] <= 1.0, figures
    assert figures["cut"] + figures["closed"] == figures["files"]


@contextmanager
def small_disk(at: Path, size: int) -> Iterator[Path]:
    """A disk of `size` bytes, mounted at a folder."""
    at.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(at)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here ({mounted.stderr.strip()})")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


@needs_ffmpeg
@pytest.mark.system
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_costs_pictures_and_no_count_and_recording_goes_on_when_there_is_room(
    tmp_path: Path, eventually: Callable[..., bool]
) -> None:
    seconds, disk = (
        150,
        4_000_000,
    )  # as fast as it goes: a file is counted picture by picture, so that two runs can be compared to the last bit
    finish(configuration(tmp_path, "peace", seconds, None), 60)
    peace = kept(tmp_path / "peace")
    assert peace[0], "nothing was counted, so nothing is shown"
    with ExitStack() as stack:
        runs = {}
        # `full`: the disk refuses in the middle of a file. `floor`: the room that is to stay free is not there from the beginning.
        for name, floor, left in (("full", 0, 200_000), ("floor", 2_000_000, 1_000_000)):
            at = stack.enter_context(small_disk(tmp_path / f"disk-{name}", disk))
            (at / "ballast").write_bytes(bytes(disk - left))
            record = {"folder": str(at), "segment_s": 4, "free_floor_bytes": floor, "max_bytes": 1_500_000}
            said = stack.enter_context((tmp_path / f"{name}.log").open("w+"))
            command = [sys.executable, "-m", "edge", "run", "-c", str(configuration(tmp_path, name, seconds, record))]
            runs[name] = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said))
        for name in runs:
            log = tmp_path / f"{name}.log"
            assert eventually(lambda log=log: "counting goes on" in log.read_text(), 30), log.read_text()
        full_at_ns = {name: committed_ns(tmp_path / name) for name in runs}
        time.sleep(0.5)
        for name in runs:
            assert (committed_ns(tmp_path / name) or 0) > (full_at_ns[name] or 0), "counting stopped with the disk"
            (tmp_path / f"disk-{name}" / "ballast").unlink()
        for name, process in runs.items():
            assert process.wait(240) == 0, (tmp_path / f"{name}.log").read_text()
        for name, reason in (("full", "the disk is full; free some room"), ("floor", "free_floor_bytes keeps 2 MB; free some room")):
            log = (tmp_path / f"{name}.log").read_text()
            assert log.count("counting goes on") == 1, log
            assert reason in log
            assert "recording goes on" in log
            totals, grid = kept(tmp_path / name)
            assert totals == peace[0]
            assert np.array_equal(grid, peace[1])
            clips = listed(tmp_path / name)
            assert [Path(clip["path"]) for clip in clips] == sorted((tmp_path / f"disk-{name}" / CAMERA).iterdir())
            ends = [play(Path(clip["path"])) for clip in clips]
            assert all(clip["state"] in ("closed", "cut") and clip["pictures"] > 0 for clip in clips)
            assert len(ends) > 2  # it went on for more than one file
