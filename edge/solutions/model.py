"""Which detector a model argument means. Networks are run by the back-ends, exports are made by `edge.engine`."""

from __future__ import annotations

import logging
from pathlib import Path

from edge.errors import UsageError
from edge.ports import Detector
from edge.solutions.options import HeatmapOptions

log = logging.getLogger(__name__)


def detector_of(options: HeatmapOptions) -> Detector:
    """The detector of `options`, not entered yet. ModelError says how to get a model where there is none."""
    from edge.backends import detector_of as chosen
    from edge.engine import model_for

    on_cpu = options.device is not None and str(options.device).lower().startswith("cpu")
    if options.device is not None and not on_cpu:
        log.warning("device %r is not used: the solutions run on the CPU; the service (`edge run`) uses a GPU", options.device)
    return chosen(_path(options.model), options.detect, model_for=model_for)


def _path(model: str | Path | None) -> Path:
    if model is None:
        from edge.engine.box import model_in_the_box

        path = model_in_the_box()
        log.warning(
            "no model is given, so the one in the box is taken: it knows synthetic plazas only; for a real camera give model=yolo11n.onnx"
        )
        return path
    if Path(model).suffix == ".onnx":
        return Path(model)
    from edge.engine import resolve_model

    return resolve_model(str(model))


def wanted_ids(wanted: tuple[int | str, ...], names: tuple[str, ...], model: str) -> frozenset[int] | None:
    """Ids of the wanted classes, given by id or name; None (for all) if none is given. UsageError names one that the model lacks."""
    from edge.detect import class_ids

    numbers = {value for value in wanted if isinstance(value, int)}
    for number in sorted(numbers):
        if not 0 <= number < len(names):
            raise UsageError(f"{model} knows no class {number}; its classes are 0 ({names[0]}) to {len(names) - 1} ({names[-1]})")
    named = class_ids([value for value in wanted if isinstance(value, str)], names, model) or frozenset()
    return frozenset(numbers) | named or None
