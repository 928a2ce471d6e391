"""The tracks of one camera as columns: one array a property, one row a track. It knows no rules of tracking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.data import I16, I32, I64, Bools

F64 = NDArray[np.float64]

_DTYPES: dict[str, tuple[type, tuple[int, ...]]] = {
    "key": (np.int64, ()),
    "id": (np.int64, ()),
    "mean": (np.float64, (2, 4)),
    "cov": (np.float64, (3, 4)),
    "row": (np.int32, ()),
    "born_ns": (np.int64, ()),
    "seen_ns": (np.int64, ()),
    "whole_ns": (np.int64, ()),
    "class_id": (np.int16, ()),
    "vote": (np.float64, ()),
    "past": (np.bool_, ()),
}


@dataclass(slots=True, eq=False)
class Population:
    """N tracks in order of birth. ``key (N,)`` numbers births, ``id (N,)`` is 0 until a track is confirmed; ``mean (N, 2, 4)`` and
    ``cov (N, 3, 4)`` are the filter's; ``row (N,)``: the detection of the last frame, -1 when out of sight; ``born_ns``, ``seen_ns``,
    ``whole_ns``: first and last sight, last sight with feet; ``class_id`` leads the vote over classes by ``vote`` (sum of scores);
    ``past``: lost for too long to be found again, only a newborn may go on from it."""

    key: I64
    id: I64
    mean: F64
    cov: F64
    row: I32
    born_ns: I64
    seen_ns: I64
    whole_ns: I64
    class_id: I16
    vote: F64
    past: Bools

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Population:
        """From one array a column; ValueError where one is missing or has another shape."""
        missing = sorted(set(_DTYPES) - set(columns))
        if missing:
            raise ValueError(f"a tracker's state needs the column {missing[0]!r}, which is missing")
        n = len(columns["key"])
        made: dict[str, Any] = {}
        for name, (dtype, shape) in _DTYPES.items():
            made[name] = np.array(columns[name], dtype)
            if made[name].shape != (n, *shape):
                raise ValueError(f"column {name!r} of a tracker's state has shape {made[name].shape}, wanted {(n, *shape)}")
        return cls(**made)

    @classmethod
    def empty(cls) -> Population:
        return cls.of({name: np.empty((0, *shape), dtype) for name, (dtype, shape) in _DTYPES.items()})

    def columns(self) -> dict[str, NDArray[Any]]:
        """The arrays by name; to be copied by who keeps them."""
        return {name: getattr(self, name) for name in _DTYPES}

    def __len__(self) -> int:
        return len(self.key)

    def keep(self, rows: Bools) -> None:
        """Forget all rows but these."""
        for name in _DTYPES:
            setattr(self, name, getattr(self, name)[rows])

    def join(self, other: Population) -> None:
        """Append the rows of `other`."""
        for name in _DTYPES:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(other, name)]))
