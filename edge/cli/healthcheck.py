"""`edge healthcheck`: whether the device that runs beside it counts frames, as a container's health check asks. What it says of itself is the device's."""

from __future__ import annotations

import argparse
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge.beat import VARIABLE, Beat, born, read_beat
from edge.errors import UsageError

_ENDING_S = 5.0
"""How long a process has to say where its threads were."""


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "healthcheck",
        help="say whether the device beside it counts frames; for containers",
        description="Reads the heartbeat of an `edge run` and ends with 0 where frames that cameras give are counted on, or a start or an engine's"
        " building is on its way; with 1 where not. A camera that is away is no failure: it is opened again and again.",
    )
    parser.add_argument("--file", type=Path, help="the heartbeat ($EDGE_HEARTBEAT)")
    parser.add_argument("--end", action="store_true", help="end a device that is stuck, so that whoever started it starts it anew")
    parser.set_defaults(command=_healthcheck)


def _healthcheck(given: argparse.Namespace) -> int:
    named = os.environ.get(VARIABLE)
    path = given.file or (Path(named) if named else None)
    if path is None:
        raise UsageError(f"which device? Set {VARIABLE} to a file for `edge run` and for this command, or give --file")
    beat = read_beat(path)
    if beat is None:
        print(f"there is no heartbeat in {path}: `edge run` has not begun, or cannot write it")
        return 1
    trouble = _trouble(beat)
    print(trouble or beat.says, flush=True)  # whoever ends the device may end its container, and this with it
    if trouble and given.end:
        _end(beat)
    return 1 if trouble else 0


def _trouble(beat: Beat) -> str:
    """What is wrong, in a sentence; '' when nothing is."""
    if born(beat.pid) != beat.born:
        return f"the device has ended (process {beat.pid}); it last said: {beat.says}"
    late_s = time.monotonic() - beat.until_s
    if late_s > 0:
        return f"the device says nothing any more, for {late_s:.0f} s longer than it may; it last said: {beat.says}"
    return beat.stuck


def _end(beat: Beat) -> None:
    """First as a service manager's watchdog does, so that the log says where each thread was; then whatever it takes."""
    for number in (signal.SIGABRT, signal.SIGKILL):
        if born(beat.pid) != beat.born:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.kill(beat.pid, number)
        until_s = time.monotonic() + _ENDING_S
        while born(beat.pid) == beat.born and time.monotonic() < until_s:
            time.sleep(0.05)
    if born(beat.pid) == beat.born:
        print(f"process {beat.pid} could not be ended: start the container with an init (`docker run --init`, `init: true`)")
