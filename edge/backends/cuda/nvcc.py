"""From a .cu file to the code of one GPU, by nvcc, kept in a folder. It needs no GPU and no pycuda, so that an image can be filled beforehand.

nvcc and not NVRTC: JetPack and every CUDA toolkit bring it, it compiles files with their includes as they are, and it is needed once. Where it
is missing (a container without the toolkit) code that was compiled before is used.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from edge.errors import DeviceError

log = logging.getLogger(__name__)

SOURCES = tuple(sorted(Path(__file__).parent.glob("*.cu")))
"""The room's kernels."""
FLAGS = ("-O3", "-std=c++17")
_TIMEOUT_S = 300


def find_nvcc() -> Path | None:
    """nvcc of CUDA_HOME, else of the PATH, else of the usual place, which JetPack does not put on the PATH."""
    home = os.environ.get("CUDA_HOME")
    for place in (Path(home, "bin", "nvcc") if home else None, shutil.which("nvcc"), Path("/usr/local/cuda/bin/nvcc")):
        if place is not None and os.access(place, os.X_OK):
            return Path(place)
    return None


def cubin(source: Path, arch: str, folder: Path) -> bytes:
    """The code of the kernels in `source` for the GPU `arch` (``sm_87``): from `folder`, or compiled now and kept there.

    Kept under the digest of the source and its headers, the GPU's kind and nvcc's version: what does not fit is never found. Where nvcc is
    missing or fails, what another one made of this source is taken. A folder that cannot be written costs a warning and a compilation a
    start. DeviceError, one sentence, where there is nothing kept, and no nvcc or it refuses.
    """
    nvcc = find_nvcc()
    if nvcc is None:
        kept = _kept(source, arch, folder)
        if kept is None:
            raise DeviceError(
                f"nvcc is needed once to compile {source.name} for {arch}, and is neither in CUDA_HOME nor on PATH; "
                "install the CUDA toolkit (JetPack: cuda-toolkit), or choose `backend: cpu`"
            )
        return kept
    try:
        path = folder / kept_as(source, arch, nvcc_version(nvcc))
        if code := _read(path):
            return code
        code = _compile(nvcc, source, arch)
    except DeviceError as error:
        kept = _kept(source, arch, folder)
        if kept is None:
            raise
        log.warning("%s; what was compiled before is used", error)
        return kept
    _keep(path, code)
    return code


def _kept(source: Path, arch: str, folder: Path) -> bytes | None:
    """What any toolkit made of this very source, the newest first."""
    with suppress(OSError):
        paths = sorted(folder.glob(kept_as(source, arch, "*")), key=lambda path: path.stat().st_mtime, reverse=True)
        return next(filter(None, map(_read, paths)), None)
    return None


def _read(path: Path) -> bytes:
    """Its code; nothing where there is none. An empty file is what some file systems leave of one that was new when power was cut."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def all_kept(arch: str, folder: Path) -> bool:
    """Whether all kernels of this room are there for the GPU `arch`, so that no nvcc is needed."""
    return all(_kept(source, arch, folder) is not None for source in SOURCES)


def kept_as(source: Path, arch: str, toolkit: str) -> str:
    """The name of the file in which what a toolkit (its nvcc's version) made of a source is kept."""
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for path in (source, *sorted(source.parent.glob("*.cuh"))):
        digest.update(path.read_bytes())
    return f"{source.stem}-{digest.hexdigest()[:16]}-{arch}-cuda{toolkit}.cubin"


@cache
def nvcc_version(nvcc: Path) -> str:
    """Its full version, ``13.0.88``."""
    said = _run([str(nvcc), "--version"], "saying its version").stdout
    found = re.search(r"\bV([\d.]+)", said)
    if found is None:
        raise DeviceError(f"{nvcc} does not say its version; reinstall the CUDA toolkit, or set CUDA_HOME to another one")
    return found[1]


def _compile(nvcc: Path, source: Path, arch: str) -> bytes:
    log.info("compiling %s for %s, once", source.name, arch)
    try:
        with tempfile.TemporaryDirectory(prefix="edge-nvcc-") as folder:
            out = Path(folder, "out.cubin")
            _run([str(nvcc), "-cubin", f"-arch={arch}", *FLAGS, "-o", str(out), str(source)], f"compiling {source.name} for {arch}")
            return out.read_bytes()
    except OSError as error:
        raise DeviceError(
            f"{source.name} cannot be compiled: {error.filename or tempfile.gettempdir()} cannot be used ({error.strerror}); make room there, or set TMPDIR"
        ) from error


def _run(command: list[str], doing: str) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(
            f"{command[0]} failed at {doing} ({error}); reinstall the CUDA toolkit, or set CUDA_HOME to another one"
        ) from error
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line or "fatal" in line]
        said = lines[0].strip() if lines else f"it ended with {done.returncode}"
        raise DeviceError(f"{command[0]} failed at {doing}: {said}; use a CUDA toolkit that knows this GPU, or choose `backend: cpu`")
    return done


def _keep(path: Path, code: bytes) -> None:
    """Write it beside and rename it: others see all of it or nothing."""
    half: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".cubin-", delete=False) as file:
            half = Path(file.name)
            file.write(code)
            file.flush()
            os.fsync(file.fileno())  # or a power cut leaves the name and no content
        half.replace(path)
    except OSError as error:
        if half is not None:
            half.unlink(missing_ok=True)
        log.warning(
            "compiled kernels cannot be kept in %s (%s), every start compiles them again; make it writable, or set EDGE_CACHE",
            path.parent,
            error,
        )
