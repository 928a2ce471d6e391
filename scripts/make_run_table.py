"""Writes the README's table of what has run where, from the reports in tests/device/reports: what no report tells of has not run.

A table without figures: they are in the reports. `make test-device` and `make test-report` write those, and call this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "tests" / "device" / "reports"
BEGIN = "<!-- what has run where: by scripts/make_run_table.py from tests/device/reports -->"
END = "<!-- end of what has run where -->"

Report = Mapping[str, Any]


class Row(NamedTuple):
    """A kind of run: its name, which tests of which reports belong to it, and how its machine is called."""

    what: str
    belongs: Callable[[str, Report], bool]
    where: Callable[[Report], str]


def _on_host(name: str) -> bool:
    """A kernel's test on the stand-in driver: of tests/cuda_host, or a contract over it."""
    return name.startswith("tests/cuda_host/") or "cuda" in _parameters(name)


def _on_gpu(name: str, report: Report) -> bool:
    return report["gpu"] is not None and (name.startswith("tests/device/") or "gpu" in _parameters(name))


def _parameters(name: str) -> list[str]:
    """`test_a[gpu-64x36]` -> gpu, 64x36."""
    return name.partition("[")[2].removesuffix("]").split("-")


def _built(name: str) -> bool:
    """An engine that was built and not run: TensorRT for RTX builds without a GPU."""
    return name.startswith("tests/flow/test_engine_build")


def _of_tensorrt(name: str) -> bool:
    return any(word in Path(name.partition("::")[0]).stem for word in ("detector", "engine", "network"))


def _processor(report: Report) -> str:
    return f"{report['os']}, {report['processor']}, Python {report['python']}"


def _gpu(report: Report) -> str:
    return f"{report['gpu']['name']} ({report['gpu']['compute_capability']}), CUDA {report['cuda_of_driver']}, {report['os']}"


def _tensorrt(report: Report) -> str:
    return " ".join(report["tensorrt"] or ["no TensorRT"]) + f", {report['gpu']['name']}"


ROWS = (
    Row(
        "CPU",
        lambda name, _: not _on_host(name) and not _built(name) and not name.startswith("tests/device/") and "gpu" not in _parameters(name),
        _processor,
    ),
    Row("CUDA kernels compiled for the CPU", lambda name, _: _on_host(name), lambda r: f"g++ {r['compiler']}, {r['processor']}"),
    Row("GPU", lambda name, report: _on_gpu(name, report) and not report["jetson"], _gpu),
    Row("TensorRT, building alone", lambda name, _: _built(name), lambda r: f"TensorRT for RTX, without a GPU, {r['processor']}"),
    Row("TensorRT", lambda name, report: _on_gpu(name, report) and _of_tensorrt(name), _tensorrt),
    Row(
        "Jetson",
        lambda name, report: _on_gpu(name, report) and bool(report["jetson"]),
        lambda r: f"{r['jetson']}, CUDA {r['cuda_of_driver']}",
    ),
)


def table(folder: Path = REPORTS) -> str:
    """The table, one row a kind and machine, of the newest report of each; the same text whenever the reports are the same."""
    reports = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    lines = ["| what | where | when, commit | tests | report |", "|---|---|---|---|---|"]
    for row in ROWS:
        newest: dict[str, str] = {}
        for name, report in reports.items():  # by name: by date
            outcomes = [test["outcome"] for nodeid, test in report["tests"].items() if row.belongs(nodeid, report)]
            if set(outcomes) - {"skipped"}:
                where = row.where(report)
                link = f"[{name}](tests/device/reports/{name})"
                newest[where] = f"| {row.what} | {where} | {report['date']}, {report['commit']} | {_counted(outcomes)} | {link} |"
        lines += newest.values() or [f"| {row.what} | not yet | | | |"]
    return "\n".join(lines)


def _counted(outcomes: Sequence[str]) -> str:
    """`12 passed, 1 failed`."""
    order = ("passed", "failed", "error", "skipped")
    return ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in order if outcome in outcomes)


def with_table(readme: str, made: str) -> str:
    """The README with the table between its marks. ValueError where they are not there."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README lacks the marks of the table: {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main() -> None:
    path = ROOT / "README.md"
    path.write_text(with_table(path.read_text(encoding="utf-8"), table()), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
