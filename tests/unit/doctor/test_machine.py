"""Facts about the machine that this runs on: commands that end in time, files that cannot be read, vendors asked in another process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.doctor import Machine


def test_a_command_answers_with_its_words_and_its_code() -> None:
    said = Machine().run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (said.out, said.err, said.code, said.well, said.why) == ("out\n", "err\n", 3, False, "err")


def test_a_command_that_is_not_there_is_said_so() -> None:
    said = Machine().run("no-such-command-here")
    assert (said.code, said.why) == (None, "there is no command no-such-command-here")


def alive(process: str) -> bool:
    """Whether a process still runs; one that is dead and not buried yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_command_that_never_returns_is_killed_with_what_it_started_and_said_so(tmp_path: Path, eventually: Callable[..., bool]) -> None:
    child = tmp_path / "child"
    said = Machine(timeout_s=0.5).run("sh", "-c", f"sleep 300 & echo $! > {child}; wait")
    assert said.code is None
    assert said.why == "sh did not return within 0.5 s"
    assert eventually(lambda: not alive(child.read_text().strip()))


def test_files_are_looked_up_below_the_root_and_read_as_nothing_where_they_cannot(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "model").write_bytes(b"NVIDIA Jetson\0")
    machine = Machine(tmp_path)
    assert machine.text("/etc/model") == "NVIDIA Jetson"
    assert machine.text("/etc") == machine.text("/none") == ""
    assert machine.names("/none") == []


def test_names_are_sorted_as_a_person_counts(tmp_path: Path) -> None:
    for name in ("video10", "video2", "media0"):
        (tmp_path / name).touch()
    assert Machine(tmp_path).names("/") == ["media0", "video2", "video10"]


def test_a_device_is_told_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    assert Machine(tmp_path).device("/video0") == "foreign"
    assert Machine(tmp_path).device("/video1") == "missing"
    assert Machine().device("/dev/null") == "there"


def test_vendors_are_asked_in_another_process() -> None:
    answer = Machine().vendors("import", "numpy", "no_such_module_here")
    assert answer["numpy"]["version"][0].isdecimal()
    assert answer["no_such_module_here"] == {"missing": "no_such_module_here"}
    assert "numpy" in Machine().vendors("distributions", "numpy", "no-such-thing")


def test_a_vendors_library_that_hangs_or_crashes_takes_only_that_process_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hangs_at_import.py").write_text("import time\ntime.sleep(300)\n")
    (tmp_path / "dies_at_import.py").write_text("import os\nos.abort()\n")
    (tmp_path / "raises_at_import.py").write_text("print('noise')\nraise OSError('libGL.so.1: cannot open shared object file')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "did not return within 2 s" in Machine(timeout_s=2).vendors("import", "hangs_at_import")["error"]
    assert Machine().vendors("import", "dies_at_import") == {"error": "Python was ended by signal 6 in it"}
    raised = Machine().vendors("import", "raises_at_import")
    assert raised == {"raises_at_import": {"error": "libGL.so.1: cannot open shared object file"}}
