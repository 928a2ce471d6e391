"""Images built of this checkout, and containers run of them as the compose file confines them: the material of the container tests. No expectation lives here.

buildah builds (no daemon, chroot isolation), over a Debian that debootstrap makes; runc, which Docker itself uses, runs. What stands in for
Docker is the translation of a service of the compose file into runc's terms, in `Container`.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.debian import debian

COMPOSE = ROOT / "deploy" / "compose"
TOOLS = ROOT / ".venv-containers"
INIT = "/usr/bin/tini-static"
"""Docker's `init: true` is this program, too."""
NEEDED = ("debootstrap", "buildah", "runc", "tini-static")


def service_of(name: str, *files: str) -> dict[str, Any]:
    """A service of the compose file, with the last word of the files after it."""
    service: dict[str, Any] = {}
    for file in ("compose.yaml", *files):
        service |= yaml.safe_load((COMPOSE / file).read_text())["services"].get(name, {})
    return service


def base_root() -> Path:
    """A Debian with nothing in it but what is required (variant minbase); made once, and kept. Skips by name where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("images are built and confined here by root only")
    missing = [tool for tool in NEEDED if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (make system-packages)")
    return debian("bookworm-minbase")


class Images:
    """A store of images of its own, which leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = ["--root", str(folder / "storage"), "--runroot", str(folder / "run"), "--storage-driver", "overlay"]
        self._way = _way_to_packages(folder)

    def buildah(self, *words: str, timeout_s: float = 900) -> str:
        done = subprocess.run(
            ["nice", "-n", "5", "buildah", *self._store, *words], capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert done.returncode == 0, f"buildah {' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def imported(self, root: Path, name: str) -> None:
        """A root file system as an image."""
        working = self.buildah("from", "scratch").strip()
        self.buildah("add", "--quiet", working, str(root), "/")
        self.buildah("commit", "--quiet", "--rm", working, name)

    def built(self, dockerfile: str, name: str, *, context: Path = ROOT, cached: bool = True, options: Sequence[str] = ()) -> float:
        """Build and name an image; seconds that it took. Times in it are 1970, so the same content has the same digest."""
        began_s = time.monotonic()
        self.buildah(
            "bud",
            "--isolation=chroot",
            "--layers" if cached else "--no-cache",
            "--timestamp=0",
            f"--file={ROOT / 'docker' / dockerfile}",
            f"--tag={name}",
            *(f"--volume={here}:{there}:ro" for here, there in self._way.items()),
            *options,
            str(context),
        )
        return time.monotonic() - began_s

    def settings(self, name: str) -> dict[str, Any]:
        """What an image says of how it is run: Env, User, Entrypoint, Cmd, WorkingDir, Labels."""
        settings: dict[str, Any] = json.loads(self.buildah("inspect", "--type=image", name))["OCIv1"]["config"]
        return settings

    def layers(self, name: str) -> list[tuple[str, int]]:
        """Each layer's instruction and its bytes as a tar file, the lowest first."""
        out = self.folder / f"pushed-{uuid.uuid4().hex[:8]}"
        self.buildah("push", "--quiet", "--disable-compression", name, f"dir:{out}")
        sizes = [layer["size"] for layer in json.loads((out / "manifest.json").read_text())["layers"]]
        history = json.loads(self.buildah("inspect", "--type=image", name))["OCIv1"]["history"]
        shutil.rmtree(out)
        return list(zip([one.get("created_by", "") for one in history if not one.get("empty_layer")], sizes, strict=True))

    def layers_mb(self, name: str) -> list[tuple[str, float]]:
        """The same for people: the instruction's beginning, megabytes; without those that only make a folder."""

        def short(instruction: str) -> str:
            words = re.sub(r"\s+", " ", instruction.removeprefix("/bin/sh -c ").replace("#(nop) ", "")).strip()
            return re.sub(r"(COPY) \w+:[0-9a-f]+", r"\1", words)[:90]

        return [(short(how), round(size / 1e6, 1)) for how, size in self.layers(name) if size > 20_000]

    def mounted(self, name: str) -> Path:
        """The root of a container of an image, as this side sees it."""
        return Path(self.buildah("mount", self.buildah("from", "--pull=never", name).strip()).strip())

    def remove(self) -> None:
        subprocess.run(["buildah", *self._store, "rm", "--all"], capture_output=True, check=False)
        subprocess.run(["buildah", *self._store, "rmi", "--all", "--force"], capture_output=True, check=False)


def _way_to_packages(folder: Path) -> dict[Path, str]:
    """Where this machine's pip has its packages from holds inside a build too; nothing of it comes into an image."""
    words = [sys.executable, "-m", "pip", "config", "list"]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    pairs = dict(line.partition("=")[::2] for line in said)
    mounts, pip = {}, configparser.ConfigParser()
    pip["global"] = {}
    for key, value in pairs.items():
        name, text = key.rpartition(".")[2], value.strip("'")
        if name == "cert" and Path(text).is_file():
            mounts[Path(text)] = "/etc/pip-certificates.pem"
            pip["global"]["cert"] = "/etc/pip-certificates.pem"
        elif name in ("index-url", "proxy", "trusted-host", "timeout") and "file:" not in text:
            pip["global"][name] = text
    file = folder / "pip.conf"
    with file.open("w") as out:
        pip.write(out)
    return {**mounts, file: "/etc/pip.conf"}


class Container:
    """A container of an image, confined as a service of the compose file says. A context manager; it is gone at its end.

    Args:
        service: user, read_only, cap_drop, security_opt, tmpfs, init, group_add, command: those that Docker hands to the kernel.
        volumes: folder or file of this side -> where it is there; read-only with ``:ro`` behind it.
        network: whether it shares this machine's network; else it has a loopback of its own and nothing more.
    """

    def __init__(
        self,
        images: Images,
        image: str,
        service: Mapping[str, Any],
        *,
        command: Sequence[str] | None = None,
        entrypoint: Sequence[str] | None = None,
        volumes: Mapping[Path, str] | None = None,
        network: bool = False,
    ) -> None:
        self.name = f"edge-{uuid.uuid4().hex[:8]}"
        self._bundle = images.folder / self.name
        self._bundle.mkdir()
        self._runc = ["runc", "--root", str(images.folder / "runc")]
        settings = images.settings(image)
        arguments = [*(settings["Entrypoint"] if entrypoint is None else entrypoint)]
        arguments += service.get("command") or settings.get("Cmd") or [] if command is None else command
        self._root = images.mounted(image)
        configuration = _configuration(service, settings, arguments, self._root, volumes or {}, network)
        (self._bundle / "config.json").write_text(json.dumps(configuration))
        self.log = self._bundle / "log"

    def __enter__(self) -> Container:
        self._out = self.log.open("wb")
        self.process = subprocess.Popen(
            [*self._runc, "run", "--bundle", str(self._bundle), self.name], stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._out
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        subprocess.run([*self._runc, "delete", "--force", self.name], capture_output=True, check=False)
        self.process.wait(10)
        self._out.close()

    @property
    def words(self) -> str:
        """What it has said so far, both streams."""
        return self.log.read_text(errors="replace")

    def run(self, timeout_s: float) -> str:
        """To its end; what it said. Its exit code is `process.returncode`."""
        with self:
            self.process.wait(timeout_s)
        return self.words

    def ask(self, *command: str) -> tuple[int, str]:
        """Exit code and words of a command inside it, as a health check is run."""
        done = subprocess.run([*self._runc, "exec", self.name, *command], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def counts(self, health: Sequence[str]) -> bool:
        """Whether its health check, the command `health`, speaks of frames that were counted on."""
        code, says = self.ask(*health)
        return code == 0 and re.search(r"\b[1-9]\d* frames counted on", says) is not None

    def signal(self, name: str) -> None:
        subprocess.run([*self._runc, "kill", self.name, name], check=True, capture_output=True)


def _configuration(
    service: Mapping[str, Any], settings: Mapping[str, Any], arguments: list[str], root: Path, volumes: Mapping[Path, str], network: bool
) -> dict[str, Any]:
    """A service as an OCI runtime is told of it; what is left out is what Docker's own defaults are."""
    assert service["cap_drop"] == ["ALL"], "only a service without capabilities is translated here"
    user, group = (int(number) for number in str(service["user"]).split(":"))
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    ]
    for line in service.get("tmpfs", ()):
        where, _, options = line.partition(":")
        mounts.append(
            {"destination": where, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "noexec", *options.split(",")]}
        )
    if service.get("init"):
        volumes = {Path(INIT): "/sbin/docker-init:ro", **volumes}
        arguments = ["/sbin/docker-init", "--", *arguments]
    for here, there in volumes.items():
        where, _, mode = there.partition(":")
        mounts.append({"destination": where, "type": "bind", "source": str(here), "options": ["rbind", mode or "rw"]})
    return {
        "ociVersion": "1.0.2",
        "hostname": "edge",
        "root": {"path": str(root), "readonly": bool(service.get("read_only"))},
        "mounts": mounts,
        "process": {
            "terminal": False,
            "user": {"uid": user, "gid": group, "additionalGids": [44] if service.get("group_add") else []},
            "args": arguments,
            "env": settings.get("Env", []),
            "cwd": service.get("working_dir") or settings.get("WorkingDir") or "/",
            "capabilities": {kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")},
            "noNewPrivileges": "no-new-privileges:true" in service.get("security_opt", ()),
        },
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", *(() if network else ("network",)))],
            "resources": {"pids": {"limit": service["pids_limit"]}} if "pids_limit" in service else {},
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }
