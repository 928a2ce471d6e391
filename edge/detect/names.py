"""Names of classes and their ids. Where names come from is the back-end's business."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from edge.errors import UsageError


def class_ids(wanted: Sequence[str], names: Sequence[str], model: str) -> frozenset[int] | None:
    """Ids of the wanted class names, None (for all) if none is named. UsageError names one that the model lacks."""
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            hint = f"did you mean {near[0]!r}?" if near else f"it knows {shown}"
            raise UsageError(f"{model} knows no class {name!r}; {hint}")
    return frozenset(names.index(name) for name in wanted) or None
