"""How many heaps the C library keeps for the threads of this process. What is allocated, and what memory is used, is not looked at here."""

from __future__ import annotations

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
