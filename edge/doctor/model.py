"""The model of the configuration: whether its file is there, and whether its engine fits this machine. Nothing is made or run here."""

from __future__ import annotations

import re
from pathlib import Path

from edge.doctor.findings import Finding, note, right, wrong
from edge.doctor.machine import Machine
from edge.doctor.needs import Needs
from edge.engine import file as engine_file
from edge.engine.export import exporter
from edge.engine.resolve import cache_folder, weights_of
from edge.errors import ModelError


def model(machine: Machine, needs: Needs) -> list[Finding]:
    """The file that `model:` means, and the engines that were made of it."""
    if needs.config is None:
        return []
    name = needs.config.model
    if name == "scene":
        return [right("model", "scene: a synthetic camera's own boxes")]
    path = Path(name)
    if path.suffix == ".engine":
        return [_fit(machine, path, given=True)]
    if needs.config.backend == "cpu":
        return [_network(name, path)]
    engines = [_fit(machine, engine, given=False) for engine in _engines(path)]
    if not engines and _here(machine) is not None:
        engines = [right("cached engine", f"none of {path.name} yet: it is built at the first start, some minutes, or now by `edge build`")]
    # Those of the system before this one stay in the cache: one that fits is enough.
    fitting = [finding for finding in engines if finding.state == "right"]
    return [_network(name, path), *(fitting or engines)[:1]]


def _network(name: str, path: Path) -> Finding:
    if path.suffix == ".onnx":
        if path.is_file():
            return right("model", f"{path} is there")
        return wrong("model", f"there is no {path}", f"edge build {path.stem}.pt makes one of a YOLO11's weights")
    try:
        weights = weights_of(name)
    except ModelError as error:
        says, _, remedy = str(error).partition("; ")
        return wrong("model", says, remedy)
    there = next((file for file in (weights.with_suffix(".onnx"), *_cached(weights.stem, ".onnx")) if file.is_file()), None)
    if there is not None:
        return right("model", f"{path.name} is {there}")
    if exporter() is not None:
        return note("model", f"no ONNX of {path.name} is here; it is made at the first start", f"edge build {weights.name} makes it now")
    remedy = f"edge build {weights.name} --format onnx on a computer that has the `export` extra, then copy it here"
    return wrong("model", f"no ONNX of {path.name} is here, and Ultralytics, which makes one, neither", remedy)


def _engines(path: Path) -> list[Path]:
    """Engines beside the model, and in the cache by its name, newest first."""
    beside = path.with_suffix(".engine")
    return [*([beside] if beside.is_file() else []), *_cached(path.stem, ".engine")]


def _cached(stem: str, suffix: str) -> list[Path]:
    """What the cache has of a model's name: with the digest of its weights, of its engine's fingerprint, of both, behind it."""
    try:
        found = [
            path for path in cache_folder().iterdir() if re.fullmatch(rf"{re.escape(stem)}(-[0-9a-f]{{16}}){{0,2}}{suffix}", path.name)
        ]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    except (ModelError, OSError):
        return []


def _fit(machine: Machine, path: Path, *, given: bool) -> Finding:
    """Whether an engine can run here. Only one that was named itself cannot be built again."""
    name, unfit = ("engine", wrong) if given else ("cached engine", note)
    remedy = "edge build makes one here; or name the .onnx" if given else "it is built again at the next start"
    try:
        facts = engine_file.read_engine(path).facts
    except ModelError as error:
        return unfit(name, str(error).partition("; ")[0], remedy)
    here = _here(machine)
    if here is None:
        return unfit(name, f"{path}: no GPU with TensorRT is reached that could run it", "see GPU and TensorRT above")
    misfit = facts.misfit(here)
    if misfit:
        return unfit(name, f"{path} does not fit: {misfit}", remedy)
    known = "fits" if facts.tensorrt_version else "does not say what it was made for; only loading it tells"
    return right(name, f"{path} {known} ({here})")


def _here(machine: Machine) -> engine_file.Machine | None:
    """What an engine would be bound to on this machine."""
    devices = machine.vendors("gpu").get("devices") or []
    for name in ("tensorrt", "tensorrt_rtx"):
        version = machine.vendors("import", name).get(name, {}).get("version")
        if devices and version:
            return engine_file.Machine(name, str(version), devices[0]["name"], devices[0]["compute_capability"])
    return None
