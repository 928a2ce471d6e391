"""`edge run`: the service, or one source from the command line."""

from __future__ import annotations

import argparse
import faulthandler
import signal
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.errors import UsageError


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        help="count, warm and record: a configuration, or one source",
        description="With -c, the service a configuration describes. With --source, one camera or file, recorded and counted into ./edge-data.",
    )
    parser.add_argument("-c", "--config", type=Path, help="a configuration (see `edge config example`)")
    parser.add_argument("--source", help="a file, rtsp:// http(s):// v4l2:// csi:// or synthetic://")
    parser.add_argument("--model", help="a YOLO11 model as .onnx; with -c, instead of the one in the file")
    parser.add_argument("--line", action="append", default=[], metavar="NAME=X1,Y1,X2,Y2", help="a counting line; may be given again")
    parser.add_argument("--zone", action="append", default=[], metavar="NAME=X1,Y1,X2,Y2,X3,Y3,...", help="a zone; may be given again")
    parser.add_argument("--classes", help="classes that count, with commas between them (person)")
    parser.add_argument("--colormap", help="one of OpenCV's 22 by name or number (jet)")
    parser.add_argument("--mqtt", metavar="URL", help="mqtt://host:port of a broker")
    parser.add_argument("--state", type=Path, help="folder of the database and the videos (edge-data)")
    parser.add_argument("--no-record", action="store_true", help="no overlay video")
    parser.add_argument("--realtime", action="store_true", help="files at their own pace instead of as fast as it goes")
    parser.add_argument("--start-time", type=_moment, metavar="ISO", help="when a file was filmed (the file's own date)")
    parser.set_defaults(command=_run)


def _run(given: argparse.Namespace) -> int:
    from edge.app import RunOptions, running
    from edge.cli.show import Progress, show_summary
    from edge.cli.warming import Bar

    # Where each thread was when a vendor's library crashed, or a service manager's watchdog ended us.
    faulthandler.enable(sys.__stderr__ or 2)
    config = configuration(given)
    start = given.start_time
    options = RunOptions(
        realtime=given.realtime,
        must_open=given.source is not None,
        start_time_utc_ns=None if start is None else round(start.timestamp() * 1e6) * 1000,
    )
    with ExitStack() as stack:
        with Bar() as bar:
            device = stack.enter_context(running(config, options, on_warming=bar))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: device.device.stop())
        try:
            with Progress(device.device.cameras) as progress:
                device.run(progress.tick)
        finally:
            show_summary(config, device)
    return 0


def _moment(text: str) -> datetime:
    """A moment with its zone; Python 3.10 does not read the usual Z."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no zone; write {text}Z or {text}+02:00")
    return moment


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
        return config.model_copy(update=changes)
    if given.source is None:
        raise UsageError("give -c FILE, or --source with a file, camera or URL")
    import json

    camera: dict[str, Any] = {"source": given.source, "lines": {}, "zones": {}}
    for text in given.line:
        name, points = _place(text, "--line", "NAME=X1,Y1,X2,Y2")
        if len(points) != 2:
            raise UsageError(f"--line {text} has {len(points)} points; a line has two, NAME=X1,Y1,X2,Y2")
        camera["lines"][name] = {"from": points[0], "to": points[1]}
    for text in given.zone:
        name, points = _place(text, "--zone", "NAME=X1,Y1,X2,Y2,X3,Y3")
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
    return parse(json.dumps(whole), "the command line")


def _broker(options: Any, url: str) -> Any:
    """The configuration's broker at another address."""
    import dataclasses

    from edge.sinks.options_mqtt import MqttOptions

    try:
        return dataclasses.replace(options or MqttOptions(), url=url)
    except ValueError as error:
        raise UsageError(f"--mqtt: {error}") from None


def _place(text: str, option: str, form: str) -> tuple[str, list[list[float]]]:
    name, _, numbers = text.partition("=")
    try:
        values = [float(number) for number in numbers.split(",")]
    except ValueError:
        values = []
    if not name or not values or len(values) % 2:
        raise UsageError(f"{option} {text} cannot be read; write {form}, in pixels of the picture")
    return name, [values[i : i + 2] for i in range(0, len(values), 2)]
