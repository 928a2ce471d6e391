"""A process of its own that works for a measurement, by JSON lines over its pipes. What it does is in `ours` and `theirs`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from edge.bench.options import Theirs
from edge.errors import EdgeError, UsageError

_HERE = Path(__file__).parent
_OURS = {"frame": "ours.py", "track": "ours.py", "pipeline": "ours_whole.py", "run": "ours_whole.py"}
_STOP_S = 5.0


class Worker:
    """A context manager: the process begins `work` on entering and ends on leaving. `ask` does one block of it.

    `rss_mib` is the most memory that the process had held by its last answer. `threads` pins BLAS and OpenMP, which read the environment before anything else can be said to them; None leaves them alone.
    """

    def __init__(self, work: str, *, theirs: Theirs | None = None, threads: int | None = 1, **given: Any) -> None:
        self._work, self._theirs, self._given = work, theirs, given
        self._threads = threads
        self.rss_mib = 0.0
        self._process: subprocess.Popen[str] | None = None
        self._words = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  closed on leaving

    @property
    def _who(self) -> str:
        return f"{self._theirs.python} (Ultralytics)" if self._theirs else "the measurement"

    def __enter__(self) -> Worker:
        file = _HERE / ("theirs.py" if self._theirs else _OURS[self._work])
        given = dict(self._given)
        if self._theirs:
            command = [str(self._theirs.python), str(_HERE / "serve.py")]
            given["compat"] = str(self._theirs.compat) if self._theirs.compat else None
        else:
            command = [sys.executable, "-m", "edge.bench.serve"]
        environment = dict(os.environ)
        if self._threads is not None:
            environment |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self._threads))
        # A measurement must neither wait for a network nor install anything.
        environment |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
        try:
            self._process = subprocess.Popen(
                [*command, str(file), self._work, json.dumps(given)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                text=True,
                env=environment,
            )
        except OSError as error:
            self._words.close()
            raise UsageError(f"{command[0]} cannot be run ({error.strerror}); give the path of a Python that has Ultralytics") from None
        try:
            self._answer()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill() if kind is not None else process.communicate()
            process.wait(_STOP_S)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        self._words.close()

    def ask(self, **what: Any) -> Any:
        """What one block of the work with these keywords returned. EdgeError says what went wrong there."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(_STOP_S)
            self._words.seek(0)
            last = self._words.read().strip().splitlines()
            raise EdgeError(f"{self._who} ended with code {self._process.returncode}: {last[-1] if last else 'it said nothing'}")
        answer = json.loads(line)
        if "error" in answer:
            if "No module named 'ultralytics" in answer["error"]:
                raise UsageError(f"{self._who} has no Ultralytics; give the Python of an environment where it is installed")
            raise EdgeError(f"{self._who} failed: {answer['error']}")
        self.rss_mib = answer.get("rss_mib", 0.0)
        return answer.get("done")
