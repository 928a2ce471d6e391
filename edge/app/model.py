"""What a configuration's model and back-end come to: a GPU or none, a file, a detector. How files are made and networks are run is elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.backends import Backend, Plan, detector_of, gpu_of
from edge.config import Config
from edge.detect import DetectOptions
from edge.errors import DeviceError, ModelError, UsageError
from edge.ports import Detector
from edge.sources import check_source

if TYPE_CHECKING:
    from edge.backends.cuda.gpu import Gpu

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Machinery:
    """A detector, not entered yet, and the GPU that it and the painters share; None where all is done on the CPU."""

    detector: Detector
    gpu: Gpu | None = None


@contextmanager
def open_detector(config: Config) -> Iterator[Detector]:
    """The configuration's detector, entered, and its GPU where it has one."""
    with machinery(config) as made, made.detector as detector:
        yield detector


@contextmanager
def machinery(config: Config) -> Iterator[Machinery]:
    """What the configuration's model runs on, open as long as the block. EdgeError, in a sentence, where it cannot be as it is wanted."""
    if config.model == "scene":
        with ExitStack() as stack:
            # Nobody's network runs; a GPU is for painting only, and only where it is asked for by name.
            gpu = stack.enter_context(gpu_of(config.backend, _kernels())) if config.backend == "cuda" else None
            yield Machinery(_scene_detector(config), gpu)
        return
    everything = any(not camera.classes for camera in config.cameras.values())
    wanted = () if everything else sorted({name for camera in config.cameras.values() for name in camera.classes})
    with model_on(config.model, config.detect, backend=config.backend, class_names=wanted) as made:
        yield made


@contextmanager
def model_on(model: str, options: DetectOptions, *, backend: Backend, class_names: Sequence[str] = ()) -> Iterator[Machinery]:
    """A model by its name or path: on the GPU where `backend` allows it and there is an engine for it, else its ONNX on the CPU.

    With `auto` the log says why it is the CPU; with `cuda` that is an error.
    """
    is_engine = Path(model).suffix == ".engine"
    if is_engine and backend == "cpu":
        raise UsageError(f"{model} is a TensorRT engine, which no CPU runs; choose `backend: auto`, or give the .onnx that it was made of")
    with ExitStack() as stack:
        try:
            gpu = stack.enter_context(gpu_of("cuda" if is_engine else backend, _kernels())) if backend != "cpu" else None
            plan = None if gpu is None else _plan(model)
        except (DeviceError, ModelError) as error:
            if backend == "cuda" or is_engine:
                raise
            log.warning("%s runs on the CPU: %s", model, error)
            stack.close()
            gpu, plan = None, None
        yield Machinery(detector_of(plan or _onnx(model), options, gpu=gpu, class_names=class_names), gpu)


def _plan(model: str) -> Plan:
    """The engine that a model's name means on this machine. ModelError where there is none that fits."""
    from edge.engine import read_engine
    from edge.engine.machine import this_machine

    path = Path(model) if Path(model).suffix == ".engine" else Path(model).with_suffix(".engine")
    engine = read_engine(path)
    misfit = engine.facts.misfit(this_machine())
    if misfit:
        raise ModelError(f"{path} cannot run here: {misfit}; build it again with `edge build`")
    return Plan(str(path), engine.plan(), engine.facts.names, engine.facts.tensorrt)


def _onnx(model: str) -> Path:
    """The ONNX file that a model's name means. A path of one is taken as it is: what is wrong with it is said when it is opened."""
    if Path(model).suffix == ".onnx":
        return Path(model)
    from edge.engine import resolve_model

    return resolve_model(model)


def _kernels() -> Path:
    """Where compiled kernels are kept: beside the models that were made. Only asked where there may be a GPU."""
    from edge.engine.resolve import cache_folder

    return cache_folder().parent / "kernels"


def _scene_detector(config: Config) -> Detector:
    from edge.sources.synthetic import SceneDetector, scene_of

    scenes = {}
    for name, camera in config.cameras.items():
        if check_source(camera.source).kind != "synthetic":
            raise UsageError(f"camera {name!r}: `model: scene` knows the boxes of synthetic:// cameras only; give a YOLO11 .onnx")
        scenes[name] = scene_of(camera.source)
    return SceneDetector(scenes)
