"""What a person sees of a run: windows, a progress bar while a terminal watches, a table of totals and the paths of what was made. rich is loaded late."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from edge.app import Running
from edge.config import Config
from edge.count.tally import Key, crossings_of, occupancy_of
from edge.runtime.looking import LivePicture
from edge.sinks.window import Windows


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


class Onlooker:
    """Who looks at the windows of a run: the newest picture of each camera, at each tick, by the thread that made this."""

    def __init__(self, windows: Windows, shown: Mapping[str, LivePicture]) -> None:
        self._windows, self._shown = windows, shown
        self._numbers = dict.fromkeys(shown, 0)

    def __enter__(self) -> Onlooker:
        return self

    def __exit__(self, *_: object) -> None:
        self._windows.close()

    def has_left(self) -> bool:
        """Show what is new; whether whoever looked has closed the windows."""
        pictures = {}
        for name, live in self._shown.items():
            if self._windows.shows(name) and (seen := live.look(self._numbers[name], 0)) is not None:
                self._numbers[name], pictures[name] = seen
        if self._shown:
            self._windows.show(pictures)
        return self._windows.left


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

    def total(zone: str, *fields: str) -> int:
        return sum(n for key, n in totals.items() if key.kind == "zone" and key.place == zone and key.field in fields)

    for line in camera.lines:
        table.add_row(f"line {line}", *map(str, crossings_of(totals, line)), "", "")
    for zone in camera.zones:
        left = total(zone, "exited", "vanished")
        stay = f"{total(zone, 'dwell_us') * 1e-6 / left:.1f} s" if left else ""
        came = total(zone, "entered", "appeared")
        table.add_row(f"zone {zone}", str(came), str(left), str(occupancy_of(totals, zone)), stay)
    return table
