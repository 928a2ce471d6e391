"""A copy of deploy/, set up by its own script as on a device: the material of the container tests. No expectation lives here."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT


def set_up(folder: Path, *words: str) -> Path:
    """`deploy` copied to `folder`, and set up there as `words` say; its compose folder. Skips by name where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("setup.sh gives secrets to the containers' users, which only root may")
    missing = [tool for tool in ("openssl", "mosquitto_passwd") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    listed = ["git", "ls-files", "deploy/compose", "deploy/mqtt/mosquitto"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    again(folder / "deploy" / "compose", *words)
    return folder / "deploy" / "compose"


def again(compose: Path, *words: str) -> str:
    """Run its setup.sh; what it said."""
    done = subprocess.run([str(compose / "setup.sh"), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def everything(folder: Path) -> dict[str, tuple[bytes, int, int, int]]:
    """Path -> content, mode, owner and group of each file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            about = path.stat()
            found[str(path.relative_to(folder))] = path.read_bytes(), stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid
    return found
