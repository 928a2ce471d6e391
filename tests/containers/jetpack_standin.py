"""Packages that stand in for JetPack's, so that the Jetson's Dockerfile can be carried out where there is no Jetson: their names, and as much in them as
a build touches. No expectation lives here.

CUDA's headers are NVIDIA's own, from PyPI; nvcc is the tests' stand-in, which compiles kernels for a CPU; TensorRT's Python is an empty module. So
what is shown is that the Dockerfile's steps fit each other, not that anything of it runs on a GPU.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

TOOLKIT = ROOT / "tests" / "cuda_host" / "toolkit"
HEADERS = ("nvidia-cuda-runtime==13.0.*", "nvidia-cuda-profiler-api==13.0.*")
CUDA = "12-6"


def repository(folder: Path) -> Path:
    """A folder that apt can take packages from."""
    target = folder / "headers"
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), *HEADERS]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"CUDA's headers cannot be had: {done.stderr.strip().splitlines()[-1:]}")
    include = next(target.rglob("cuda.h")).parent
    contents: dict[str, dict[str, Path | str]] = {
        f"cuda-cudart-{CUDA}": {},
        f"cuda-cudart-dev-{CUDA}": {"usr/local/cuda/include": include},
        f"cuda-profiler-api-{CUDA}": {},
        f"cuda-nvcc-{CUDA}": {"usr/local/cuda/bin": TOOLKIT / "bin"},
        "python3-libnvinfer": {"usr/lib/python3/dist-packages/tensorrt/__init__.py": '__version__ = "10.3.0"\n'},
    }
    packages = folder / "packages"
    packages.mkdir()
    index = []
    for name, files in contents.items():
        tree = folder / name
        for where, what in files.items():
            place = tree / where
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(what, str):
                place.write_text(what)
            else:
                shutil.copytree(what, place)
        if name.startswith("cuda-nvcc"):  # beside its own includes, where the stand-in looks for them
            shutil.copytree(TOOLKIT / "include", tree / "usr/local/cuda/include/standin", ignore=shutil.ignore_patterns("__pycache__"))
            program = tree / "usr/local/cuda/bin/nvcc"
            program.write_text(program.read_text().replace('parents[1] / "include"', 'parents[1] / "include" / "standin"'))
            program.chmod(0o755)
        control = tree / "DEBIAN" / "control"
        control.parent.mkdir(parents=True)
        text = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: stands in for JetPack's\n"
        control.write_text(text)
        deb = packages / f"{name}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(deb)], check=True, capture_output=True)
        content = deb.read_bytes()
        index.append(f"{text}Filename: ./{deb.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n")
    (packages / "Packages").write_text("\n".join(index))
    return packages
