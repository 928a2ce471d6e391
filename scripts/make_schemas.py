"""Writes deploy/mqtt/schemas/*.json, one JSON Schema a kind of topic, from the payloads in edge/messages.py: what is documented is what is sent."""

from __future__ import annotations

import functools
import json
import operator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from edge.messages import PAYLOADS, SCHEMA

FOLDER = Path(__file__).parents[1] / "deploy" / "mqtt" / "schemas"


def schemas() -> dict[str, str]:
    """File name -> text, for every kind of topic; the same text whenever the payloads are the same."""
    return {f"{kind}.json": json.dumps(_schema(kind), indent=2, sort_keys=True) + "\n" for kind in sorted(PAYLOADS)}


def _schema(kind: str) -> dict[str, Any]:
    """What is sent (mode "serialization": a field with a default is always there), any of the topic's payloads."""
    payload = functools.reduce(operator.or_, PAYLOADS[kind])
    schema = TypeAdapter(payload).json_schema(by_alias=True, mode="serialization")
    title = f"edge {kind} message, version {SCHEMA}"
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (FOLDER / name).write_text(text)
        print(FOLDER / name)


if __name__ == "__main__":
    main()
