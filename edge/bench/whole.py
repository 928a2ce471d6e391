"""`bench pipeline` and `bench run`: frames a second of the whole product, its import time and its memory. The work is in `ours_whole` and `theirs`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from edge.bench.crowd import save_pictures, save_walk, walk
from edge.bench.figures import ratio
from edge.bench.options import PipelineBench, RunBench, Theirs
from edge.bench.worker import Worker
from edge.errors import EdgeError, UsageError

_IMPORTS = 5
_PAGE = "from {package} import solutions; solutions.Heatmap; import cv2, onnxruntime"
"""What the program on their page imports, with the network's library, which both load late."""
_OURS_LATE = "import edge.backends.cpu.detector, edge.backends.cpu.painter"
"""What our Heatmap loads when the first one is made: it is counted as if it were imported with it."""
_COMMAND = (
    "import edge.app, edge.backends.cpu.detector, edge.backends.cpu.painter, edge.sources.video, edge.sinks.recorder, edge.sinks.mqtt"
)
"""All that `edge run` over a file imports: configuration, video and MQTT besides."""
_TIMED = "import time; begun_s = time.perf_counter(); {statement}; print(); print(time.perf_counter() - begun_s)"


def bench_pipeline(options: PipelineBench, broker: str | None, theirs: Theirs | None = None) -> dict[str, Any]:
    """Frames a second of a stand-in detector alone and of the whole pipeline around it, publishing to `broker` (its URL), and their ratio."""
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name, ExitStack() as stack:
        save_walk(Path(name) / "walk.npz", walk(options.size, options.people, 900))
        save_pictures(Path(name) / "pictures.npy", options.size, options.people)
        given: dict[str, Any] = {"folder": name, "detector_ms": options.detector_ms}
        ours = stack.enter_context(Worker("pipeline", broker=broker, **given))
        other = stack.enter_context(Worker("pipeline", theirs=theirs, threads=None, **given)) if theirs else None
        alone, whole, others = [], [], []
        for _ in range(options.rounds):
            alone.append(ours.ask(alone=True, seconds=options.seconds / 2, warmup_s=0)["fps"])
            whole.append(ours.ask(alone=False, seconds=options.seconds, warmup_s=options.warmup_s))
            if other is not None:
                others.append(other.ask(seconds=options.seconds, warmup_s=options.warmup_s)["fps"])
    fps = statistics.mean(block["fps"] for block in whole)
    report: dict[str, Any] = {
        "size": str(options.size),
        "people": options.people,
        "detector_ms": options.detector_ms,
        "detector_fps": round(statistics.mean(alone), 2),
        "fps": round(fps, 2),
        "ratio": ratio(fps, statistics.mean(alone)),
        "cpu_ms": round(statistics.mean(block["cpu_ms"] for block in whole), 3),
    }
    if others:
        report["ultralytics"] = {"fps": round(statistics.mean(others), 2)}
        report["vs_ultralytics"] = ratio(fps, statistics.mean(others))
    return report


def bench_run(options: RunBench, theirs: Theirs | None = None) -> dict[str, Any]:
    """A run over a file: frames a second, import time, peak memory. With `theirs`, theirs too, and ours by theirs: `vs_ultralytics` of the frames
    a second, `import_vs_ultralytics`, `rss_vs_ultralytics`.
    """
    sides: list[Theirs | None] = [None, theirs] if theirs else [None]
    import_s: dict[Theirs | None, list[float]] = {side: [] for side in sides}
    for _ in range(_IMPORTS):
        for side in sides:
            page = _PAGE.format(package="edge" if side is None else "ultralytics")
            import_s[side].append(_import_s(side, f"{page}; {_OURS_LATE}" if side is None else page))
    command_import_s = statistics.median(_import_s(None, _COMMAND) for _ in range(_IMPORTS))
    fps: dict[Theirs | None, list[float]] = {side: [] for side in sides}
    rss_mib: dict[Theirs | None, list[float]] = {side: [] for side in sides}
    frames = 0
    given = {"source": str(options.source), "model": str(options.model), "frames": options.frames}
    for _ in range(options.rounds):
        for side in sides:
            # BLAS has one thread in the product; over there everything has what the network has.
            with Worker(
                "run", theirs=side, threads=1 if side is None else options.threads or None, net_threads=options.threads, **given
            ) as worker:
                answer = worker.ask()
                fps[side].append(answer["fps"])
                rss_mib[side].append(worker.rss_mib)
                frames = answer["frames"] if side is None else frames

    def figures(side: Theirs | None) -> dict[str, float]:
        return {
            "fps": round(statistics.mean(fps[side]), 3),
            "import_s": round(statistics.median(import_s[side]), 4),
            "rss_mib": round(max(rss_mib[side]), 1),
        }

    mine = figures(None)
    report: dict[str, Any] = {"frames": frames, "threads": options.threads, **mine, "command_import_s": round(command_import_s, 4)}
    if theirs is not None:
        other = figures(theirs)
        report["ultralytics"] = other
        report["vs_ultralytics"] = ratio(mine["fps"], other["fps"])
        report["import_vs_ultralytics"] = ratio(mine["import_s"], other["import_s"])
        report["rss_vs_ultralytics"] = ratio(mine["rss_mib"], other["rss_mib"])
    return report


def _import_s(side: Theirs | None, statement: str) -> float:
    """Seconds that a statement of imports takes in a process of its own, the interpreter's own start not counted."""
    python = sys.executable if side is None else str(side.python)
    try:
        done = subprocess.run([python, "-c", _TIMED.format(statement=statement)], capture_output=True, text=True, check=False)
    except OSError as error:
        raise UsageError(f"{python} cannot be run ({error.strerror}); give the path of a Python that has Ultralytics") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()
        raise EdgeError(f"{python} could not import what is to be measured: {last[-1] if last else 'it said nothing'}")
    return float(done.stdout.split()[-1])
