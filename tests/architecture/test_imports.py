"""The shape of the house: who may import whom, what a file begins with, how long it may be, what it may not be called. No behaviour is tested here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

LONG: dict[str, str] = {}
"""Files of more than 300 lines, each with the reason why it is not two rooms."""
NAMELESS = {"utils", "util", "common", "base", "core", "manager", "helpers", "misc"}
FILES = sorted(path.relative_to(ROOT).as_posix() for folder in ("edge", "tests", "scripts") for path in (ROOT / folder).rglob("*.py"))


def test_the_contracts_of_import_linter_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


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
