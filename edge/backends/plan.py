"""An engine as a back-end needs it: the plan's bytes and what must be known to read its answers. Files and how one is built are `edge.engine`'s."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Plan:
    """A serialised TensorRT engine; `name` is what errors call it (its file)."""

    name: str
    plan: bytes = field(repr=False)
    class_names: tuple[str, ...] = ()
    """Name of each class id; where none is known, the classes are numbered by the output's shape."""
    module: str = ""
    """Which TensorRT made it, ``tensorrt`` or ``tensorrt_rtx``; '' where that is not known."""
