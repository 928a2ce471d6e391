"""Writes docker/requirements*.txt: what each image installs, as versions and digests, from the ranges in pyproject.toml. It needs uv, and installs nothing.

One file serves Python 3.10 to 3.13 and both x86_64 and aarch64: markers choose the version, and every file of a version is listed by its SHA-256. No
address is written: where packages come from is the builder's own setting.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docker"
SOURCE_ONLY = ("pycuda",)
"""Of these there is no wheel; the Jetson's image compiles them, once."""
HEADLESS = "opencv-python", "opencv-python-headless"
"""The same library without windows, which no container has."""


class Pins(NamedTuple):
    """A file of pins: what it is made of, and whose pins it builds upon and leaves out."""

    wanted: tuple[str, ...]
    upon: str | None
    says: str
    without: tuple[str, ...] = ()
    """What others ask for and nobody may have."""


def pins() -> dict[str, Pins]:
    """File name -> what is to be in it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    return {
        "requirements.txt": Pins(_headless(project["dependencies"]), None, "What the service needs on every machine."),
        "requirements-jetson.txt": Pins(
            tuple(line for line in extras["jetson"] if name_of(line) != "tensorrt"),
            "requirements.txt",
            "What a GPU needs beside it; TensorRT is JetPack's own.",
        ),
        "requirements-demo.txt": Pins(tuple(extras["demo"]), "requirements.txt", "What `edge demo` needs beside it."),
        "requirements-export.txt": Pins(
            _headless([*extras["export"], *project["dependencies"]]),
            None,
            "What makes an ONNX of a .pt; Ultralytics is under AGPL-3.0.",
            without=(HEADLESS[0],),
        ),
        "requirements-build.txt": Pins(
            ("pip>=24", "setuptools", "wheel", *backend), None, "What builds our wheel and pycuda's; in no image."
        ),
    }


def name_of(requirement: str) -> str:
    """The package that a line asks for."""
    return re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def write(uv: str, *, upgrade: bool) -> None:
    for file, wanted in pins().items():
        path = FOLDER / file
        text = _compiled(uv, wanted, path if path.is_file() and not upgrade else None)
        path.write_text(f"# {wanted.says} Made by scripts/make_requirements.py; not to be edited.\n{text}")
        print(f"{path.relative_to(ROOT)}: {len(re.findall(r'^[a-z]', text, re.MULTILINE))} packages")


def _compiled(uv: str, wanted: Pins, kept: Path | None) -> str:
    """The pins of `wanted`; those that are in `kept` stay as they are where they can."""
    command = [uv, "pip", "compile", "-", "--universal", "--python-version", "3.10", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--no-python-downloads", "--quiet", "--no-config"]
    command += [word for name in SOURCE_ONLY for word in ("--no-binary", name)]
    left_out = set(wanted.without)
    if wanted.upon:
        upon = FOLDER / wanted.upon
        command += ["--constraints", str(upon)]
        left_out |= names_in(upon.read_text())
    command += [word for name in sorted(left_out) for word in ("--no-emit-package", name)]
    if kept is not None:
        command += ["--output-file", str(kept)]
    lines = "\n".join(f"{line}; sys_platform == 'linux'" for line in wanted.wanted)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"uv cannot resolve {', '.join(wanted.wanted)}:\n{done.stderr}")
    return done.stdout if kept is None else kept.read_text()


def names_in(text: str) -> set[str]:
    """The packages that a file of pins names."""
    return {name_of(line) for line in text.splitlines() if re.match(r"[A-Za-z]", line)}


def _headless(lines: list[str]) -> tuple[str, ...]:
    return tuple(line.replace(HEADLESS[0], HEADLESS[1]) if name_of(line) == HEADLESS[0] else line for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--uv", default="uv", help="the program (uv)")
    parser.add_argument("--upgrade", action="store_true", help="take newer versions than those that are pinned")
    given = parser.parse_args()
    write(given.uv, upgrade=given.upgrade)
