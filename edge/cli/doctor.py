"""`edge doctor`: whether this machine is fit for a configuration, and what to do where it is not."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.doctor import Finding, Needs
    from edge.sources import Address

_MARKS = {"right": ("ok", "green"), "note": ("note", "yellow"), "wrong": ("WRONG", "bold red")}


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "doctor",
        help="say whether this machine is fit, and what to do where it is not",
        description="Looks at the machine, and with -c at all that a configuration needs; with --camera or --source at one camera alone."
        " Changes nothing. Ends with 1 when something that is needed is missing.",
    )
    parser.add_argument("-c", "--config", type=Path, help="a configuration: its cameras, model, broker and disk are tried as well")
    parser.add_argument("--camera", metavar="NAME", help="only this camera of the configuration, and the GStreamer pipeline that reads it")
    parser.add_argument("--source", metavar="URI", help="the same for a source that is in no configuration")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_doctor)


def _doctor(given: argparse.Namespace) -> int:
    from edge.doctor import Machine, Needs, camera, examine

    config = None
    if given.config is not None:
        from edge.config import load

        config = load(given.config)
    pipeline = ""
    if given.camera is None and given.source is None:
        findings = _watched(lambda: examine(Machine(), Needs(config)))
    else:
        which = _which(given, Needs(config))
        findings, pipeline = _watched(lambda: camera(Machine(), *which))
    lost = sum(finding.state == "wrong" for finding in findings)
    if given.json:
        report = _report(given.config, findings) | ({"pipeline": pipeline} if pipeline else {})
        print(json.dumps(report, indent=2, ensure_ascii=False))
    elif given.camera is None and given.source is None:
        _show(findings)
        _sum_up(given.config, lost)
    else:
        _show(findings)
        if pipeline:
            print(f"\nIts pipeline; another is given as the source itself, behind gst://\n\n{pipeline}")
    return 1 if lost else 0


def _which(given: argparse.Namespace, needs: Needs) -> tuple[str, Address]:
    """The one camera that is asked about. UsageError where it is named twice, or is not there."""
    from edge.errors import UsageError
    from edge.sources import check_source

    if given.source is not None:
        if given.camera is not None:
            raise UsageError("--camera and --source name one camera each; give one of them")
        return "source", check_source(given.source)
    if given.config is None:
        raise UsageError("--camera names a camera of a configuration; give that as well, with -c, or name a source with --source")
    if given.camera not in needs.cameras:
        raise UsageError(f"there is no camera {given.camera!r} in {given.config}; it has {', '.join(needs.cameras)}")
    return given.camera, needs.cameras[given.camera]


def _watched(work: Any) -> Any:
    """What `work` gives; a sign of life while a terminal watches."""
    if not sys.stderr.isatty():
        return work()
    from rich.console import Console

    with Console(stderr=True).status("looking at this machine"):
        return work()


def _report(config: Path | None, findings: Sequence[Finding]) -> dict[str, Any]:
    from edge import __version__

    return {
        "version": __version__,
        "configuration": None if config is None else str(config),
        "fit": all(finding.state != "wrong" for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }


def _show(findings: Sequence[Finding]) -> None:
    """A line a finding, its remedy below it; in colour, and folded under its own column, where a terminal shows it."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    width = max(len(finding.name) for finding in findings)
    margin = 9 + width
    room = max(40, console.width - margin) if console.is_terminal else 0

    def folded(text: str) -> str:
        lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) if room else [text]
        return f"\n{' ' * margin}".join(lines)

    for finding in findings:
        mark, style = _MARKS[finding.state]
        console.print(Text.assemble((f"{mark:5}", style), f"  {finding.name:{width}}  {folded(finding.says)}"))
        if finding.remedy:
            console.print(Text.assemble(" " * margin, (folded(f"→ {finding.remedy}"), style)))


def _sum_up(config: Path | None, lost: int) -> None:
    if config is None:
        print("\nNo configuration was given: `edge doctor -c FILE` tries its cameras, model, broker and disk.")
    elif lost:
        print(f"\n{config} cannot run here yet: {lost} of what it needs {'is' if lost == 1 else 'are'} wrong.")
    else:
        print(f"\n{config} has all that it needs here.")
