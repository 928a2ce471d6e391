"""The AsyncAPI document is that of the code, is whole in itself, and names every kind of message. Real messages are held against it in tests/flow."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml

from edge.messages import PAYLOADS
from edge.requests.payloads import REQUESTS

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "mqtt" / "asyncapi.yaml"


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load(FILE.read_text())


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_asyncapi", ROOT / "scripts" / "make_asyncapi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_document_that_ships_is_that_of_the_payloads(script: ModuleType) -> None:
    assert yaml.safe_load(script.asyncapi()) == yaml.safe_load(FILE.read_text()), "run scripts/make_schemas.py"


def test_every_kind_of_message_has_its_topic(document: Any) -> None:
    assert set(document["channels"]) >= set(PAYLOADS) | {f"ask-{verb}" for verb in REQUESTS} | {f"answer-{verb}" for verb in REQUESTS}
    assert set(document["operations"]) == {
        f"say-{c}" if not c.startswith("ask-") else c for c in document["channels"] if not c.startswith("answer-")
    }


def refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        for value in part.values():
            yield from refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from refs(value)


def test_every_reference_leads_somewhere_in_the_document(document: Any) -> None:
    for ref in set(refs(document)):
        here = document
        for step in ref.removeprefix("#/").split("/"):
            here = here[step]


def test_every_payload_is_a_schema_of_draft_7(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft7Validator.check_schema(schema)
        assert "prefixItems" not in str(schema), name


@pytest.mark.system
def test_the_official_parser_finds_nothing_wrong() -> None:
    parser = ROOT / ".asyncapi"
    if shutil.which("node") is None or not (parser / "node_modules").is_dir():
        pytest.skip("the AsyncAPI parser is not there; scripts/asyncapi_env.sh makes it (needs npm)")
    program = (
        "const { Parser } = require('@asyncapi/parser');"
        "new Parser().parse(require('fs').readFileSync(process.argv[1], 'utf8')).then(({ document, diagnostics }) => {"
        " for (const d of diagnostics) if (d.severity < 2) console.log(d.path.join('/'), d.message);"
        " if (!document) console.log('it is no AsyncAPI document'); })"
    )
    done = subprocess.run(["node", "-e", program, str(FILE)], cwd=parser, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
