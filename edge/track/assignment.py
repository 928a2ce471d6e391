"""Which row goes with which column: the cheapest pairing below a limit. It knows costs, not boxes or tracks."""

from __future__ import annotations

import lap
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Rows = NDArray[np.intp]


def pair(rows: Rows, columns: Rows, cost: F64, limit: float) -> Rows:
    """Indices of those of the possible pairs `rows`, `columns` (K,), each at its `cost` (K,), that make the cheapest pairing.

    Leaving a row and a column alone costs `limit`, so each pair is worth what it costs less. A pair worth more than all others of its row and
    its column together is in every best pairing, as it could replace them. Such are taken first, round by round; in a sparse scene little or
    nothing is left for the solver (Jonker-Volgenant, `lap`).
    """
    worth = limit - cost
    left = (cost < limit).nonzero()[0]
    taken = [left[:0]]
    while len(left):
        r, c, w = rows[left], columns[left], worth[left]
        sure = 3 * w > np.bincount(r, w)[r] + np.bincount(c, w)[c]  # each of the two sums holds the pair's own worth
        if not sure.any():
            taken.append(left[_solve(r, c, cost[left], limit)])
            break
        taken.append(left[sure])
        if sure.all():
            break
        left = left[~(_among(r, r[sure]) | _among(c, c[sure]))]
    return np.concatenate(taken)


def _among(values: Rows, some: Rows) -> NDArray[np.bool_]:
    """Which of `values` (K,) occur in `some`; both are small whole numbers."""
    there = np.zeros(int(values.max()) + 1, np.bool_)
    there[some] = True
    return there[values]


def _solve(rows: Rows, columns: Rows, cost: F64, limit: float) -> Rows:
    """`pair` by the solver alone, over the matrix of the rows and columns that occur."""
    i, j = _numbered(rows), _numbered(columns)
    n = max(int(i.max()), int(j.max())) + 1
    matrix = np.full((n, n), limit)  # a row and a column that are left alone stand here as a pair at that price
    matrix[i, j] = cost
    to = lap.lapjv(matrix, return_cost=False)[0]
    paired: Rows = (to[i] == j).nonzero()[0]
    return paired


def _numbered(values: Rows) -> Rows:
    """The rank (K,) of each of `values` (K,) among the different ones."""
    there = np.zeros(int(values.max()) + 1, np.bool_)
    there[values] = True
    rank: Rows = there.cumsum()[values] - 1
    return rank
