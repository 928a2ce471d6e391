"""Writes edge/backends/cuda/registers.md: what each kernel takes of a multiprocessor, as nvcc's assembler says it. Needs nvcc, but no GPU."""

from __future__ import annotations

import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from edge.backends.cuda.kernels import HERE
from edge.backends.cuda.nvcc import FLAGS, find_nvcc, nvcc_version

TABLE = HERE / "registers.md"
ARCHS = {"sm_87": "Orin", "sm_90": "H100, H200", "sm_110": "Thor"}
_ENTRY = re.compile(
    r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers([^\n]*)",
    re.DOTALL,
)
_SHARED = re.compile(r"(\d+) bytes smem")


@dataclass(frozen=True, slots=True)
class Needs:
    """Of one kernel on one GPU: 32-bit registers a thread, bytes of shared memory a block, bytes a thread that went to slow memory."""

    registers: int
    shared_bytes: int
    stack_bytes: int
    spilled_bytes: int

    def __str__(self) -> str:
        shared = f", {self.shared_bytes} B shared" if self.shared_bytes else ""
        slow = f", **{self.stack_bytes} B stack, {self.spilled_bytes} B spilled**" if self.stack_bytes or self.spilled_bytes else ""
        return f"{self.registers}{shared}{slow}"


def needs(nvcc: Path, source: Path, arch: str) -> dict[str, Needs]:
    """Of each kernel in a file what it needs on `arch`; the compiler's own words are the error where it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(nvcc),
            "-cubin",
            f"-arch={arch}",
            *FLAGS,
            "-Xptxas",
            "-v",
            "-Werror",
            "all-warnings",
            "-o",
            f"{folder}/out",
            str(source),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode:
        raise RuntimeError(f"{source.name} for {arch}: {said}")
    found = {}
    for name, stack, stores, loads, registers, rest in _ENTRY.findall(said):
        shared = _SHARED.search(rest)
        found[name] = Needs(int(registers), int(shared[1]) if shared else 0, int(stack), int(stores) + int(loads))
    return dict(sorted(found.items()))


def all_needs(nvcc: Path) -> dict[str, dict[str, dict[str, Needs]]]:
    """File -> kernel -> GPU -> needs."""
    files = sorted(HERE.glob("*.cu"))
    with ThreadPoolExecutor(2) as pool:
        jobs = {(file.name, arch): pool.submit(needs, nvcc, file, arch) for file in files for arch in ARCHS}
    every: dict[str, dict[str, dict[str, Needs]]] = {}
    for (file, arch), job in jobs.items():
        for kernel, need in job.result().items():
            every.setdefault(file, {}).setdefault(kernel, {})[arch] = need
    return every


def table(every: dict[str, dict[str, dict[str, Needs]]], version: str) -> str:
    """The page, the same whenever kernels and nvcc are the same."""
    lines = [
        "# What the kernels take",
        "",
        "Registers a thread, shared memory a block; stack or spills would be in bold. Written by `scripts/make_registers.py`, held by",
        f"`tests/cuda_host/test_registers.py`. nvcc {version}, `{' '.join(FLAGS)}`; nothing was run.",
        "",
        "| file | kernel | " + " | ".join(f"{arch} ({whose})" for arch, whose in ARCHS.items()) + " |",
        "|---" * (2 + len(ARCHS)) + "|",
    ]
    for file, kernels in every.items():
        lines += [f"| {file} | `{kernel}` | " + " | ".join(str(on[arch]) for arch in ARCHS) + " |" for kernel, on in kernels.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    nvcc = find_nvcc()
    if nvcc is None:
        raise SystemExit("there is no nvcc on PATH, in CUDA_HOME or in /usr/local/cuda")
    TABLE.write_text(table(all_needs(nvcc), nvcc_version(nvcc)))
    print(TABLE)


if __name__ == "__main__":
    main()
