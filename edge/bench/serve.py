"""The far end of a worker's pipes: loads a file of works, begins one, does a block for each line of JSON. It imports nothing of this package.

``python serve.py FILE WORK GIVEN``: FILE's ``WORKS[WORK](**GIVEN)`` is the work; each line on stdin holds the keywords of its ``block``, each
line on stdout what that returned, or what went wrong. Any interpreter can run it, with or without edge; it ends with stdin.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import Any


def serve(file: str, work: str, given: str) -> None:
    """Do what is asked until nobody asks any more."""
    # Libraries greet on stdout; the answers go past them through a descriptor of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**what: Any) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    try:
        spec = importlib.util.spec_from_file_location("works", file)
        assert spec is not None
        assert spec.loader is not None
        works = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(works)
        job = works.WORKS[work](**json.loads(given))
        answer(ready=True)
        for line in sys.stdin:
            answer(done=job.block(**json.loads(line)), rss_mib=peak_rss_mib())
    except Exception as error:  # noqa: BLE001  whatever it was, who asked must hear of it
        answer(error=f"{type(error).__name__}: {error}")


def peak_rss_mib() -> float:
    """The most resident memory that this process has held, in MiB."""
    try:
        # What getrusage tells begins with the memory of who started this process; the kernel's own high-water mark does not.
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1024**2 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    # Run by its path, this folder stands first where Python looks for modules; nobody's `import run` may mean ours.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or os.curdir) != here]
    serve(*sys.argv[1:4])
