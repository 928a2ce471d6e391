"""The order in which things that were lent are given back, without a GPU. What they are is tests/cuda_host's."""

from __future__ import annotations

import pytest

from edge.backends.cuda.lent import Lender, Lent


class Thing(Lent):
    """Something that notes when it is given back, and may refuse."""

    def __init__(self, lender: Lender, name: str, noted: list[str], *, refuses: bool = False) -> None:
        self._name, self._noted, self._refuses = name, noted, refuses
        super().__init__(lender)

    def _give_back(self) -> None:
        self._noted.append(self._name)
        if self._refuses:
            raise RuntimeError("no")


def test_what_is_left_is_given_back_newest_first_once_each() -> None:
    noted: list[str] = []
    lender = Lender()
    things = [Thing(lender, name, noted) for name in "abcd"]
    things[1].close()
    things[1].close()
    assert (len(lender), [thing.closed for thing in things]) == (3, [False, True, False, False])
    assert lender.close() == 3
    assert lender.close() == 0
    assert noted == ["b", "d", "c", "a"]


def test_one_that_refuses_does_not_keep_the_others(caplog: pytest.LogCaptureFixture) -> None:
    noted: list[str] = []
    lender = Lender()
    for name in "abc":
        Thing(lender, name, noted, refuses=name == "b")
    lender.close()
    assert noted == ["c", "b", "a"]
    assert "giving back what the GPU had lent failed" in caplog.text


def test_leaving_the_block_gives_back_also_after_an_error() -> None:
    noted: list[str] = []
    with pytest.raises(KeyError), Thing(Lender(), "a", noted):
        raise KeyError
    assert noted == ["a"]
