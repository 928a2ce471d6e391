"""Which of TensorRT's names a source file uses, and how it calls them, read from the text. What each TensorRT offers is tests/facts'."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.conftest import ROOT

FACTS: dict[str, Any] = json.loads((ROOT / "tests" / "facts" / "tensorrt_api.json").read_text())
VERSIONS: list[str] = FACTS["versions"]
MEMBERS: dict[str, list[tuple[list[int], list[str] | None]]] = FACTS["members"]
CLASSES = {member.partition(".")[0] for member in MEMBERS} - {"trt"}
ROOTS = {"trt": "trt", "self._trt": "trt"}
"""What the code calls TensorRT's module."""
PARAMETERS = {
    "builder": "Builder",
    "network": "INetworkDefinition",
    "config": "IBuilderConfig",
    "parser": "OnnxParser",
    "profile": "IOptimizationProfile",
    "runtime": "Runtime",
    "engine": "ICudaEngine",
    "context": "IExecutionContext",
    "inspector": "EngineInspector",
}
"""What a parameter of these names is, in a file that uses TensorRT."""
ORDINARY = {"name", "shape", "dtype", "desc", "log", "value", "step", "message"}
"""Words that other objects have as well."""


@dataclass(frozen=True)
class Use:
    """`member` (``Runtime.deserialize_cuda_engine``) at a line; `call` is (positional arguments, names of the others) where it is called there.

    `asked` are the names that the function around it asks for by hasattr.
    """

    line: int
    member: str
    call: tuple[int, tuple[str, ...]] | None
    asked: frozenset[str]


class Uses:
    """Follows TensorRT's objects through assignments, attributes and the answers of methods."""

    def __init__(self, text: str) -> None:
        self._tree = ast.parse(text)
        self._kinds = dict(ROOTS)
        self._functions = [node for node in ast.walk(self._tree) if isinstance(node, ast.FunctionDef)]
        if any(isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in ROOTS for node in ast.walk(self._tree)):
            named = {argument.arg for function in self._functions for argument in (*function.args.args, *function.args.kwonlyargs)}
            self._kinds |= {name: kind for name, kind in PARAMETERS.items() if name in named}
        while self._learn():
            pass

    def _learn(self) -> bool:
        """Whether an assignment told something new."""
        before = len(self._kinds)
        for node in ast.walk(self._tree):
            pairs: list[tuple[ast.expr, ast.expr]] = []
            match node:
                case ast.Assign(targets=[ast.Tuple(elts=to)], value=ast.Tuple(elts=values)) if len(to) == len(values):
                    pairs = list(zip(to, values, strict=True))
                case ast.Assign(targets=targets, value=value):
                    pairs = [(target, value) for target in targets]
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    pairs = [(target, value)]
                case ast.NamedExpr(target=target, value=value):
                    pairs = [(target, value)]
            for target, value in pairs:
                kind = self._kind(value)
                if kind is not None:
                    self._kinds.setdefault(ast.unparse(target), kind)
        return len(self._kinds) > before

    def _kind(self, node: ast.expr) -> str | None:
        """The class of what an expression gives; ``trt`` for the module, ``type X`` for a class itself."""
        written = ast.unparse(node)
        if written in self._kinds:
            return self._kinds[written]
        match node:
            case ast.Attribute(value=value, attr=attr):
                return f"type {attr}" if self._kind(value) == "trt" and attr in CLASSES else None
            case ast.Call(func=ast.Attribute(value=value, attr=attr)):
                of = self._kind(value)
                if of == "trt" and attr in CLASSES:
                    return attr
                ways = [way for _, calls in MEMBERS.get(f"{of}.{attr}", []) for way in calls or []]
                answers = {re.sub(r".*:", "", way.rpartition(" -> ")[2]) for way in ways}
                answer = {"IParserError": "ParserError"}.get(one := next(iter(answers), ""), one)
                return answer if answer in CLASSES else None
        return None

    def __iter__(self) -> Iterator[Use]:
        calls = {id(node.func): node for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.Attribute) or ast.unparse(node) in ROOTS:
                continue
            kind = self._kind(node.value)
            if kind is None:
                continue
            how, call = None, calls.get(id(node))
            if call is not None and not any(isinstance(argument, ast.Starred) for argument in call.args):
                through_class = kind.startswith("type ") and node.attr not in CLASSES  # ILogger.__init__(self): self is no parameter
                how = (len(call.args) - through_class, tuple(word.arg or "**" for word in call.keywords))
            if node.attr not in ("__name__", "__members__"):
                yield Use(node.lineno, f"{kind.removeprefix('type ')}.{node.attr}", how, self._asked(node))

    def strangers(self) -> list[str]:
        """Names that only TensorRT has, taken from what is not known to be TensorRT's."""
        words = {member.partition(".")[2] for member in MEMBERS if not member.startswith("trt.")} - ORDINARY
        words = {word for word in words if "_" in word.strip("_")}
        taken = [node for node in ast.walk(self._tree) if isinstance(node, ast.Attribute) and node.attr in words]
        return [f"line {node.lineno}: {ast.unparse(node)}" for node in taken if self._kind(node.value) is None]

    def _asked(self, node: ast.Attribute) -> frozenset[str]:
        around = [f for f in self._functions if f.lineno <= node.lineno <= (f.end_lineno or 0)]
        calls = [call for f in around for call in ast.walk(f) if isinstance(call, ast.Call) and ast.unparse(call.func) == "hasattr"]
        return frozenset(call.args[1].value for call in calls if isinstance(call.args[1], ast.Constant))


def faults(use: Use) -> list[str]:
    """Why `use` fails, one sentence a version of TensorRT."""
    ways = {number: calls for numbers, calls in MEMBERS.get(use.member, []) for number in numbers}
    found = []
    for number, version in enumerate(VERSIONS):
        if number not in ways:
            # Where a function asks for something that this version lacks, this version does not come by.
            if not any(_lacks(number, name) for name in use.asked):
                found.append(f"line {use.line}: {version} has no {use.member}")
        elif use.call is not None and ways[number] is not None and not any(_takes(way, *use.call) for way in ways[number] or []):
            found.append(f"line {use.line}: {version} calls it {use.member}{' or '.join(ways[number] or [])}")
    return found


def _lacks(number: int, name: str) -> bool:
    return not any(number in numbers for member, ways in MEMBERS.items() if member.endswith(f".{name}") for numbers, _ in ways)


def _takes(way: str, positional: int, named: tuple[str, ...]) -> bool:
    inside = way[1 : way.rindex(") ->")]
    parameters = [part.strip() for part in inside.split(",") if part.strip()]
    names = [parameter.removesuffix("=") for parameter in parameters]
    if any(name.startswith("*") for name in names):
        return True
    given = {*names[:positional], *named}
    needed = {name for name, parameter in zip(names, parameters, strict=True) if not parameter.endswith("=")}
    return positional <= len(names) and needed <= given <= set(names) and not set(names[:positional]) & set(named)
