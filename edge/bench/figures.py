"""What many measured values come to. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def spread(values_ms: Sequence[float]) -> dict[str, float]:
    """Mean, median and 99th percentile of milliseconds."""
    return {
        "mean": round(float(np.mean(values_ms)), 4),
        "median": round(float(np.median(values_ms)), 4),
        "p99": round(float(np.percentile(values_ms, 99)), 4),
    }


def collect(blocks: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, list[float]]:
    """The stages' values of all blocks, joined, with their sum a frame as `total`; `boxes`, which only ours draws, is not in it."""
    stages = {name: [value for block in blocks for value in block[name]] for name in blocks[0]}
    summed = [values for name, values in stages.items() if name != "boxes"]
    return {**stages, "total": [sum(frame) for frame in zip(*summed, strict=True)]}


def spreads(stages: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """`name_ms` -> spread, for each stage."""
    return {f"{name}_ms": spread(values) for name, values in stages.items()}


def ratio(a: float, b: float) -> float:
    """a / b, with three digits behind the point."""
    return round(a / b, 4)
