"""`edge config check|schema|example`: a configuration before it is used."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    parser = commands.add_parser("config", help="check a configuration, or print its schema or an example")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    check = verbs.add_parser("check", help="say what is wrong with a configuration; opens nothing")
    check.add_argument("file", type=Path)
    check.set_defaults(command=_check)
    verbs.add_parser("schema", help="print the JSON Schema, for editors").set_defaults(command=_schema)
    verbs.add_parser("example", help="print a configuration with every key explained").set_defaults(command=_example)


def _check(given: argparse.Namespace) -> int:
    from edge.config import load

    config = load(given.file)
    places = sum(len(camera.lines) + len(camera.zones) for camera in config.cameras.values())
    print(f"{given.file} is right: device {config.device!r}, {len(config.cameras)} camera(s), {places} line(s) and zone(s)")
    return 0


def _schema(_: argparse.Namespace) -> int:
    from edge.config.load import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0


def _example(_: argparse.Namespace) -> int:
    from edge.config.example import example

    print(example(), end="")
    return 0
