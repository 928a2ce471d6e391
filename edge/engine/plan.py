"""TensorRT's builder: a network becomes a plan, and what the builder chose is told. It runs in the process of `job`, which a build's memory ends with."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge.engine.file import Machine, Shape
from edge.engine.machine import gpu_facts
from edge.engine.options import EngineOptions
from edge.engine.progress import Phases, Progress
from edge.errors import DeviceError, ModelError
from edge.tensorrt_api import logger_of, tensorrt

_FREE_BATCH = (1, 4)
"""What an engine of a free batch takes where nobody says it: a device's few cameras."""
_REPORT_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Built:
    """A plan (what TensorRT holds it in), the machine it is for, its input's (least, best, most) shapes, and what the builder chose, in words."""

    plan: Any
    machine: Machine
    shapes: tuple[Shape, Shape, Shape]
    chosen: str


def shapes_of(shape: tuple[int | None, ...], options: EngineOptions) -> tuple[Shape, Shape, Shape]:
    """(least, best, most) shapes for a network's input. ModelError where a batch was asked for that the ONNX does not take."""
    batch, rest = shape[0], tuple(side or 0 for side in shape[1:])
    if batch is not None:
        if options.batch is not None and options.batch != (batch, batch):
            raise ModelError(
                f"the ONNX takes exactly {batch} pictures a call, and {options.batch[0]} to {options.batch[1]} were asked for;"
                " `edge build ... --batch` on the .pt makes one of a free batch"
            )
        return (batch, *rest), (batch, *rest), (batch, *rest)
    least, most = options.batch or _FREE_BATCH
    return (least, *rest), (most, *rest), (most, *rest)


def build_plan(
    onnx: bytes,
    shape: tuple[int | None, ...],
    options: EngineOptions,
    *,
    compute_capability: str = "",
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Built:
    """Build a strongly typed engine: every precision is the network's own, none is chosen here.

    `compute_capability` (``8.9``) builds for a GPU that is not here, where TensorRT can (TensorRT for RTX). Raises DeviceError without
    TensorRT or GPU, and ModelError where TensorRT does not take the network (it names the node) or builds nothing.
    """
    trt = tensorrt()
    name, version = trt.__name__.partition(".")[0], str(trt.__version__)
    shapes = shapes_of(shape, options)
    gpu, capability = ("", compute_capability) if compute_capability else gpu_facts()
    machine = Machine(name, version, gpu, capability)
    began_s = time.monotonic()
    logger = logger_of(trt, logging.INFO)
    logger.errors.clear()
    builder = trt.Builder(logger)
    flags = trt.NetworkDefinitionCreationFlag
    if not hasattr(flags, "STRONGLY_TYPED"):
        raise DeviceError(f"{name} {version} knows no strongly typed networks; TensorRT 10 or newer is needed (JetPack 6.2 has 10.3)")
    network = builder.create_network(1 << int(flags.STRONGLY_TYPED))  # the flag's number is another in another version
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx):
        raise ModelError(f"{name} {version} does not take this network: {_parse_errors(parser)}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # so that the engine can tell what was chosen
    if compute_capability:
        _aim(trt, config, compute_capability, f"{name} {version}")
    if shapes[0] != shapes[2]:
        profile = builder.create_optimization_profile()
        profile.set_shape(network.get_input(0).name, *shapes)
        if config.add_optimization_profile(profile) < 0:
            raise ModelError(f"{name} {version} takes no batch of {shapes[0][0]} to {shapes[2][0]} for this network: {_why(logger)}")
    # The config does not keep it alive.
    monitor = _monitor(trt, on_progress) if hasattr(trt, "IProgressMonitor") else None
    if monitor is not None:
        config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ModelError(f"{name} {version} could not build an engine: {_why(logger)}")
    took_s = time.monotonic() - began_s
    layers = f"{network.num_layers} layers in the network"
    chosen = f"{layers}, {memoryview(plan).nbytes / 1e6:.1f} MB, built in {took_s:.1f} s"
    return Built(plan, machine, shapes, chosen if compute_capability else f"{chosen}; {_choices(trt, logger, plan)}")


def _choices(trt: Any, logger: Any, plan: Any) -> str:
    """What the engine says of itself; also the proof that it can be loaded here. ModelError when it cannot."""
    engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
    if engine is None:
        raise ModelError(f"the engine was built and cannot be loaded: {_why(logger)}")
    told = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    return summary(told)


def summary(told: str) -> str:
    """The inspector's JSON in a line: how many layers run, of which kinds, and in which formats their results are."""
    try:
        layers = json.loads(told)["Layers"]
        details = [layer for layer in layers if isinstance(layer, dict)]
        kinds = Counter(str(layer.get("LayerType", "?")) for layer in details)
        formats = Counter(str(output.get("Format/Datatype", "?")) for layer in details for output in layer.get("Outputs", ()))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the engine tells nothing of its layers"
    words = [f"{len(layers)} layers run"]
    words += [", ".join(f"{count} {kind}" for kind, count in counts.most_common(6)) for counts in (kinds, formats) if counts]
    return "; ".join(words)


def _aim(trt: Any, config: Any, compute_capability: str, what: str) -> None:
    """Build for another GPU than the one here."""
    if not hasattr(config, "num_compute_capabilities"):
        raise ModelError(f"{what} builds only for the GPU it runs on; leave --compute-capability out, and build on the device")
    name = "SM" + compute_capability.replace(".", "")
    known = trt.ComputeCapability.__members__
    if name not in known:
        all_of_them = ", ".join(f"{key[2:-1]}.{key[-1]}" for key in known if key.startswith("SM"))
        raise ModelError(f"{what} builds for no GPU of compute capability {compute_capability}; it knows {all_of_them}")
    config.num_compute_capabilities = 1
    config.set_compute_capability(known[name], 0)


def _parse_errors(parser: Any) -> str:
    """The first errors of a parser, each naming its node, as the end of a sentence."""
    told = []
    for number in range(min(parser.num_errors, 3)):
        error = parser.get_error(number)
        node, operator = error.node_name() or f"number {error.node()}", error.node_operator()
        told.append(f"node {node!r} ({operator or '?'}): {' '.join(error.desc().split())}")
    return "; ".join(dict.fromkeys(told)) or "its parser does not say why"


def _why(logger: Any) -> str:
    """What TensorRT said was wrong, as the end of a sentence."""
    return "; ".join(logger.errors) or "it does not say why"


def _monitor(trt: Any, on_progress: Callable[[Progress], None]) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Called from the builder's threads, one at a time."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._phases = Phases(time.monotonic())
            self._said_s = 0.0

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._phases.start(phase_name, parent_phase, num_steps)
            self._say()

        def step_complete(self, phase_name: str, step: int) -> bool:
            self._phases.step(phase_name, step)
            self._say()
            return True  # go on

        def phase_finish(self, phase_name: str) -> None:
            self._phases.finish(phase_name)

        def _say(self) -> None:
            now_s = time.monotonic()
            if now_s - self._said_s >= _REPORT_EVERY_S:
                self._said_s = now_s
                on_progress(self._phases.progress(now_s))

    return Monitor()
