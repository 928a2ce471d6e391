"""`edge run`: the service, or one source from the command line."""

from __future__ import annotations

import argparse
import faulthandler
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from edge.cli.moment import utc_ns
from edge.errors import UsageError


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        help="count, warm and record: a configuration, or one source",
        description="With -c, the service a configuration describes. With --source, one camera or file, recorded and counted into ./edge-data.",
    )
    parser.add_argument("-c", "--config", type=Path, help="a configuration (see `edge config example`)")
    parser.add_argument("--source", help="a file, rtsp:// http(s):// v4l2:// csi:// gst:// or synthetic://")
    parser.add_argument("--model", help="a YOLO11 model as .onnx (yolo11n.onnx); with -c, instead of the one in the file")
    parser.add_argument("--line", action="append", default=[], metavar="NAME=X1,Y1,X2,Y2", help="a counting line; may be given again")
    parser.add_argument("--zone", action="append", default=[], metavar="NAME=X1,Y1,X2,Y2,X3,Y3,...", help="a zone; may be given again")
    parser.add_argument("--classes", help="classes that count, with commas between them (person)")
    parser.add_argument("--colormap", help="one of OpenCV's 22 by name or number (jet)")
    parser.add_argument("--mqtt", metavar="URL", help="mqtt://host:port of a broker")
    parser.add_argument("--state", type=Path, help="folder of the database and the videos (edge-data)")
    parser.add_argument("--no-record", action="store_true", help="no overlay video")
    parser.add_argument("--show", action="store_true", help="a window a camera; `q` closes them, and ends a run of one --source")
    parser.add_argument("--view", nargs="?", const=True, type=int, metavar="PORT", help="a page for a browser on this machine (8090)")
    parser.add_argument("--realtime", action="store_true", help="files at their own pace instead of as fast as it goes")
    parser.add_argument("--start-time", type=utc_ns, metavar="ISO", help="when a file was filmed (the file's own date)")
    parser.set_defaults(command=_run)


def _run(given: argparse.Namespace) -> int:
    from edge.app import RunOptions, running
    from edge.app.viewing import WINDOW_FPS
    from edge.cli.show import Onlooker, Progress, show_summary
    from edge.cli.warming import Bar
    from edge.sinks.window import Windows

    # Where each thread was when a vendor's library crashed, or a service manager's watchdog ended us.
    faulthandler.enable(sys.__stderr__ or 2)
    config = configuration(given)
    windows = Windows()
    show = given.show and windows.can_show()
    one = given.source is not None
    options = RunOptions(realtime=given.realtime, must_open=one, start_time_utc_ns=given.start_time, show=show)
    with ExitStack() as stack:
        with Bar() as bar:
            device = stack.enter_context(running(config, options, on_warming=bar))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: device.device.stop())
        try:
            with Progress(device.device.cameras) as progress, Onlooker(windows, device.shown) as onlooker:

                def tick() -> None:
                    progress.tick()
                    if onlooker.has_left() and one:
                        device.device.stop()

                device.run(tick, every_s=1 / WINDOW_FPS if show else 0.2)
        finally:
            if any(camera.frames_done for camera in device.device.cameras):  # else what there is, an earlier run made
                show_summary(config, device)
    return 0


def configuration(given: argparse.Namespace) -> Any:
    """The configuration that the arguments mean."""
    from edge.config import load, parse

    if given.config is not None:
        if given.source or given.line or given.zone or given.classes or given.colormap:
            raise UsageError("-c describes its cameras itself; give either -c FILE, or --source with --line, --zone, --classes, --colormap")
        config = load(given.config)
        changes: dict[str, Any] = {}
        if given.model:
            changes["model"] = given.model
        if given.state:
            changes["state"] = given.state
        if given.mqtt:
            changes["mqtt"] = _broker(config.mqtt, given.mqtt)
        if given.no_record:
            changes["record"] = None
        if given.view is not None:
            changes["view"] = _page(config.view, given.view)
        return config.model_copy(update=changes)
    if given.source is None:
        raise UsageError("give -c FILE, or --source with a file, camera or URL")
    import json

    camera: dict[str, Any] = {"source": given.source, "lines": {}, "zones": {}}
    for text in given.line:
        name, points = _place(text, "--line", "NAME=X1,Y1,X2,Y2")
        _once(name, camera["lines"], "--line")
        if len(points) != 2:
            raise UsageError(f"--line {text} has {len(points)} points; a line has two, NAME=X1,Y1,X2,Y2")
        camera["lines"][name] = {"from": points[0], "to": points[1]}
    for text in given.zone:
        name, points = _place(text, "--zone", "NAME=X1,Y1,X2,Y2,X3,Y3")
        _once(name, camera["zones"], "--zone")
        camera["zones"][name] = points
    if given.classes is not None:
        camera["classes"] = [name.strip() for name in given.classes.split(",") if name.strip()]
    if given.colormap is not None:
        camera["heat"] = {"colormap": given.colormap}
    whole: dict[str, Any] = {"cameras": {"camera": camera}}
    if given.model:
        whole["model"] = given.model
    if given.mqtt:
        whole["mqtt"] = {"url": given.mqtt}
    if given.state:
        whole["state"] = str(given.state)
    if not given.no_record:
        whole["record"] = {}
    if given.view is not None:
        whole["view"] = {} if given.view is True else {"port": given.view}
    return parse(json.dumps(whole), "the command line")


def _broker(options: Any, url: str) -> Any:
    """The configuration's broker at another address."""
    import dataclasses

    from edge.sinks.options_mqtt import MqttOptions

    try:
        return dataclasses.replace(options or MqttOptions(), url=url)
    except ValueError as error:
        raise UsageError(f"--mqtt: {error}") from None


def _page(options: Any, port: int | Literal[True]) -> Any:
    """The configuration's page, at another port if one is given."""
    import dataclasses

    from edge.sinks.options_view import ViewOptions

    page = options or ViewOptions()
    try:
        return page if port is True else dataclasses.replace(page, port=port)
    except ValueError as error:
        raise UsageError(f"--view: {error}") from None


def _once(name: str, places: Mapping[str, Any], option: str) -> None:
    if name in places:
        raise UsageError(f"{option} {name} is given twice; give each a name of its own")


def _place(text: str, option: str, form: str) -> tuple[str, list[list[float]]]:
    name, _, numbers = text.partition("=")
    try:
        values = [float(number) for number in numbers.split(",")]
    except ValueError:
        values = []
    if not name or not values or len(values) % 2:
        raise UsageError(f"{option} {text} cannot be read; write {form}, in pixels of the picture")
    return name, [values[i : i + 2] for i in range(0, len(values), 2)]
