"""The roll of tracks that a counter knows: which row of its columns is whose. No rule of counting lives here.

A counter's memory is a structure of arrays with one row a living track; `Roll` finds rows, adds newcomers and drops who has ended, so
that memory is bounded by who is alive. Columns are plain arrays: `state()` is the checkpoint that makes a restart exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.data import I64, Bools

Array = NDArray[Any]


def find(ids: I64, wanted: I64) -> tuple[Array, Bools]:
    """Where each of `wanted` (W,) stands among `ids` (N,) ascending, and whether it is there at all -> (W,), (W,)."""
    at = ids.searchsorted(wanted)
    if not len(ids):
        return at, np.zeros(len(wanted), np.bool_)
    there: Bools = ids[np.minimum(at, len(ids) - 1)] == wanted
    return at, there


class Roll:
    """Ids in ascending order and columns beside them; `columns` maps a name to (shape of one row, dtype, value of a newcomer)."""

    def __init__(self, columns: Mapping[str, tuple[tuple[int, ...], type, Any]]) -> None:
        self._spec = dict(columns)
        self.id: I64 = np.empty(0, np.int64)
        self._column: dict[str, Array] = {name: np.empty((0, *shape), dtype) for name, (shape, dtype, _) in self._spec.items()}

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, name: str) -> Array:
        """The column itself, to be read and written in place until the next `rows` or `drop`."""
        return self._column[name]

    def of(self, rows: Array, name: str) -> Array:
        """A copy of `rows` of a column; by `take`, a third of the cost of indexing where the rows are few."""
        return self._column[name].take(rows, axis=0)

    def rows(self, ids: I64) -> tuple[Array, Array]:
        """Rows of `ids` (ascending, unique), adding those that are new; returns (rows, is_new)."""
        at, known = find(self.id, ids)
        new = ~known
        if new.any():
            where = at[new]
            self.id = np.insert(self.id, where, ids[new])
            for name, (_, _, fresh) in self._spec.items():
                self._column[name] = np.insert(self._column[name], where, fresh, axis=0)
            at = self.id.searchsorted(ids)
        return at, new

    def find(self, ids: I64) -> Array:
        """Rows of those of `ids` that are known, in the roll's order."""
        return np.flatnonzero(np.isin(self.id, ids))

    def drop(self, ids: I64) -> None:
        """Forget `ids`; those that were never known are ignored."""
        if len(ids) == 0 or len(self.id) == 0:
            return
        keep = ~np.isin(self.id, ids)
        if not keep.all():
            self.id = self.id[keep]
            self._column = {name: column[keep] for name, column in self._column.items()}

    def state(self) -> dict[str, Array]:
        """Copies: a checkpoint waits for its commit while the next frames are counted."""
        return {"id": self.id.copy(), **{name: column.copy() for name, column in self._column.items()}}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Take up `state()` of an equal counter."""
        self.id = state["id"].astype(np.int64)
        self._column = {name: state[name].astype(dtype).copy() for name, (_, dtype, _) in self._spec.items()}
