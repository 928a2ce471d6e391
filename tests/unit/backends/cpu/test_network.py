"""Which library runs an ONNX on the CPU. What it finds with it is in tests/contracts."""

from __future__ import annotations

from importlib.machinery import ModuleSpec

import pytest

from edge.backends.cpu import network
from edge.backends.cpu.network import open_network
from edge.errors import ModelError


@pytest.fixture
def taken(monkeypatch) -> list[str]:
    """OpenVINO is here, as far as anybody can tell; the list is of who was taken."""
    opened: list[str] = []
    monkeypatch.setattr(network, "find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.setattr(network, "OpenVino", lambda path, threads: opened.append("openvino"))
    monkeypatch.setattr(network, "OnnxRuntime", lambda path, threads: opened.append("onnxruntime"))
    return opened


def test_openvino_is_taken_where_it_is_installed(taken, tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"Conv")
    open_network(tmp_path / "net.onnx", 1)
    assert taken == ["openvino"]


def test_a_quantised_network_is_onnx_runtimes(taken, tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"Conv QuantizeLinear")
    open_network(tmp_path / "net.onnx", 1)
    assert taken == ["onnxruntime"]
    with pytest.raises(ModelError, match="is quantised to int8, through which OpenVINO was seen to find nothing"):
        open_network(tmp_path / "net.onnx", 1, "openvino")
