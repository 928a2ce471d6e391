"""deploy/README.md: its commands exist with their options, its table follows its formula, its paths and keys are there. What they do is others' test."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from edge.cli.main import _parser
from edge.config import Config
from edge.sinks.options import RecordOptions
from tests.deploy.test_shipped import installs

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "README.md").read_text()
BLOCKS = [line for block in re.findall(r"```bash\n(.*?)```", TEXT, re.S) for line in block.splitlines()]
SYMPTOMS = re.search(r"\| symptom .*?\n\|[-|]+\n(.*)", TEXT, re.S)
INLINE = [command for text in re.findall(r"`([^`\n]+)`", TEXT) for command in text.split(" && ")]

THEIRS = ("sudo nvpmodel", "sudo jetson_clocks", "systemctl ", "sudo systemctl ", "journalctl ", "sudo cp ", "sudoedit ")
THEIRS += ("udevadm ", "sudo udevadm ", "sudo apt-get install ", "cd ", "sudo docker compose ")


def commands_of_edge() -> list[str]:
    """Every `edge ...` that the page writes, in a block, in a sentence or behind a container's name."""
    found = []
    for command in BLOCKS + INLINE:
        words = re.search(r"(?:^|exec edge )(edge (?:run|doctor|build|bench|config|snapshot|demo|eval|video) \S.*|edge doctor)$", command)
        if words:
            found.append(words[1])
    return sorted(set(found))


@pytest.mark.parametrize("command", commands_of_edge())
def test_a_command_and_its_options_exist(command: str) -> None:
    if command == "edge run --view":  # alone it shows an option; what it runs is the reader's
        command += " --source 0"
    _parser().parse_args(shlex.split(command)[1:])


def test_what_is_not_ours_is_a_known_program() -> None:
    ours = ("edge ", "sudo deploy/install.sh ", "sudo docker/build.sh jetson ")
    unknown = [line for line in BLOCKS for each in line.split(" && ") if not f"{each} ".startswith(ours + THEIRS)]
    assert unknown == []


@pytest.mark.parametrize("line", [line for line in BLOCKS if line.startswith("sudo deploy/install.sh")])
def test_an_installation_can_be_rehearsed(line: str) -> None:
    done = installs(*shlex.split(line)[2:], "--dry-run")
    assert done.returncode == 0, done.stderr


def test_the_estimate_follows_its_formula() -> None:
    rows = re.findall(r"^\| (?:Orin|AGX)[^|]*\| ([\d.]+) \| ([\d.]+) \| (\d+) \| (\d+) \| (GPU|CPU) \|$", TEXT, re.M)
    assert len(rows) == 4
    assert "`0.7 x 1000 / (fps x (n + 2))`" in TEXT
    assert "`0.7 x 2 x 1000 / (fps x 6.9 x k)`" in TEXT
    for n, k, at_15, at_30, binds in rows:
        for fps, said in ((15, at_15), (30, at_30)):
            gpu, cpu = 700 / (fps * (float(n) + 2)), 1400 / (fps * 6.9 * float(k))
            assert int(said) == int(min(gpu, cpu))
            assert binds == ("GPU" if gpu < cpu else "CPU")
    published = dict(re.findall(r"^\| Jetson ([^|]+) \| ([\d.]+) ms, published", (ROOT / "README.md").read_text(), re.M))
    assert [row[0] for row in rows] == list(published.values())


def test_every_symptom_has_a_command_and_a_remedy() -> None:
    assert SYMPTOMS is not None
    rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in SYMPTOMS[1].strip().splitlines()]
    assert all(len(row) == 3 and all(row) and "`" in row[1] for row in rows)
    said = " ".join(row[0] for row in rows)
    for symptom in ("CSI in a container", "nvargus", "engine", "no display", "clock", "disk", "broker"):
        assert symptom in said


def test_paths_and_keys_that_it_names_are_there() -> None:
    paths = re.findall(r"`((?:deploy|docker|tests|scripts)/[\w./-]+)`", TEXT)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert {key for key in re.findall(r"`record\.(\w+)`", TEXT)} <= set(RecordOptions.__dataclass_fields__)
    assert {"record", "live_pictures", "metrics"} <= set(Config.model_fields)


def test_its_times_are_those_of_the_unit() -> None:
    unit = (ROOT / "deploy" / "systemd" / "edge.service").read_text()
    watchdog_s = int(re.search(r"^WatchdogSec=(\d+)$", unit, re.M)[1])  # type: ignore[index]
    assert f"end after {watchdog_s // 2} s, {watchdog_s} s later it is ended by SIGABRT" in TEXT
    pause_s = re.search(r"^RestartSec=(\d+)$", unit, re.M)[1]  # type: ignore[index]
    assert f"started again after {pause_s} s (JetPack 7: growing to 2 minutes)" in TEXT
    assert "RestartMaxDelaySec=2min" in (ROOT / "deploy" / "systemd" / "edge.service.d" / "growing-pauses.conf").read_text()
