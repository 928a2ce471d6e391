"""Threads that come and go leave few heaps behind; asked of the C library itself, in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from edge.runtime.heaps import keep_heaps_few

told = keep_heaps_few() if sys.argv[1] == "few" else True
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
together = threading.Barrier(8)

def work():
    together.wait()
    blocks = [libc.malloc(50_000) for _ in range(20)]
    together.wait()
    for block in blocks:
        libc.free(block)

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
sys.exit(not told)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the C library here is not the GNU one, which has these heaps")
def test_eight_threads_at_once_have_two_heaps() -> None:
    def heaps(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
        return done.stdout.count("<heap nr=")

    assert heaps("few") <= 2
    assert heaps("as it comes") > 2, "nothing is shown here: there were few heaps anyway"


HOLES = """
import ctypes, sys
from pathlib import Path
from edge.runtime.heaps import give_back

def resident_bytes(): return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
blocks = [libc.malloc(50_000) for _ in range(1000)]
for block in blocks: ctypes.memset(ctypes.c_void_p(block), 1, 50_000)
for block in blocks[:-1]: libc.free(block)
before = resident_bytes()
give_back()
print(before - resident_bytes())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library here is not the GNU one, which can be told")
def test_what_lies_free_below_something_that_is_held_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 40_000_000  # of 49,950,000 that were freed
