"""What an examination found: one value a line of its report. How a thing is found out, and how it is printed, is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["right", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: what it is called, how it is, and what to do where it is not right.

    `wrong`: the configuration needs it, and it is missing or broken. `note`: it works without, or could not be found out.
    """

    name: str
    state: State
    says: str
    remedy: str = ""


def right(name: str, says: str) -> Finding:
    return Finding(name, "right", says)


def note(name: str, says: str, remedy: str = "") -> Finding:
    return Finding(name, "note", says, remedy)


def wrong(name: str, says: str, remedy: str = "") -> Finding:
    return Finding(name, "wrong", says, remedy)


def lacking(needed: bool, name: str, says: str, remedy: str = "") -> Finding:
    """Something is not there: wrong where it is needed, else worth a note."""
    return Finding(name, "wrong" if needed else "note", says, remedy)
