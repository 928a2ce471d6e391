"""`edge demo`: the whole line on a plaza whose truth is known."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from edge.demo import DemoOptions
    from edge.demo.listener import Listener

_DETECTORS = {
    "box": "the model in the box, which was never trained on this plaza",
    "scene": "the scene's own boxes with misses, false boxes and jitter added: no network runs in this demonstration",
}


def add(commands: Any) -> None:
    parser = commands.add_parser("demo", help="the whole line on a synthetic plaza, with truth to compare")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="folder for what it makes (demo-out)")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the scene (60)")
    parser.add_argument("--people", type=int, default=12, help="people on the plaza at a time (12)")
    parser.add_argument("--size", default="1280x720", help="of the picture (1280x720)")
    parser.add_argument("--fps", type=float, default=15.0, help="frames a second (15)")
    parser.add_argument("--seed", type=int, default=7, help="another number is another day (7)")
    parser.add_argument(
        "--detector", choices=("box", "scene"), help="the model in the box, or the scene's own boxes, degraded (box, where there is one)"
    )
    parser.add_argument("--broker", metavar="URL", default="mqtt://localhost:1883", help="used if it answers; else a broker is started")
    parser.set_defaults(command=_demo)


def _demo(given: argparse.Namespace) -> int:
    from rich.console import Console

    from edge.app import RunOptions, running
    from edge.cli.show import Progress
    from edge.demo import DemoOptions, demo_config, prepare_folder
    from edge.demo.broker import existing_broker, running_broker
    from edge.demo.listener import Listener
    from edge.demo.plot import plot_counts
    from edge.engine.box import box_is_there

    detector: Literal["box", "scene"] = given.detector or ("box" if box_is_there() else "scene")
    options = DemoOptions(given.out, given.seconds, given.people, given.size, given.fps, given.seed, detector)
    demo_config(options, given.broker)  # bad values are said before anything is deleted or started
    prepare_folder(options.out)
    console = Console(highlight=False, soft_wrap=True)
    with ExitStack() as stack:
        url = given.broker
        if existing_broker(url):
            console.print(f"broker     {url}, which was running")
        else:
            broker = stack.enter_context(running_broker())
            url = f"mqtt://{broker.host}:{broker.port}"
            console.print(f"broker     {broker.kind} on {url}, started for this demonstration")
        console.print(f"detector   {_DETECTORS[options.detector]}")
        listener = stack.enter_context(Listener(url, "edge/demo"))
        device = stack.enter_context(running(demo_config(options, url), RunOptions()))
        with Progress(device.device.cameras) as progress:
            device.run(progress.tick)
        plot = options.out / "counts.png"
        plot_counts(listener.events, plot, title=f"Counted on the plaza in {options.seconds:g} s")
        _report(console, options, device, listener, plot)
    return 0


def _report(console: Any, options: DemoOptions, device: Any, listener: Listener, plot: Path) -> None:
    from rich.table import Table

    from edge.demo import CAMERA, compare

    table = Table("place", "", "counted", "true", title="counted against truth", title_justify="left")
    for place, what, counted, true in compare(options, device.store.totals(CAMERA)):
        table.add_row(place, what, str(counted), str(true))
    console.print(table)
    console.print(f"mqtt       {sum(listener.messages.values())} messages heard by an independent subscriber")
    for path in device.recorders[CAMERA].recorded:
        console.print(f"video      {path}")
    console.print(f"heatmap    {options.out / f'{CAMERA}-heatmap.jpg'}")
    console.print(f"plot       {plot}")
