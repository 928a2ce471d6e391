"""The roll keeps a row a living track, against a dictionary that does the same slowly. No rule of counting is tested here."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.roll import Roll

ids = st.frozensets(st.integers(1, 30), max_size=8)


def roll() -> Roll:
    return Roll({"point": ((2,), np.float64, np.nan), "n": ((), np.int64, 7), "side": ((3,), np.int8, 0)})


def of(some: frozenset[int] | set[int] | list[int]) -> np.ndarray:
    return np.array(sorted(some), np.int64)


@given(st.lists(st.tuples(st.booleans(), ids), max_size=20))
def test_a_roll_remembers_what_a_dictionary_would(steps: list[tuple[bool, frozenset[int]]]) -> None:
    known: dict[int, int] = {}
    r = roll()
    for number, (drop, some) in enumerate(steps):
        if drop:
            r.drop(of(some))
            for one in some:
                known.pop(one, None)
        else:
            rows, new = r.rows(of(some))
            assert new.tolist() == [one not in known for one in sorted(some)]
            assert r["n"][rows].tolist() == [known.get(one, 7) for one in sorted(some)]
            assert np.isnan(r["point"][rows[new]]).all()
            r["n"][rows] = number
            r["point"][rows] = number
            known.update(dict.fromkeys(some, number))
        assert r.id.tolist() == sorted(known)
        assert r["n"].tolist() == [known[one] for one in sorted(known)]
        assert len(r) == len(known) == len(r["side"])


def test_find_gives_rows_of_the_known_only() -> None:
    r = roll()
    r.rows(of([2, 5, 9]))
    assert r.find(of([9, 3, 2])).tolist() == [0, 2]


def test_a_state_is_a_copy_that_goes_on_being_what_it_was() -> None:
    r = roll()
    rows, _ = r.rows(of([1, 2]))
    state = r.state()
    r["n"][rows] = 99
    assert state["n"].tolist() == [7, 7]
    again = roll()
    again.restore(state)
    again["n"][:] = 5
    assert state["n"].tolist() == [7, 7]
    assert again.id.tolist() == [1, 2]
    assert {name: (a.dtype, a.shape) for name, a in again.state().items()} == {name: (a.dtype, a.shape) for name, a in r.state().items()}
