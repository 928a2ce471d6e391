"""Engines, int8 networks and networks of another size, made by a process of their own. What that process does is `job`'s; which engine is wanted, `cache`'s."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from edge.data import Size
from edge.engine.file import EngineFile, read_engine
from edge.engine.options import EngineOptions
from edge.engine.progress import OnProgress, Progress
from edge.errors import DeviceError, ModelError

log = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[2]
_START = f"import sys; sys.path.append({str(_ROOT)!r}); from edge.engine.job import main; main(sys.argv[1])"
_LEAST_MEMORY_MIB = 1024
"""What a build of a YOLO11n needs beside its workspace, the GPU's libraries included; an estimate."""
PATIENCE_S = 1800.0
"""A builder that has said nothing for so long hangs: on the smallest device a step of a YOLO11x takes minutes."""
_WORKING = ".build-"
"""Begins the names of folders in which something is being made; whoever finds one, and knows that nobody builds, may remove it."""


def build_engine(
    onnx: Path, out: Path, options: EngineOptions | None = None, *, compute_capability: str = "", on_progress: OnProgress = lambda _: None
) -> EngineFile:
    """Make the engine `out` of an ONNX, whole or not at all, for the GPU that is here (or, where TensorRT can, for another one).

    ModelError, in a sentence: the network cannot be taken (its node is named), there is too little memory or disk, the file cannot be written.
    DeviceError: there is no TensorRT, or no GPU.
    """
    options = options or EngineOptions()
    workspace_mib = _workspace(onnx, options.workspace_mib)
    log.info("building an engine of %s; on a small device this takes minutes", onnx)

    def make(to: Path) -> None:
        chosen = _run(
            {
                "verb": "build",
                "onnx": str(onnx.absolute()),
                "out": str(to),
                "precision": options.precision,
                "batch": options.batch,
                "workspace_mib": workspace_mib,
                "compute_capability": compute_capability,
            },
            on_progress,
        )
        log.info("%s: %s", out, chosen)

    _whole(onnx, out, make)
    return read_engine(out)


def quantise(onnx: Path, out: Path, pictures: Path, *, on_progress: OnProgress = lambda _: None) -> None:
    """Make `out`, an int8 ONNX with explicit Q/DQ, of a float32 one; `pictures` is what `calibration.gather` wrote. ModelError in a sentence."""

    def make(to: Path) -> None:
        job = {"verb": "quantise", "onnx": str(onnx.absolute()), "out": str(to), "pictures": str(pictures.absolute())}
        log.info("%s: %s", out, _run(job, on_progress))

    _whole(onnx, out, make)


def reshape(onnx: Path, out: Path, size: Size, *, for_cpu: bool = False) -> None:
    """Make `out`, the same network for pictures of `size`, of an ONNX for larger ones; `for_cpu`, in the operators that a CPU is quick at.

    ModelError in a sentence.
    """

    def make(to: Path) -> None:
        job = {
            "verb": "reshape",
            "onnx": str(onnx.absolute()),
            "out": str(to),
            "width": size.width,
            "height": size.height,
            "for_cpu": for_cpu,
        }
        _run(job, lambda _: None)

    _whole(onnx, out, make)


def network_size(onnx: Path) -> Size:
    """The size of a network's picture. ModelError unless it is the ONNX of a YOLO detection model of one size."""
    told = _run({"verb": "describe", "onnx": str(onnx.absolute())}, lambda _: None)
    return Size(told["width"], told["height"])


def builder_python() -> Path:
    """The interpreter that builds: the one that EDGE_BUILD_PYTHON names (it has TensorRT and onnx), else this one."""
    named = os.environ.get("EDGE_BUILD_PYTHON")
    return Path(named) if named else Path(sys.executable)


def sweep(folder: Path) -> None:
    """Remove what builders that were killed left in `folder`. Only for who knows that none is at work there."""
    for left in folder.glob(f"{_WORKING}*"):
        log.info("a build that was broken off left %s; it is removed", left)
        shutil.rmtree(left, ignore_errors=True)


def _whole(onnx: Path, out: Path, make: Callable[[Path], None]) -> None:
    """Let `make` write beside `out`, and take its place by a rename."""
    if not onnx.is_file():
        raise ModelError(f"there is no model file {onnx}; `edge build {onnx.stem}.pt` makes one of a YOLO11's weights")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        needed, free = 6 * onnx.stat().st_size + (16 << 20), shutil.disk_usage(out.parent).free
        if free < needed:
            raise ModelError(
                f"{out.parent} has {free / 1e6:.0f} MB free, and making {out.name} may need {needed / 1e6:.0f} MB; make room there,"
                " give another place with -o, or another cache with EDGE_CACHE"
            )
        with tempfile.TemporaryDirectory(prefix=_WORKING, dir=out.parent) as folder:
            made = Path(folder) / out.name
            make(made)
            os.replace(made, out)
    except OSError as error:
        raise ModelError(
            f"{out} cannot be written ({error.strerror}); give another file with -o, or another cache with EDGE_CACHE"
        ) from error


def _workspace(onnx: Path, wanted_mib: int) -> int:
    """MiB of workspace: what is wanted, or what is there. ModelError when even the least is not."""
    free_mib = free_memory_mib()
    if free_mib is None:
        return wanted_mib
    if free_mib < _LEAST_MEMORY_MIB:
        raise ModelError(
            f"there are {free_mib} MiB of memory free, and a build needs {_LEAST_MEMORY_MIB} MiB or more; stop what else runs here, add swap,"
            f" or build {onnx.stem}.engine on another device of this kind and copy it"
        )
    most = max(256, free_mib - _LEAST_MEMORY_MIB)
    if most < wanted_mib:
        log.info("of %d MiB of workspace only %d are given: no more memory is free", wanted_mib, most)
    return min(wanted_mib, most)


def free_memory_mib() -> int | None:
    """MiB that a new process can have, by /proc/meminfo; None where that cannot be told. A Jetson's GPU takes its memory from the same."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return None if found is None else int(found[1]) // 1024


def _run(job: dict[str, Any], on_progress: OnProgress) -> Any:
    """Have one job done; its answer. ModelError or DeviceError, in a sentence, when it was not."""
    python = builder_python()
    try:
        process = subprocess.Popen(
            [str(python), "-c", _START, json.dumps(job)],
            stdin=subprocess.PIPE,  # it ends when this does, whatever becomes of us
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ModelError(
            f"{python} cannot be run ({error.strerror}); set EDGE_BUILD_PYTHON to a Python that has TensorRT and onnx"
        ) from error
    assert process.stdout is not None
    assert process.stderr is not None
    mutter: deque[str] = deque(maxlen=20)
    listener = threading.Thread(target=_listen, args=(process.stderr, mutter), daemon=True)
    listener.start()
    answer: dict[str, Any] = {}
    with process, _Patience(process, PATIENCE_S) as patience:
        try:
            for line in process.stdout:
                patience.renew()
                answer = _heard(line, on_progress) or answer
            process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            listener.join(5)
    if "done" in answer:
        return answer["done"]
    if patience.ended:
        raise ModelError(
            f"the builder said nothing for {PATIENCE_S / 60:.0f} minutes and was ended; restart the machine, and start it again"
        )
    raise _failure(answer, process.returncode, python, mutter[-1] if mutter else "")


class _Patience:
    """Ends a process that does not say anything for a time: a GPU that hangs must not keep a device from counting without it."""

    def __init__(self, process: subprocess.Popen[str], patience_s: float) -> None:
        self._process, self._patience_s = process, patience_s
        self._heard, self._over = threading.Event(), False
        self._thread = threading.Thread(target=self._watch, name="builder's patience", daemon=True)
        self.ended = False

    def __enter__(self) -> _Patience:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._heard.set()
        self._thread.join()

    def renew(self) -> None:
        self._heard.set()

    def _watch(self) -> None:
        while not self._over:
            if not self._heard.wait(self._patience_s):
                self.ended = True
                self._process.kill()
                return
            self._heard.clear()


def _listen(stream: TextIO, mutter: deque[str]) -> None:
    for line in stream:
        mutter.append(line.strip())
        log.debug("builder: %s", line.rstrip())


def _heard(line: str, on_progress: OnProgress) -> dict[str, Any] | None:
    """Pass on what the job says in passing; its answer otherwise."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if "share" in said:
        on_progress(Progress(said["share"], said["left_s"], said["what"]))
    elif "text" in said:
        log.log(said["log"], "builder: %s", said["text"])
    else:
        return dict(said)
    return None


def _failure(answer: dict[str, Any], code: int, python: Path, mutter: str) -> ModelError | DeviceError | OSError:
    error, kind = answer.get("error", ""), answer.get("kind")
    if kind == "missing":
        return ModelError(
            f"{python} cannot do this ({error}): `{python} -m pip install onnx` (or set EDGE_BUILD_PYTHON to a Python that can)"
        )
    if kind == "OSError":
        return OSError(answer.get("errno"), error)  # a disk that is full, most likely; who asked knows the place
    if error:
        return DeviceError(error) if kind == "DeviceError" else ModelError(error)
    if code == -signal.SIGKILL:
        return ModelError(
            "the builder was killed, most likely for want of memory; stop what else runs here, or add swap, and start it again"
        )
    if code < 0:
        return ModelError(f"the builder was ended by {signal.Signals(-code).name}: {mutter or 'it said nothing'}")
    return ModelError(f"the builder ended with code {code}: {mutter or 'it said nothing'}")
