"""The process in which models are quantised and engines built: ``job.main(JOB)``, JOB being JSON. What is done is `precision`'s and `plan`'s.

A process of its own, because a build takes gigabytes that no library gives back, and may be killed for want of them without taking the
service along. stdout carries a line of JSON for each thing to say; whatever libraries print goes to stderr. It ends when its stdin does,
which is when whoever asked is gone.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from edge.engine.progress import Progress
from edge.errors import EdgeError, ModelError, first_line

Say = Callable[[dict[str, Any]], None]


def build(
    say: Say, *, onnx: str, out: str, precision: str | None, batch: list[int] | None, workspace_mib: int, compute_capability: str
) -> str:
    """Build the engine `out`; returns what the builder chose."""
    from edge.engine.file import EngineFacts, write_engine
    from edge.engine.options import EngineOptions
    from edge.engine.plan import build_plan
    from edge.engine.precision import read_network, to_fp16

    path = Path(onnx)
    model, facts = read_network(path)
    wanted = precision or ("fp16" if facts.precision == "fp32" else facts.precision)
    if wanted == "int8" and facts.precision != "int8":
        raise ModelError(
            f"{path} is not quantised, and int8 was asked for; `edge build --precision int8 --calibrate VIDEO` makes one that is"
        )
    if facts.precision not in ("fp32", wanted):
        raise ModelError(f"{path} is in {facts.precision} already, and {wanted} was asked for; give the ONNX that it was made of")
    if wanted == "fp16" and facts.precision == "fp32":
        model = to_fp16(model)
    options = EngineOptions(batch=None if batch is None else (batch[0], batch[1]), workspace_mib=workspace_mib)

    def tell(progress: Progress) -> None:
        say({"share": progress.share, "left_s": progress.left_s, "what": progress.what})

    try:
        built = build_plan(model.SerializeToString(), facts.shape, options, compute_capability=compute_capability, on_progress=tell)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    about = EngineFacts(
        onnx=facts.digest,
        tensorrt=built.machine.tensorrt,
        tensorrt_version=built.machine.tensorrt_version,
        gpu=built.machine.gpu,
        compute_capability=built.machine.compute_capability,
        precision=wanted,  # type: ignore[arg-type]
        least=built.shapes[0],
        best=built.shapes[1],
        most=built.shapes[2],
        names=facts.names,
        calibration=facts.calibration,
    )
    write_engine(Path(out), about, memoryview(built.plan))
    return f"{wanted}, {built.chosen}"


def describe(say: Say, *, onnx: str) -> dict[str, Any]:
    """What an ONNX says of itself, if it is a network that can be built."""
    from edge.engine.precision import read_network

    _, facts = read_network(Path(onnx))
    return {"batch": facts.shape[0], "height": facts.shape[2], "width": facts.shape[3], "precision": facts.precision}


def quantise(say: Say, *, onnx: str, out: str, pictures: str) -> str:
    """Make the int8 ONNX `out` of the ONNX `onnx` with the file of pictures that `calibration.gather` wrote."""
    import numpy as np
    import onnx as onnx_library

    from edge.engine.precision import read_network, to_int8

    path = Path(onnx)
    model, facts = read_network(path)
    if facts.precision != "fp32":
        raise ModelError(f"{path} is {facts.precision} already; give the float32 ONNX that it was made of")
    height, width = facts.shape[2] or 0, facts.shape[3] or 0
    content = np.memmap(pictures, np.uint8, mode="r")
    if len(content) % (height * width * 3):
        raise ModelError(f"{path} takes pictures of {width}x{height}, and the calibration's are of another size; gather them again")
    shots = content.reshape(-1, height, width, 3)
    with tempfile.TemporaryDirectory(prefix=".quantise-", dir=Path(out).parent) as folder:
        made = to_int8(model, facts, shots, Path(folder), lambda share: say({"share": share, "left_s": None, "what": "Calibrating"}))
    onnx_library.save(made, out)
    return f"int8 of {len(shots)} pictures"


def reshape(say: Say, *, onnx: str, out: str, width: int, height: int, for_cpu: bool) -> str:
    """Make `out`, the network `onnx` for pictures of another size; `for_cpu`, in the operators that a CPU is quick at."""
    import onnx as onnx_library

    from edge.data import Size
    from edge.engine.dfl import quickened
    from edge.engine.precision import read_network
    from edge.engine.shape import reshaped

    path, size = Path(onnx), Size(width, height)
    model, _ = read_network(path)
    try:
        made = reshaped(model, size)
        onnx_library.save(quickened(made) if for_cpu else made, out)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return str(size)


_VERBS: dict[str, Callable[..., Any]] = {"build": build, "describe": describe, "quantise": quantise, "reshape": reshape}


class _Lines(logging.Handler):
    """The log as lines of JSON, for who asked to log on."""

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say({"log": record.levelno, "text": record.getMessage()})


def main(job: str) -> None:
    """Do one job; its last line is ``{"done": ...}``, or ``{"error": ..., "kind": ...}``."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    lock = threading.Lock()

    def say(line: dict[str, Any]) -> None:
        with lock:
            answers.write(json.dumps(line) + "\n")
            answers.flush()

    root = logging.getLogger("edge")
    root.addHandler(_Lines(say))
    root.setLevel(logging.DEBUG)
    try:
        asked = json.loads(job)
        say({"done": _VERBS[asked.pop("verb")](say, **asked)})
    except EdgeError as error:
        say({"error": str(error), "kind": type(error).__name__})
    except OSError as error:
        # Without a number it is a library that cannot be loaded.
        say(
            {
                "error": error.strerror or first_line(error),
                "kind": "ModelError" if error.errno is None else "OSError",
                "errno": error.errno,
            }
        )
    except MemoryError:
        say({"error": "there was not enough memory for it", "kind": "ModelError"})
    except Exception as error:  # noqa: BLE001  whatever it was, who asked must hear of it
        say({"error": first_line(error), "kind": "missing" if isinstance(error, ImportError) else "ModelError"})


def _end_with_stdin(stdin: TextIO = sys.stdin) -> None:
    while os.read(stdin.fileno(), 1):
        pass
    os._exit(1)
