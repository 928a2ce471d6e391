"""Names of classes and their ids. How a model file is opened is not known here."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Sequence

from edge.errors import ModelError, UsageError


def class_ids(wanted: Sequence[str], names: Sequence[str], model: str) -> frozenset[int] | None:
    """Ids of the wanted class names, None (for all) if none is named. UsageError names one that the model lacks."""
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            hint = f"did you mean {near[0]!r}?" if near else f"it knows {shown}"
            raise UsageError(f"{model} knows no class {name!r}; {hint}")
    return frozenset(names.index(name) for name in wanted) or None


def read_names(written: str | None, output: Sequence[object]) -> tuple[str, ...]:
    """Class names from the metadata that Ultralytics writes; `class0`, `class1`, ... where a raw head tells only their number.

    `output` is the shape of the network's output; what is free in it is no int. ModelError: neither tells.
    """
    if written:
        try:
            names = ast.literal_eval(written)
            pairs = names.items() if isinstance(names, dict) else enumerate(names)
            by_id = {int(key): str(value) for key, value in pairs}
            return tuple(by_id[i] for i in range(len(by_id)))
        except (ValueError, SyntaxError, KeyError, TypeError) as error:
            raise ModelError(f"its class names cannot be read ({error or type(error).__name__}); export it again") from error
    if len(output) == 3 and isinstance(output[1], int) and output[1] > 4 and output[2] != 6:
        return tuple(f"class{i}" for i in range(output[1] - 4))
    raise ModelError(f"it carries no class names and its output {list(output)} is no YOLO detection head; export a YOLO11 detection model")
