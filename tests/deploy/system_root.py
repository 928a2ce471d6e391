"""A whole small system with a real systemd in it, of which nothing is left: the material of the deployment tests. No expectation lives here.

The root is made once by debootstrap and kept; each test boots it below an overlay in memory (systemd-nspawn). The program runs from this
checkout and this environment's packages, mounted read-only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pytest

from tests.debian import debian

ROOT = Path(__file__).parents[2]
CHECKOUT = "/opt/checkout"
ENVIRONMENTS = ("/opt/environments/first", "/opt/environments/second")
_PACKAGES = "systemd,systemd-sysv,udev,dbus,python3,ca-certificates,libgl1,libglib2.0-0"
_NAME = "edge-test"


def system_root() -> Path:
    """A minimal Debian; made now if it is not there. Skips the test, by name, where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("a system root is made and booted by root only")
    for tool in ("debootstrap", "systemd-nspawn"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (make system-packages)")
    return debian("bookworm", include=_PACKAGES)


def environment(folder: Path) -> Path:
    """What stands for a Python environment in a root: this interpreter and these packages, at places that no home hides."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (folder / "bin").mkdir(parents=True)
    python = f"LD_LIBRARY_PATH=/opt/python/lib PYTHONPATH={CHECKOUT}:/opt/site-packages exec /opt/python/bin/{version}"
    for name, command in (("python", python), ("edge", f"{python} -m edge")):
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\n{command} "$@"\n')
        script.chmod(0o755)
    return folder


def mounts(folder: Path) -> dict[Path, str]:
    """What a root sees of this side, and where. Environments are made in `folder`."""
    site = next(path for path in map(Path, sys.path) if path.name == "site-packages" and (path / "numpy").exists())
    seen = {ROOT: CHECKOUT, Path(sys.base_prefix): "/opt/python", site: "/opt/site-packages"}
    return seen | {environment(folder / Path(name).name): name for name in ENVIRONMENTS}


class System:
    """A booted system. `run` runs a command in it; `at` is a path of it as this side sees it."""

    def __init__(self, root: Path, folder: Path, *, state: Path | None = None) -> None:
        """`state`: a folder of this side that is its /var/lib/edge. SQLite resolves links, and opens nothing by `at`."""
        self._log = folder / "console.log"
        self._words = [
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            f"--machine={_NAME}-{os.getpid()}",
            f"--directory={root}",
            "--volatile=overlay",
            "--console=pipe",
            "--private-network",
            *(f"--bind-ro={here}:{there}" for here, there in mounts(folder).items()),
            *([] if state is None else [f"--bind={state}:/var/lib/edge"]),
            "--boot",
            "systemd.unit=multi-user.target",
        ]
        self._stack = ExitStack()
        self._leader = 0

    def __enter__(self) -> System:
        out = self._stack.enter_context(self._log.open("wb"))
        self._nspawn = subprocess.Popen(self._words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self._stack.callback(self._end)
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s and self._nspawn.poll() is None:
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            if children:
                self._leader = int(children[0])
                if self.run("systemctl is-system-running", check=False).strip() in ("running", "degraded"):
                    return self
            time.sleep(0.2)
        self._stack.close()
        pytest.skip(f"no system could be booted here: {self._log.read_text(errors='replace').strip()[-300:]}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _end(self) -> None:
        if self._nspawn.poll() is None:
            self._nspawn.terminate()
            try:
                self._nspawn.wait(5)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait()

    def run(self, command: str, *, check: bool = True, timeout_s: float = 90) -> str:
        """The output of a shell's command, both streams."""
        words = [
            "nsenter",
            f"--target={self._leader}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
            "--",
            "/bin/sh",
            "-c",
            command,
        ]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, env=environment, check=False)
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def at(self, path: str) -> Path:
        return Path(f"/proc/{self._leader}/root") / path.lstrip("/")

    def property(self, name: str, unit: str = "edge") -> str:
        return self.run(f"systemctl show --property {name} --value {unit}").strip()


def wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether `condition` came true in time."""
    until_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.1)
    return True
