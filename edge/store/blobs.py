"""Arrays as the bytes that stand in the store's columns, and back. No SQL here."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.count.tally import Key, Tally
from edge.data import I32, I64
from edge.roll import Array


def pack_cells(parts: Sequence[tuple[NDArray[np.integer], I64]]) -> bytes:
    """The sum of flat grids, of each the indices of some cells and their values: the indices that are not 0 (i32), then their values (i64)."""
    index, place = np.unique(np.concatenate([cells for cells, _ in parts]), return_inverse=True)
    values = np.zeros(len(index), np.int64)
    np.add.at(values, place, np.concatenate([us for _, us in parts]))
    warm = values != 0
    packed: bytes = index[warm].astype("<i4").tobytes() + values[warm].astype("<i8").tobytes()
    return packed


def unpack_cells(blob: bytes) -> tuple[I32, I64]:
    """Indices and values of `pack_cells`."""
    n = len(blob) // 12
    return np.frombuffer(blob, "<i4", n), np.frombuffer(blob, "<i8", n, offset=4 * n)


def pack_state(state: Mapping[str, Array]) -> bytes:
    """Named arrays as an .npz."""
    buffer = io.BytesIO()
    np.savez(buffer, **dict(state))  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack_state(blob: bytes) -> dict[str, Array]:
    """The arrays of `pack_state`; nothing in the file is executed."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def pack_tally(tally: Mapping[Key, int]) -> str:
    """A tally as JSON rows."""
    return json.dumps([[*key, n] for key, n in tally.items() if n])


def unpack_tally(text: str) -> Tally:
    """The tally of `pack_tally`."""
    return Tally({Key(*row[:4]): row[4] for row in json.loads(text)})
