"""The shape of the house: who may import whom, what a file begins with, how long it may be, what it may not be called. No behaviour is tested here."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

LONG: dict[str, str] = {}
"""Files of more than 300 lines, each with the reason why it is not two rooms."""
NAMELESS = {"utils", "util", "common", "base", "core", "manager", "helpers", "misc"}
FILES = sorted(path.relative_to(ROOT).as_posix() for folder in ("edge", "tests", "scripts") for path in (ROOT / folder).rglob("*.py"))


def test_the_contracts_of_import_linter_are_kept() -> None:
    # In a process of its own: the command silences every logger of the one that runs it.
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_twins_of_the_back_ends_are_told_apart_as_soon_as_there_are_two() -> None:
    twins = sorted(path.parent.name for path in (ROOT / "edge" / "backends").glob("*/__init__.py"))
    if len(twins) > 1:
        text = (ROOT / "pyproject.toml").read_text()
        assert 'type = "independence"' in text
        assert all(f'"edge.backends.{twin}"' in text for twin in twins)


@pytest.mark.parametrize("name", FILES)
def test_a_file_begins_by_saying_what_belongs_in_it(name: str) -> None:
    said = ast.get_docstring(ast.parse((ROOT / name).read_text()))
    assert said, f"{name} needs a docstring whose first sentence says what belongs there and what does not"


def test_a_file_over_300_lines_is_two_rooms_or_has_a_reason() -> None:
    long = {name for name in FILES if len((ROOT / name).read_text().splitlines()) > 300}
    assert long == set(LONG), "split what is new here, and take from LONG what is short again"


def test_no_module_is_named_after_nothing() -> None:
    assert not [name for name in FILES if NAMELESS & {Path(name).stem, *Path(name).parts[:-1]}]
