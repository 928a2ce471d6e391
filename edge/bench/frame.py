"""`bench frame` and `bench track`: CPU milliseconds a frame, without a network. What is timed, and how, is in `ours` and `theirs`."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from edge.bench.crowd import save_pictures, save_walk, walk
from edge.bench.figures import collect, ratio, spread, spreads
from edge.bench.options import FrameBench, Theirs, TrackBench
from edge.bench.worker import Worker
from edge.data import Size


def bench_frame(options: FrameBench, theirs: Theirs | None = None) -> dict[str, Any]:
    """Spreads of follow, count, warm, paint and total; with `theirs`, theirs and the ratio of the mean totals, ours by theirs."""
    size = options.size
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        save_walk(folder / "walk.npz", walk(size, options.people, options.warmup + options.frames))
        save_pictures(folder / "pictures.npy", size, options.people)
        workers = [stack.enter_context(Worker("frame", folder=name))]
        if theirs is not None:
            workers.append(stack.enter_context(Worker("frame", theirs=theirs, folder=name)))
        stages = [collect(blocks) for blocks in _in_turns(workers, options.warmup, options.frames, options.blocks)]
    report: dict[str, Any] = {"size": str(size), "people": options.people, "frames": options.frames, **spreads(stages[0])}
    if theirs is not None:
        report["ultralytics"] = spreads(stages[1])
        report["vs_ultralytics"] = ratio(float(np.mean(stages[0]["total"])), float(np.mean(stages[1]["total"])))
    return report


def bench_track(options: TrackBench, theirs: Theirs | None = None) -> dict[str, Any]:
    """For each number of people: the spread of following them; with `theirs`, of BYTETracker.update, and the ratio of the means."""
    report: dict[str, Any] = {}
    for people in options.people:
        with tempfile.TemporaryDirectory(prefix="edge-bench-") as name, ExitStack() as stack:
            save_walk(Path(name) / "walk.npz", walk(Size(1920, 1080), people, options.warmup + options.frames))
            workers = [stack.enter_context(Worker("track", folder=name))]
            if theirs is not None:
                workers.append(stack.enter_context(Worker("track", theirs=theirs, folder=name)))
            sides = [collect(blocks)["follow"] for blocks in _in_turns(workers, options.warmup, options.frames, options.blocks)]
        report[str(people)] = {"follow_ms": spread(sides[0])}
        if theirs is not None:
            report[str(people)]["ultralytics"] = {"follow_ms": spread(sides[1])}
            report[str(people)]["vs_ultralytics"] = ratio(float(np.mean(sides[0])), float(np.mean(sides[1])))
    return report


def _in_turns(workers: list[Worker], warmup: int, frames: int, blocks: int) -> list[list[Any]]:
    """What each worker measured in each block; they work one after the other, never at once."""
    if warmup:
        for worker in workers:
            worker.ask(frames=warmup)
    answers: list[list[Any]] = [[] for _ in workers]
    for block in range(blocks):
        count = frames * (block + 1) // blocks - frames * block // blocks
        for worker, answer in zip(workers, answers, strict=True):
            answer.append(worker.ask(frames=count))
    return answers
