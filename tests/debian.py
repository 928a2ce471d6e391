"""A small Debian that is made once and kept: what deployment and container tests start from. What is put into it is theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

KEPT = Path(os.environ.get("EDGE_TEST_ROOTS") or "/var/cache/edge-tests")
_MIRROR = os.environ.get("EDGE_TEST_MIRROR")
"""Where debootstrap takes its packages from; None for its own choice."""


def debian(name: str, *, include: str = "") -> Path:
    """The root `name` of Debian bookworm, variant minbase and the packages in `include`. Skips the test, by name, where it cannot be made."""
    root, made = KEPT / name, KEPT / f"{name}.part"
    if (root / "etc" / "debian_version").exists():
        return root
    for mounted in ("proc", "sys"):  # a debootstrap that was killed leaves them, and what is under them is this machine's
        subprocess.run(["umount", "--recursive", str(made / mounted)], capture_output=True, check=False)
    if os.path.ismount(made / "proc") or os.path.ismount(made / "sys"):
        pytest.skip(f"{made} cannot be cleared: a file system is mounted in it")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    words = ["debootstrap", "--variant=minbase", *([f"--include={include}"] if include else []), "bookworm", str(made)]
    done = subprocess.run([*words, *([_MIRROR] if _MIRROR else [])], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"debootstrap made no root: {done.stdout.strip().splitlines()[-1:]}")
    made.rename(root)
    return root
