"""Which row goes with which column: the cheapest pairing below a limit. It knows costs, not boxes or tracks."""

from __future__ import annotations

import lap
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]

_NONE: Rows = np.empty(0, np.intp)


def pair(cost: F64, limit: float) -> tuple[Rows, Rows]:
    """Rows and columns (K,), (K,) of the pairing of cost (R, C) that is cheapest when leaving a row and a column alone costs `limit`.

    Pairs that only have each other are taken at once; in a sparse scene little is left for the solver (Jonker-Volgenant, `lap`).
    """
    if not cost.size:
        return _NONE, _NONE
    possible = cost < limit
    by_row, by_column = possible.sum(axis=1), possible.sum(axis=0)
    alone = possible & (by_row == 1)[:, None] & (by_column == 1)[None, :]
    rows, columns = np.nonzero(alone)
    by_row[rows] = 0
    by_column[columns] = 0
    open_rows, open_columns = np.flatnonzero(by_row), np.flatnonzero(by_column)
    if not len(open_rows):
        return rows, columns
    to = lap.lapjv(cost[np.ix_(open_rows, open_columns)], extend_cost=True, cost_limit=limit, return_cost=False)[0]
    # In a tie the solver may also pair what costs no less than being alone.
    paired = (to >= 0) & possible[open_rows, open_columns[to]]
    return np.concatenate([rows, open_rows[paired]]), np.concatenate([columns, open_columns[to[paired]]])
