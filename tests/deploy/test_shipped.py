"""What deploy/ ships, looked at without a system to install it into; that is `test_install`'s and `test_service`'s."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edge.config import load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
INSTALL = DEPLOY / "install.sh"
UNIT = (DEPLOY / "systemd" / "edge.service").read_text()


def installs(*words: str) -> subprocess.CompletedProcess[str]:
    """The script, as somebody runs it who has a Python of the system's: one below a home is refused, for no service sees it."""
    python = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(path).exists()), None)
    if shutil.which("systemctl") is None or python is None:
        pytest.skip("there is no systemd on this machine, or no Python of the system's")
    environment = {**os.environ, "PYTHON": python}
    return subprocess.run(["bash", str(INSTALL), *words], env=environment, capture_output=True, text=True, timeout=180, check=False)


def test_the_scripts_pass_shellcheck() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (make system-packages)")
    done = subprocess.run(
        ["shellcheck", str(INSTALL), str(DEPLOY / "systemd" / "edge-command")], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_a_dry_run_needs_nothing_and_shows_each_step() -> None:
    done = installs("native", "--dry-run")
    assert done.returncode == 0, done.stderr
    steps = re.findall(r"^==> (.*)$", done.stdout, re.M)
    assert steps[0] == "system packages"
    assert steps[-1] == "at boot, and now"
    assert "nothing was changed" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "sudo deploy/install.sh native"),
        (("nativ",), "nativ is unknown"),
        (("native", "compose"), "one at a time"),
        (("native", "--purge"), "goes with uninstall only"),
        (("compose", "--config", "/dev/null"), "go with native only"),
        (("native", "--config"), "needs something behind it"),
        (("native", "--config", "/no/such.yaml", "--dry-run"), "there is no file /no/such.yaml"),
        (("native", "--root", "/dev", "--dry-run"), "/dev is no root of a system"),
    ],
)
def test_wrong_usage_is_answered_in_a_sentence_and_with_2(words: tuple[str, ...], says: str) -> None:
    done = installs(*words)
    assert done.returncode == 2
    assert says in done.stderr


def test_the_first_configuration_is_right() -> None:
    config = load(DEPLOY / "systemd" / "edge.yaml")
    assert config.state == Path("/var/lib/edge")


def test_the_unit_waits_longer_than_the_program_needs() -> None:
    """Numbers that stand in two files: what the program may need to end, and what the unit gives it."""
    from edge.app import RunOptions

    assert int(re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.M)[1]) >= 2 * RunOptions().drain_s  # type: ignore[index]
    assert "RestartPreventExitStatus=2" in UNIT  # a UsageError's
    assert "Restart=always" in UNIT


def test_the_sandbox_leaves_little() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd on this machine")
    unit = str(DEPLOY / "systemd" / "edge.service")
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", unit], capture_output=True, text=True, check=False)
    score = re.search(r"exposure level for edge.service: ([\d.]+)", done.stdout)
    if score is None:
        pytest.skip(f"this systemd scores no files: {done.stderr.strip()[-200:]}")
    assert float(score[1]) < 2.5


def said_within(seconds: float, ears: socket.socket) -> list[str]:
    """What is said until nothing was for so long."""
    ears.settimeout(seconds)
    said = []
    while True:
        try:
            said.append(ears.recv(4096).decode())
        except TimeoutError:
            return said


def test_a_service_manager_hears_a_real_run_begin_go_on_and_end(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text("model: scene\ncameras: {plaza: {source: 'synthetic://plaza?size=320x180&fps=10', heatmap: null}}\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind(str(tmp_path / "notify"))
        ears.settimeout(60)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        words = [sys.executable, "-m", "edge", "run", "-c", str(config), "--state", str(tmp_path / "state"), "--realtime"]
        process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            said = [ears.recv(4096).decode()]
            assert said[0].startswith("READY=1")
            while "STATUS=1 of 1 cameras live" not in said[-1]:
                said.append(ears.recv(4096).decode())
            pings = sum("WATCHDOG=1" in ears.recv(4096).decode() for _ in range(4))
            assert pings == 4
            process.send_signal(signal.SIGSTOP)
            said_within(0.2, ears)  # what was on its way
            assert said_within(1.0, ears) == []
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
            ears.settimeout(30)
            while "STOPPING=1" not in said[-1]:
                said.append(ears.recv(4096).decode())
            assert process.wait(90) == 0
        finally:
            process.kill()
            process.wait()
