"""The parser of the command line, and where every command ends: a result, or one sentence on stderr."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from edge import __version__
from edge.errors import EdgeError, UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    from edge.cli import logs

    try:
        given = _parser().parse_args(arguments)
        logs.begin(verbose=given.verbose)
        return int(given.command(given) or 0)
    except EdgeError as error:
        logging.getLogger("edge").debug("where it came from", exc_info=True)
        print(f"edge: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:  # a place that nobody foresaw: a folder that this user may not enter, a disk that is gone
        logging.getLogger("edge").debug("where it came from", exc_info=True)
        where = f"{error.filename} cannot be used" if error.filename else "the system refuses"
        print(f"edge: {where}: {error.strerror or error}; --verbose tells where that was", file=sys.stderr)
        return 1


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `{self.prog} --help` tells what can be written")


def _parser() -> argparse.ArgumentParser:
    from edge.cli import bench, build, config, demo, doctor, evaluate, healthcheck, heatmap, run, snapshot, video

    parser = _Parser(prog="edge", description="Cameras become counts, heatmaps and video that people can trust.")
    parser.add_argument("--version", action="version", version=f"edge {__version__}")
    parser.add_argument("--verbose", action="store_true", help="say more, and where errors came from")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (run, snapshot, video, config, doctor, healthcheck, demo, evaluate, build, bench, heatmap):
        module.add(commands)
    return parser
