"""What each TensorRT offers of what we may call, read from NVIDIA's own bindings; the tests hold our calls against it. Nothing is called here.

``PYTHONPATH=.tensorrt-api/10.3.0 python scripts/tensorrt_facts.py dump tensorrt > 10.3.0.json`` for each version (tensorrt_api_env.sh gets
them), then ``python scripts/tensorrt_facts.py merge *.json > tests/facts/tensorrt_api.json``.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

KEPT = [
    "Builder",
    "IBuilderConfig",
    "ICudaEngine",
    "IExecutionContext",
    "IHostMemory",
    "ILogger",
    "INetworkDefinition",
    "IOptimizationProfile",
    "IProgressMonitor",
    "ITensor",
    "ILayer",
    "OnnxParser",
    "ParserError",
    "Runtime",
    "EngineInspector",
    "BuilderFlag",
    "ComputeCapability",
    "DataType",
    "HardwareCompatibilityLevel",
    "LayerInformationFormat",
    "LayerType",
    "MemoryPoolType",
    "NetworkDefinitionCreationFlag",
    "OnnxParserFlag",
    "ProfilingVerbosity",
    "TensorFormat",
    "TensorIOMode",
    "TensorLocation",
]


def dump(name: str) -> dict[str, Any]:
    """The version, and of each kept class (and of the module itself, as ``trt``) the members: how they are called, None where they are no methods."""
    module = importlib.import_module(name)
    members: dict[str, Any] = {f"trt.{member}": None for member in dir(module) if not member.startswith("_")} | {"trt.__version__": None}
    for kind in KEPT:
        of = getattr(module, kind, None)
        if of is None:
            continue
        members[f"trt.{kind}"] = _calls(of.__init__)
        named = getattr(of, "__members__", None)
        members |= {
            f"{kind}.{member}": _calls(getattr(of, member)) if named is None else None for member in named or dir(of) if _public(member)
        }
    return {"version": f"{name} {module.__version__}", "members": members}


def _public(member: str) -> bool:
    return not member.startswith("_") or member == "__init__"


def _calls(method: Any) -> list[str] | None:
    """Each way to call a method, ``(flags=) -> INetworkDefinition``: its parameters without self, with = where one may be left out, and what it
    gives. None for what is no method."""
    said = getattr(method, "__doc__", None)
    if not callable(method) or not said:
        return None
    calls = []
    for parameters, answer in re.findall(r"^(?:\d+\. )?\w+\((.*)\) -> (.*)$", said, re.MULTILINE):
        names = re.findall(r"(?:^|, )(\*{0,2}\w+)(?:: [^=,\[\]]*(?:\[[^=]*\])?)?(\s*= )?", parameters)
        shown = [name + ("=" if default else "") for name, default in names if name != "self"]
        calls.append(f"({', '.join(shown)}) -> {re.sub(r'[a-z_]+[.]', '', answer)}")
    return list(dict.fromkeys(call for call in calls if "**kwargs" not in call)) or None


def merge(dumps: list[dict[str, Any]]) -> str:
    """One table, a line a member: in which versions it is, and how it is called there."""
    versions = [each["version"] for each in dumps]
    lines = []
    for member in sorted({member for each in dumps for member in each["members"]}):
        ways: dict[str, list[int]] = {}
        for number, each in enumerate(dumps):
            if member in each["members"]:
                ways.setdefault(json.dumps(each["members"][member]), []).append(number)
        lines.append(f"{json.dumps(member)}: [{', '.join(f'[{json.dumps(where)}, {calls}]' for calls, where in ways.items())}]")
    return f'{{"versions": {json.dumps(versions)},\n"members": {{\n' + ",\n".join(lines) + "}}\n"


if __name__ == "__main__":
    if sys.argv[1] == "dump":
        print(json.dumps(dump(sys.argv[2])))
    else:
        print(merge([json.loads(Path(name).read_text()) for name in sys.argv[2:]]), end="")
