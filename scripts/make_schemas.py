"""Writes deploy/mqtt: a JSON Schema a kind of message, and the AsyncAPI document of all topics, from the payloads in the code: what is documented is what is sent."""

from __future__ import annotations

import functools
import json
import operator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from edge.health import HealthPayload
from edge.messages import PAYLOADS, SCHEMA
from edge.requests.payloads import ANSWERS, REQUESTS

FOLDER = Path(__file__).parents[1] / "deploy" / "mqtt"

KINDS: dict[str, tuple[type[Any], ...]] = {
    **PAYLOADS,
    "health": (HealthPayload,),
    **{f"request-{verb}": (kind,) for verb, kind in REQUESTS.items()},
    **{f"answer-{verb}": kinds for verb, kinds in ANSWERS.items()},
}
"""File name -> what can stand in such a message."""


def schemas() -> dict[str, str]:
    """File name -> text, for every kind of message; the same text whenever the payloads are the same."""
    return {f"{kind}.json": json.dumps(_schema(kind), indent=2, sort_keys=True) + "\n" for kind in sorted(KINDS)}


def mode_of(kind: str) -> str:
    """What we send always has its defaults; what others ask may leave them out."""
    return "validation" if kind.startswith("request-") else "serialization"


def _schema(kind: str) -> dict[str, Any]:
    payload = functools.reduce(operator.or_, KINDS[kind])
    schema = TypeAdapter(payload).json_schema(by_alias=True, mode=mode_of(kind))  # type: ignore[arg-type]
    title = f"edge {kind} message, version {SCHEMA}"
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}


def main() -> None:
    from make_asyncapi import asyncapi

    (FOLDER / "schemas").mkdir(parents=True, exist_ok=True)
    files = {f"schemas/{name}": text for name, text in schemas().items()} | {"asyncapi.yaml": asyncapi()}
    for name, text in files.items():
        (FOLDER / name).write_text(text)
        print(FOLDER / name)


if __name__ == "__main__":
    main()
