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
from edge.engine import model_for
from edge.errors import DeviceError, ModelError, UsageError
from edge.ports import Detector
from edge.sources import check_source

if TYPE_CHECKING:
    from edge.backends.cuda.gpu import Gpu
    from edge.engine import EngineFile, EngineOptions, Found, OnProgress
    from edge.engine.cache import Load

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Machinery:
    """A detector, not entered yet, and the GPU that it and the painters share; None where all is done on the CPU."""

    detector: Detector
    gpu: Gpu | None = None
    trouble: str = ""
    """Why it is less than the configuration asks for, in a sentence; '' when it is not."""


@contextmanager
def open_detector(config: Config) -> Iterator[Detector]:
    """The configuration's detector, entered, and its GPU where it has one."""
    with machinery(config) as made, made.detector as detector:
        yield detector


@contextmanager
def machinery(config: Config, on_progress: OnProgress = lambda _: None) -> Iterator[Machinery]:
    """What the configuration's model runs on, open as long as the block. EdgeError, in a sentence, where it cannot be as it is wanted.

    `on_progress` hears how far an engine is that must be built first; nobody builds for long without it being called.
    """
    if config.model == "scene":
        with ExitStack() as stack:
            # Nobody's network runs; a GPU is for painting only, and only where it is asked for by name.
            gpu = stack.enter_context(gpu_of(config.backend, _kernels())) if config.backend == "cuda" else None
            yield Machinery(_scene_detector(config), gpu)
        return
    everything = any(not camera.classes for camera in config.cameras.values())
    wanted = () if everything else sorted({name for camera in config.cameras.values() for name in camera.classes})
    with model_on(
        config.model, config.detect, backend=config.backend, class_names=wanted, engine=config.engine, on_progress=on_progress
    ) as made:
        yield made


@contextmanager
def model_on(
    model: str,
    options: DetectOptions,
    *,
    backend: Backend,
    class_names: Sequence[str] = (),
    engine: EngineOptions | None = None,
    on_progress: OnProgress = lambda _: None,
) -> Iterator[Machinery]:
    """A model by its name or path: on the GPU where `backend` allows it and there is, or can be built, an engine for it, else its ONNX on the CPU.

    With `auto`, a device counts slowly rather than not at all: where its GPU cannot be used, the log and `trouble` say why. With `cuda` that
    is an error.
    """
    is_engine = Path(model).suffix == ".engine"
    if is_engine and backend == "cpu":
        raise UsageError(f"{model} is a TensorRT engine, which no CPU runs; choose `backend: auto`, or give the .onnx that it was made of")
    with ExitStack() as stack:
        plan, trouble = None, ""
        try:
            gpu = stack.enter_context(gpu_of("cuda" if is_engine else backend, _kernels())) if backend != "cpu" else None
            if gpu is not None:
                gpu.compile()
                loaded: dict[Path, Plan] = {}

                def load(engine_file: EngineFile) -> None:
                    # Once in vain: what cannot be loaded is found out while there is still another way.
                    tried = _plan(engine_file)
                    with detector_of(tried, options, gpu=gpu, class_names=class_names):
                        loaded.clear()
                        loaded[engine_file.path] = tried

                found = _engine(model, engine, on_progress, load)
                plan, trouble = loaded.get(found.engine.path) or _plan(found.engine), found.trouble
        except (DeviceError, ModelError) as error:
            if backend == "cuda" or is_engine:
                raise
            trouble = f"{model} runs on the CPU: {error}"
            log.warning("%s", trouble)
            stack.close()
            gpu, plan = None, None
        detector = detector_of(plan or _onnx(model), options, gpu=gpu, class_names=class_names, model_for=model_for)
        yield Machinery(detector, gpu, trouble)


def _engine(model: str, options: EngineOptions | None, on_progress: OnProgress, load: Load) -> Found:
    """The engine that a model's name means on this machine, built if it must be, and what is wrong with it. ModelError where there is none."""
    from edge.engine import resolve_engine, this_machine

    return resolve_engine(model, this_machine(), options, on_progress=on_progress, load=load)


def _plan(engine: EngineFile) -> Plan:
    return Plan(str(engine.path), engine.plan(), engine.facts.names, engine.facts.tensorrt)


def _onnx(model: str) -> Path:
    """The ONNX file that a model's name means. A path of one is taken as it is: what is wrong with it is said when it is opened."""
    if Path(model).suffix == ".onnx":
        return Path(model)
    from edge.engine import resolve_model

    return resolve_model(model)


def _kernels() -> Path:
    """Where compiled kernels are kept. Only asked where there may be a GPU."""
    from edge.engine.resolve import kernels_folder

    return kernels_folder()


def _scene_detector(config: Config) -> Detector:
    from edge.sources.synthetic import SceneDetector, scene_of

    scenes = {}
    for name, camera in config.cameras.items():
        if check_source(camera.source).kind != "synthetic":
            raise UsageError(f"camera {name!r}: `model: scene` knows the boxes of synthetic:// cameras only; give a YOLO11 .onnx")
        scenes[name] = scene_of(camera.source)
    return SceneDetector(scenes)
