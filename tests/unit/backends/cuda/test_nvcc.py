"""Compiling kernels once and finding them again, with a script in nvcc's place. What real compilers make of our kernels is tests/cuda_host's."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.backends.cuda import nvcc
from edge.errors import DeviceError

Install = Callable[..., Path]
USUAL = Path("/usr/local/cuda/bin/nvcc")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install(version, body)` puts a script as nvcc into CUDA_HOME; it writes its arguments beside itself, and the source as the code."""
    nvcc.nvcc_version.cache_clear()

    def put(version: str = "12.6.68", body: str = 'cp "${@: -1}" "$out"') -> Path:
        home = tmp_path / f"cuda-{version}"
        (home / "bin").mkdir(parents=True, exist_ok=True)
        script = home / "bin" / "nvcc"
        script.write_text(
            "#!/bin/bash\n"
            f'[ "$1" = --version ] && {{ echo "Cuda compilation tools, release 12.6, V{version}"; exit; }}\n'
            f'echo "$@" >>"{home}/asked"\nwhile [ "$1" != -o ]; do shift; done\nout=$2\n{body}\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("CUDA_HOME", str(home))
        return home

    return put


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "kernels" / "fill.cu"
    path.parent.mkdir()
    path.write_text("// a kernel")
    return path


def asked(home: Path) -> list[str]:
    return (home / "asked").read_text().splitlines()


def no_nvcc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvcc, "find_nvcc", lambda: None)


def test_a_source_is_compiled_once_for_a_gpu_and_a_toolkit(install: Install, source: Path, tmp_path: Path) -> None:
    home = install()
    for _ in range(3):
        assert nvcc.cubin(source, "sm_87", tmp_path / "cache") == b"// a kernel"
    assert len(asked(home)) == 1
    assert "-arch=sm_87" in asked(home)[0]
    nvcc.cubin(source, "sm_90", tmp_path / "cache")
    assert len(asked(home)) == 2
    other = install("13.0.88")
    nvcc.cubin(source, "sm_87", tmp_path / "cache")
    assert len(asked(other)) == 1


def test_a_changed_source_or_header_is_compiled_again(install: Install, source: Path, tmp_path: Path) -> None:
    home = install()
    nvcc.cubin(source, "sm_87", tmp_path / "cache")
    source.write_text("// another kernel")
    assert nvcc.cubin(source, "sm_87", tmp_path / "cache") == b"// another kernel"
    (source.parent / "shared.cuh").write_text("// what it includes")
    nvcc.cubin(source, "sm_87", tmp_path / "cache")
    assert len(asked(home)) == 3


def test_nothing_half_written_is_ever_in_the_folder(install: Install, source: Path, tmp_path: Path) -> None:
    install()
    nvcc.cubin(source, "sm_87", tmp_path / "cache")
    assert [path.name.startswith("fill-") and path.suffix for path in (tmp_path / "cache").iterdir()] == [".cubin"]


def test_without_nvcc_what_was_compiled_before_is_used(
    install: Install, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    nvcc.cubin(source, "sm_87", tmp_path / "cache")
    no_nvcc(monkeypatch)
    assert nvcc.cubin(source, "sm_87", tmp_path / "cache") == b"// a kernel"
    with pytest.raises(DeviceError, match=r"nvcc is needed once to compile fill.cu for sm_90"):
        nvcc.cubin(source, "sm_90", tmp_path / "cache")


def test_where_nvcc_fails_what_another_one_compiled_is_used(
    install: Install, source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install()
    nvcc.cubin(source, "sm_87", tmp_path / "cache")
    install("13.0.88", body="echo 'nvcc fatal   : a library is missing' >&2; exit 1")
    assert nvcc.cubin(source, "sm_87", tmp_path / "cache") == b"// a kernel"
    assert "a library is missing" in caplog.text
    assert "what was compiled before is used" in caplog.text


def test_a_file_that_a_power_cut_emptied_is_compiled_again(
    install: Install, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    nvcc.cubin(source, "sm_87", tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(b"")
    assert nvcc.cubin(source, "sm_87", tmp_path / "cache") == b"// a kernel"
    assert kept.read_bytes() == b"// a kernel"
    kept.write_bytes(b"")
    no_nvcc(monkeypatch)
    with pytest.raises(DeviceError, match="nvcc is needed once"):
        nvcc.cubin(source, "sm_87", tmp_path / "cache")


def test_a_disk_without_room_to_compile_on_is_one_sentence(
    install: Install, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device", "/tmp/edge-nvcc-x")

    monkeypatch.setattr(nvcc.tempfile, "TemporaryDirectory", full)
    with pytest.raises(DeviceError, match=r"fill\.cu cannot be compiled: .* \(No space left on device\); make room there, or set TMPDIR"):
        nvcc.cubin(source, "sm_87", tmp_path / "cache")


def test_a_folder_that_cannot_be_written_costs_a_warning(
    install: Install, source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install()
    (tmp_path / "file").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        assert nvcc.cubin(source, "sm_87", tmp_path / "file" / "cache") == b"// a kernel"
    assert "every start compiles them again; make it writable, or set EDGE_CACHE" in caplog.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("echo 'nvcc fatal   : Value sm_999 is not defined' >&2; exit 1", "nvcc fatal   : Value sm_999 is not defined; use a CUDA toolkit"),
        ("echo 'fill.cu(3): error: x is undefined' >&2; exit 2", r"fill.cu\(3\): error: x is undefined"),
        ("exit 3", "it ended with 3"),
    ],
)
def test_a_refusal_is_one_sentence_and_nothing_is_kept(install: Install, source: Path, tmp_path: Path, body: str, said: str) -> None:
    install(body=body)
    with pytest.raises(DeviceError, match=f"failed at compiling fill.cu for sm_999: {said}"):
        nvcc.cubin(source, "sm_999", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_an_nvcc_that_cannot_be_run_or_says_nothing_is_named(install: Install, source: Path, tmp_path: Path) -> None:
    script = install() / "bin" / "nvcc"
    script.write_text("#!/nowhere/at/all\n")
    with pytest.raises(DeviceError, match="failed at saying its version"):
        nvcc.cubin(source, "sm_87", tmp_path / "cache")
    script.write_text("#!/bin/sh\necho hello\n")
    with pytest.raises(DeviceError, match="does not say its version"):
        nvcc.cubin(source, "sm_87", tmp_path / "cache")


def test_cuda_home_comes_before_the_path_and_the_usual_place(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = install("13.0.88") / "bin"
    home = install("12.6.68")
    monkeypatch.setenv("PATH", str(other))
    assert nvcc.find_nvcc() == home / "bin" / "nvcc"
    monkeypatch.delenv("CUDA_HOME")
    assert nvcc.find_nvcc() == other / "nvcc"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nvcc.find_nvcc() == (USUAL if os.access(USUAL, os.X_OK) else None)
