"""How many heaps the C library keeps for this process, and what of them goes back to the system. What is allocated is not looked at here."""

from __future__ import annotations

import contextlib
import ctypes

_M_ARENA_MAX = -8  # malloc.h of the GNU C library
_HEAPS = 2


def keep_heaps_few(heaps: int = _HEAPS) -> bool:
    """Let all threads of this process share so many heaps, from now on; whether the C library can be told (the GNU one: mallopt(3)).

    By itself it takes up to eight for each core, one for whichever thread finds the others busy. A camera that is opened again is read by new
    threads, and the holes that its pictures leave in each heap are given to nobody else: a process of some cameras grows for as long as they
    come and go, by several times what they need. Libraries that bring an allocator of their own are not affected.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, heaps))
    except (AttributeError, OSError):  # another C library
        return False


def give_back() -> None:
    """Hand the system the pages of all heaps that hold nothing (the GNU one: malloc_trim(3)); elsewhere nothing happens.

    By itself the C library only gives back what lies at a heap's end. Pictures of several sizes, freed by other threads than they were made by,
    leave holes below that, so that a process goes on growing in steps though what it holds does not.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
