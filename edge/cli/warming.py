"""What a person sees of a model that is being built: a bar with the time that is left, while a terminal watches. rich is loaded late."""

from __future__ import annotations

import sys
from typing import Any

from edge.engine import OnProgress, Progress


class Bar:
    """A progress callback that draws; it leaves nothing on the screen."""

    def __init__(self) -> None:
        self._bars: Any = None
        self._task: Any = None

    def __enter__(self) -> OnProgress | None:
        """The callback; None where no terminal watches, so that others log instead."""
        return self if sys.stderr.isatty() else None

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        if self._bars is None:
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn
            from rich.progress import Progress as Bars

            columns = ("[bold]{task.description}", BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}"))
            self._bars = Bars(*columns, console=Console(stderr=True), transient=True)
            self._bars.start()
            self._task = self._bars.add_task("", total=1.0, left="")
        left = "" if progress.left_s is None else f"{progress.left_s:.0f} s left"
        self._bars.update(self._task, description=progress.what, completed=progress.share, left=left)
