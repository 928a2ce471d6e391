"""Where detection and painting are done: `cpu` (ONNX Runtime and OpenCV) and `cuda` (TensorRT and kernels of our own), which do not know each other.

Here one is chosen; its vendor is imported in the branch that needs it, so that importing this package loads none.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edge.backends.plan import Plan
from edge.data import Size
from edge.detect import DetectOptions
from edge.errors import DeviceError, ModelError
from edge.heat import HeatOptions
from edge.ports import Detector, Painter

if TYPE_CHECKING:
    from edge.backends.cpu.detector import ModelFor
    from edge.backends.cuda.gpu import Gpu

log = logging.getLogger(__name__)

Backend = Literal["auto", "cpu", "cuda"]

__all__ = ["Backend", "Plan", "detector_of", "gpu_of", "painter_of"]


@contextmanager
def gpu_of(backend: Backend, kernels: Path) -> Iterator[Gpu | None]:
    """The GPU that `backend` means, open: None for `cpu`, and for `auto` where there is no NVIDIA driver (the log says so).

    DeviceError: it cannot be used, and `cuda` is wanted or there is a driver, so that a GPU which fails, or lacks a library after an upgrade,
    is not passed over in silence. `kernels` is the folder in which compiled kernels are kept.
    """
    with ExitStack() as stack:
        gpu = None
        if backend != "cpu":
            from edge.backends.cuda.calls import driver, driver_is_here
            from edge.backends.cuda.gpu import Gpu
            from edge.tensorrt_api import tensorrt

            try:
                driver()
                tensorrt()
                gpu = stack.enter_context(Gpu(kernels))
            except DeviceError as error:
                if backend == "cuda" or driver_is_here():
                    raise
                log.info("work is done on the CPU: %s", error)
        yield gpu


def detector_of(
    model: Path | Plan,
    options: DetectOptions,
    *,
    gpu: Gpu | None = None,
    class_names: Sequence[str] = (),
    model_for: ModelFor | None = None,
) -> Detector:
    """A detector over an ONNX file (on the CPU) or an engine's plan (on `gpu`), not entered yet.

    `class_names` are the classes that are wanted, all if none is named. `model_for` gives an ONNX for smaller pictures, where that saves work;
    an engine has the size that it was built for. ModelError: a plan, and no GPU.
    """
    match model:
        case Plan():
            if gpu is None:
                raise ModelError(
                    f"{model.name} is a TensorRT engine, and there is no GPU to run it; give the .onnx or the .pt that it was made of"
                )
            from edge.backends.cuda.detector import TensorRtDetector

            return TensorRtDetector(gpu, model, options, class_names=class_names)
        case Path():
            from edge.backends.cpu.detector import OnnxDetector

            return OnnxDetector(model, options, class_names=class_names, model_for=model_for)


def painter_of(options: HeatOptions, reference: Size, *, gpu: Gpu | None = None, show_heat: bool = True) -> Painter:
    """One camera's painter, on `gpu` where there is one; not entered yet."""
    if gpu is not None:
        from edge.backends.cuda.painter import CudaPainter

        return CudaPainter(gpu, options, reference, show_heat=show_heat)
    from edge.backends.cpu.painter import CpuPainter

    return CpuPainter(options, reference, show_heat=show_heat)
