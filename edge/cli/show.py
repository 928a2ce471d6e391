"""What a person sees of a run: a progress bar while a terminal watches, a table of totals and the paths of what was made. rich is loaded late."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from edge.app import Running
from edge.config import Config
from edge.count.tally import Key, occupancy_of


class Watched(Protocol):
    """Whatever works through frames and can say how far it is."""

    @property
    def name(self) -> str: ...

    @property
    def frames_done(self) -> int: ...

    @property
    def frames_in_all(self) -> int | None: ...


class Progress:
    """A bar a camera, on stderr; nothing at all where no terminal watches."""

    def __init__(self, cameras: Sequence[Watched]) -> None:
        self._cameras = cameras
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            columns = (
                "[bold]{task.description}",
                BarColumn(),
                MofNCompleteColumn(),
                "frames",
                TextColumn("{task.fields[fps]}"),
                TimeRemainingColumn(),
            )
            self._bars = Bars(*columns, console=Console(stderr=True))
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self.tick()
            self._bars.stop()

    def tick(self) -> None:
        """Show how far the cameras are."""
        if self._bars is None:
            return
        for camera in self._cameras:
            if camera.name not in self._tasks:
                self._tasks[camera.name] = self._bars.add_task(camera.name, total=None, fps="")
            task = self._tasks[camera.name]
            rate = self._bars.tasks[task].speed
            self._bars.update(task, completed=camera.frames_done, total=camera.frames_in_all, fps=f"{rate:.1f} fps" if rate else "")


def show_summary(config: Config, running: Running) -> None:
    """Totals and paths, on stdout."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for name, camera in config.cameras.items():
        totals = running.store.totals(name)
        if camera.lines or camera.zones:
            console.print(_table(name, camera, totals))
        picture = next(config.state.glob(f"{name}-heatmap.*"), None)
        if picture is not None:
            console.print(f"heatmap    {picture}")
        recorder = running.recorders.get(name)
        for path in recorder.recorded if recorder else ():
            console.print(f"video      {path}")
    console.print(f"store      {running.store.path}")


def _table(name: str, camera: Any, totals: Mapping[Key, int]) -> Any:
    from rich.table import Table

    table = Table("place", "in", "out", "inside now", "mean stay", title=f"camera {name}", title_justify="left")

    def total(kind: str, place: str, *fields: str) -> int:
        return sum(n for key, n in totals.items() if key.kind == kind and key.place == place and key.field in fields)

    for line in camera.lines:
        table.add_row(f"line {line}", str(total("line", line, "in")), str(total("line", line, "out")), "", "")
    for zone in camera.zones:
        left = total("zone", zone, "exited", "vanished")
        stay = f"{total('zone', zone, 'dwell_us') * 1e-6 / left:.1f} s" if left else ""
        came = total("zone", zone, "entered", "appeared")
        table.add_row(f"zone {zone}", str(came), str(left), str(occupancy_of(totals, zone)), stay)
    return table
