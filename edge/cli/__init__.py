"""The commands: words become options, errors become one sentence and an exit code. No rule of the product is decided here.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

import os

# Tiny matrices on two BLAS threads are twenty times slower than on one; it must be said before NumPy loads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from edge.cli.main import main

__all__ = ["main"]
