"""The engine that a device runs: found, or built on first use, by one builder at a time. How one is built is `builder`'s.

An engine is bound to TensorRT's version and to the GPU, so an upgrade makes all of a device's engines useless. Each is kept under its
fingerprint beside those before it: going back to the old system finds the old engine again. What a device starts with is, in this order, the
engine that fits; a new one; where that fails, the last good one of the same name that this machine can load. Whoever asked is told which it is.

A fingerprint that fits is no promise: only loading tells. An engine that TensorRT refuses is set aside, and a new one is built in its place, once.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from edge.engine.builder import build_engine, sweep
from edge.engine.file import EngineFacts, EngineFile, Machine, read_engine, sha256_of
from edge.engine.options import EngineOptions
from edge.engine.progress import OnProgress, Progress
from edge.engine.resolve import cache_folder, resolve_model, weights_of
from edge.errors import DeviceError, EngineRefused, ModelError

log = logging.getLogger(__name__)

_KEPT = 4
"""Engines of one model's name that stay: of this system and the one before it, with another precision or batch each."""
_LOOK_AGAIN_S = 0.5

Build = Callable[..., EngineFile]
Load = Callable[[EngineFile], None]
"""Loads an engine for a try, and forgets it; EngineRefused where TensorRT does not take it. Other errors are not the engine's fault, and are passed on."""


@dataclass(frozen=True, slots=True)
class Found:
    """An engine that this machine can load; `trouble` says, in a sentence, why it is not the one that was wanted ('' when it is)."""

    engine: EngineFile
    trouble: str = ""


def resolve_engine(
    name: str,
    machine: Machine,
    options: EngineOptions | None = None,
    *,
    folder: Path | None = None,
    on_progress: OnProgress = lambda _: None,
    build: Build = build_engine,
    load: Load = lambda _: None,
) -> Found:
    """The engine that a model's name means on `machine`.

    ``a.engine`` is itself, and not loaded here. ``a.onnx``, ``a.pt`` and ``a`` are the .engine beside them if it fits and loads, else the one
    in the cache, else one that is built now. `folder` is the cache. ModelError: an engine of another machine was named, or there is none and
    none can be built.
    """
    options = options or EngineOptions()
    path = Path(name)
    if path.suffix == ".engine":
        engine = read_engine(path)
        misfit = engine.facts.misfit(machine)
        if misfit:
            raise ModelError(f"{path} cannot run here: {misfit}; give the .onnx or the .pt that it was made of, and one is built")
        return Found(engine)
    model = path if path.suffix == ".onnx" else weights_of(name)
    beside = model.with_suffix(".engine")
    if beside.is_file():
        why: str | ModelError | None
        try:
            engine = read_engine(beside)
        except ModelError as error:
            why = error
        else:
            why = _unsuited(engine.facts, model.with_suffix(".onnx"), machine, options) or _refusal(engine, load)
            if why is None:
                return Found(engine)
        log.warning("%s is not used: %s", beside, why)
    return cached_engine(resolve_model(name), machine, options, folder=folder, on_progress=on_progress, build=build, load=load)


def cached_engine(
    onnx: Path,
    machine: Machine,
    options: EngineOptions | None = None,
    *,
    folder: Path | None = None,
    on_progress: OnProgress = lambda _: None,
    build: Build = build_engine,
    load: Load = lambda _: None,
) -> Found:
    """The engine of an ONNX for `machine` from the cache in `folder`, built if it must be; else the last good one, with `trouble`.

    Processes that want one at the same time wait for the one that builds. ModelError: it cannot be built and there is no other.
    """
    options = options or EngineOptions()
    folder = folder or cache_folder()
    digest = _digest(onnx)
    wanted = folder / f"{onnx.stem}-{_key(digest, machine, options)}.engine"
    engine = _good(wanted)
    refusal = None if engine is None else _refusal(engine, load)
    trouble: ModelError | DeviceError | None = None
    if engine is None or refusal is not None:
        try:
            with _alone(folder, on_progress):
                engine = _renewed(wanted, engine, refusal, lambda: build(onnx, wanted, options, on_progress=on_progress))
                _prune(folder, onnx.stem, but=wanted)
        except (ModelError, DeviceError) as error:
            trouble = error
        else:
            trouble = _refusal(engine, load)
    if engine is not None and trouble is None:
        with suppress(OSError):
            _aside(wanted).unlink(missing_ok=True)  # an engine that loads may be renewed again, should it ever not
        return Found(engine)
    assert trouble is not None
    last = _last_good(folder, onnx.stem, machine, load)
    if last is None:
        raise trouble
    said = f"{trouble}. Meanwhile the last good engine is used, {last.path.name}" + (
        "" if last.facts.onnx == digest else ", which was made of another version of this model"
    )
    log.error("%s", said)
    return Found(last, said)


def _refusal(engine: EngineFile, load: Load) -> EngineRefused | None:
    try:
        load(engine)
    except EngineRefused as error:
        return error
    return None


def _renewed(wanted: Path, refused: EngineFile | None, refusal: EngineRefused | None, make: Callable[[], EngineFile]) -> EngineFile:
    """What another process built while this one waited, else a new engine. `refused` is set aside for it, unless one was already: then it is no use."""
    there = _good(wanted)
    if there is not None and there != refused:
        return there
    if there is None or refusal is None:
        return make()
    aside = _aside(wanted)
    if aside.exists():
        raise EngineRefused(
            f"{refusal}; it was built again already, in vain: when what is wrong has been put right, delete {aside}"
        ) from refusal
    log.warning("%s; it is set aside, and built again", refusal)
    try:
        os.replace(wanted, aside)
    except OSError as error:
        raise ModelError(f"{refusal}; and it cannot be set aside as {aside} ({error.strerror})") from error
    try:
        return make()
    except BaseException:
        with suppress(OSError):
            os.replace(aside, wanted)  # perhaps it was only for want of memory
        raise


def _aside(engine: Path) -> Path:
    return engine.with_suffix(".refused")


def _unsuited(facts: EngineFacts, onnx: Path, machine: Machine, options: EngineOptions) -> str | None:
    """Why an engine beside its model is not the one that is wanted; None if it is."""
    if misfit := facts.misfit(machine):
        return misfit
    if options.precision and facts.precision and options.precision != facts.precision:
        return f"it is {facts.precision}, and {options.precision} is wanted"
    if facts.onnx and onnx.is_file() and facts.onnx != _digest(onnx):
        return f"it was not made of the {onnx.name} beside it"
    return None


def _good(path: Path) -> EngineFile | None:
    """The engine if it is there and whole; a damaged one is said, and built again."""
    if not path.is_file():
        return None
    try:
        engine = read_engine(path)
        engine.plan()
    except ModelError as error:
        log.warning("%s", error)
        return None
    return engine


def _last_good(folder: Path, stem: str, machine: Machine, load: Load) -> EngineFile | None:
    for path in _newest_first(folder, stem):
        engine = _good(path)
        if engine is not None and engine.facts != EngineFacts() and not engine.facts.misfit(machine) and _refusal(engine, load) is None:
            return engine
    return None


def _newest_first(folder: Path, stem: str) -> list[Path]:
    """The cached engines of a model's name."""
    key = "[0-9a-f]" * 16
    with suppress(OSError):
        return sorted(folder.glob(f"{_literal(stem)}-{key}.engine"), key=lambda path: path.stat().st_mtime, reverse=True)
    return []


def _literal(stem: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in stem)


def _prune(folder: Path, stem: str, *, but: Path) -> None:
    """Remove the oldest. `but` is the newest, whatever its date says: a Jetson's clock often begins in 1970."""
    others = [path for path in _newest_first(folder, stem) if path != but]
    for path in others[_KEPT - 1 :]:
        with suppress(OSError):
            path.unlink()
            log.info("%s is from long ago, and was removed", path)


@contextmanager
def _alone(folder: Path, on_progress: OnProgress) -> Iterator[None]:
    """Only one process builds at a time. The lock is the open file's, so it is free as soon as its holder is gone, however it went."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise ModelError(
            f"an engine must be built, and the cache {folder} cannot be written ({error.strerror}); set EDGE_CACHE to a folder that can"
        ) from error
    try:
        began_s = time.monotonic()
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - began_s < _LOOK_AGAIN_S:
                    log.info("another process is building in %s; it is waited for", folder)
                on_progress(Progress(0.0, None, "Waiting for another build"))
                time.sleep(_LOOK_AGAIN_S)
        sweep(folder)
        yield
    finally:
        os.close(lock)


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except FileNotFoundError:
        raise ModelError(f"there is no model file {path}; `edge build {path.stem}.pt` makes one of a YOLO11's weights") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})") from error


def _key(digest: str, machine: Machine, options: EngineOptions) -> str:
    about = json.dumps([digest, astuple(machine), options.precision, options.batch])
    return hashlib.sha256(about.encode()).hexdigest()[:16]
