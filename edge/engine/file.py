"""The engine file: a TensorRT plan behind a header that says what it was made of and for. How one is made, or run, is elsewhere.

Ours: ``EDGE-TRT``, version and length of the text (two little-endian 32-bit numbers), the text (JSON, its fields are EngineFacts' and the
plan's length and digest), the plan. Ultralytics' files (a 32-bit length, JSON, the plan) and bare plans (``trtexec``) are read as well; of
them less is known.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from edge.data import Size
from edge.errors import ModelError

_MAGIC = b"EDGE-TRT"
_VERSION = 1
_HEAD = struct.Struct("<8sII")
_LENGTH = struct.Struct("<I")
_MOST_TEXT = 1 << 20
_LEAST_PLAN = 64

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """What an engine is bound to: TensorRT (``tensorrt`` or ``tensorrt_rtx``) and its version, the GPU and its compute capability (``8.7``)."""

    tensorrt: str
    tensorrt_version: str
    gpu: str
    compute_capability: str

    def __str__(self) -> str:
        return f"{self.tensorrt} {self.tensorrt_version} on {self.gpu} ({self.compute_capability})"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What is known of an engine; what is not known is empty. All of it together is the fingerprint by which a cached engine is found to fit."""

    onnx: str = ""
    """SHA-256 of the ONNX it was made of, before any change of precision."""
    tensorrt: str = ""
    tensorrt_version: str = ""
    gpu: str = ""
    compute_capability: str = ""
    precision: Literal["", "fp32", "fp16", "int8"] = ""
    least: Shape = ()
    """Smallest shape of the input, (batch, 3, height, width); `best` is what it was tuned for, `most` the largest. All equal: fixed."""
    best: Shape = ()
    most: Shape = ()
    names: tuple[str, ...] = ()
    """Name of each class id."""
    calibration: str = ""
    """SHA-256 of the pictures that set INT8's ranges."""

    @property
    def size(self) -> Size | None:
        """The network's picture; None if unknown."""
        return Size(self.best[3], self.best[2]) if len(self.best) == 4 else None

    def misfit(self, machine: Machine) -> str:
        """Why this engine cannot run on `machine`, as the end of a sentence; '' when nothing that is known speaks against it."""
        for name in ("tensorrt", "tensorrt_version", "compute_capability", "gpu"):
            mine, theirs = getattr(self, name), getattr(machine, name)
            if mine and theirs and mine != theirs:
                made_for = f"{self.tensorrt} {self.tensorrt_version} on {self.gpu or 'another GPU'} ({self.compute_capability})"
                return f"it was made for {made_for}, and here is {machine}"
        return ""


@dataclass(frozen=True, slots=True)
class EngineFile:
    """An engine on the disk, its header read and its length checked; `plan` reads the rest."""

    path: Path
    layout: Literal["edge", "ultralytics", "bare"]
    facts: EngineFacts
    offset: int
    length: int
    sha256: str = ""

    def plan(self) -> bytes:
        """The plan itself, as `Runtime.deserialize_cuda_engine` takes it. ModelError when the file was changed since it was written."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                plan = file.read(self.length)
        except OSError as error:
            raise ModelError(f"{self.path} cannot be read ({error.strerror})") from error
        if len(plan) != self.length or (self.sha256 and hashlib.sha256(plan).hexdigest() != self.sha256):
            raise ModelError(f"{self.path} is damaged: its plan is not the one that was written; delete it, and it is built again")
        return plan


def read_engine(path: Path) -> EngineFile:
    """The header of an engine file of any of the three layouts. ModelError: it is missing, cut, foreign, or of a newer version of edge."""
    try:
        with path.open("rb") as file:
            length = os.fstat(file.fileno()).st_size
            head = file.read(_HEAD.size)
            if head.startswith(_MAGIC):
                return _ours(path, head, file.read(_MOST_TEXT), length)
            theirs = _ultralytics_text(head, file, length)
    except FileNotFoundError:
        raise ModelError(f"there is no engine {path}; `edge build` makes one") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})") from error
    if theirs is not None:
        text, offset = theirs
        return EngineFile(path, "ultralytics", _their_facts(path, text), offset, length - offset)
    foreign = _foreign(head)
    if foreign or length < _LEAST_PLAN:
        raise ModelError(f"{path} is {foreign or 'too short to be one'}, no TensorRT engine; give an engine that `edge build` made")
    return EngineFile(path, "bare", EngineFacts(), 0, length)


def write_engine(path: Path, facts: EngineFacts, plan: bytes | memoryview) -> None:
    """Write an engine file, whole or not at all, and onto the disk before its name is there. Raises OSError."""
    about = {**asdict(facts), "plan_bytes": len(plan), "plan_sha256": hashlib.sha256(plan).hexdigest()}
    text = json.dumps(about, ensure_ascii=False).encode()
    handle, name = tempfile.mkstemp(prefix=".writing-", suffix=path.suffix, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_HEAD.pack(_MAGIC, _VERSION, len(text)))
            file.write(text)
            file.write(plan)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex, a piece at a time. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _ours(path: Path, head: bytes, rest: bytes, length: int) -> EngineFile:
    cut = f"{path} is cut: its header or its plan is not all there; copy it again, or delete it and it is built again"
    if len(head) < _HEAD.size:
        raise ModelError(cut)
    _, version, size = _HEAD.unpack(head)
    if version > _VERSION:
        raise ModelError(f"{path} was written by a newer version of edge (engine file {version}, known here is {_VERSION}); build it again")
    if len(rest) < size:
        raise ModelError(cut)
    try:
        about: dict[str, Any] = json.loads(rest[:size])
        plan_bytes, sha256 = int(about["plan_bytes"]), str(about["plan_sha256"])
        values = {field.name: about[field.name] for field in fields(EngineFacts)}
        known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        facts = EngineFacts(**known)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged: its header cannot be read; delete it, and it is built again") from error
    offset = _HEAD.size + size
    if length - offset != plan_bytes:
        raise ModelError(cut)
    return EngineFile(path, "edge", facts, offset, plan_bytes, sha256)


def _ultralytics_text(head: bytes, file: Any, length: int) -> tuple[Mapping[str, Any], int] | None:
    """The text of an Ultralytics file and where its plan begins; None if it is none."""
    if len(head) < _HEAD.size:
        return None
    (size,) = _LENGTH.unpack_from(head)
    if not 2 <= size <= _MOST_TEXT or head[_LENGTH.size : _LENGTH.size + 1] != b"{":
        return None
    file.seek(_LENGTH.size)
    try:
        text = json.loads(file.read(size))
    except ValueError:
        return None
    offset = _LENGTH.size + size
    if not isinstance(text, dict) or length - offset < _LEAST_PLAN:
        raise ModelError(f"{file.name} is cut: the plan behind its header is not there; copy it again, or export it again")
    return text, offset


def _their_facts(path: Path, text: Mapping[str, Any]) -> EngineFacts:
    """What Ultralytics writes: names, imgsz as [height, width], batch, args."""
    task = text.get("task", "detect")
    if task != "detect":
        raise ModelError(f"{path} is an engine for {task}, and what is counted here are boxes; export a YOLO11 detection model")
    try:
        names = {int(key): str(value) for key, value in dict(text.get("names") or {}).items()}
        height, width = (int(side) for side in text.get("imgsz") or (0, 0))
        batch = int(text.get("batch") or 1)
        args = dict(text.get("args") or {})
        ordered = tuple(names[i] for i in range(len(names)))
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path} has a header that cannot be understood; export it again, or build one with `edge build`") from error
    most = (batch, 3, height, width) if height and width else ()
    free = bool(args.get("dynamic"))
    return EngineFacts(
        names=ordered,
        precision="int8" if args.get("int8") else "fp16" if args.get("half") else "fp32",
        least=() if free else most,  # what a dynamic one may take, its engine knows; this text does not
        best=most,
        most=() if free else most,
    )


def _foreign(head: bytes) -> str:
    """What a file that begins so surely is, where it is no plan; ''."""
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive (the .pt of PyTorch is one)"
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x1a", b"\x3a"):  # ir_version, then producer_name, producer_version or graph
        return "an ONNX"
    if head.startswith(b"version https://"):
        return "a pointer to a file that Git LFS keeps elsewhere"
    return ""
