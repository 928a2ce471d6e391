"""An ONNX as something that can be run on a CPU, by the library that is there. What goes in and comes out is the detector's business.

OpenVINO is taken where it is installed. On two cores of a PC a YOLO11n took it 37 ms and ONNX Runtime 42 when nothing else ran, and 80 against 130 while
others computed: it fuses each convolution with its SiLU, and waits less for a core that is taken. Both compute in float32; boxes differ by less than 1e-3 px.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError

CpuRuntime = Literal["auto", "onnxruntime", "openvino"]


class Network(Protocol):
    """One input of pictures, one output that a head is read from. Sizes that are free are None."""

    inputs: int
    input_shape: tuple[int | None, ...]
    output_shape: tuple[int | None, ...]
    half: bool
    """Whether the input is float16 instead of float32."""
    metadata: Mapping[str, str]
    """What the exporter wrote into the file."""

    def run(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """The first output; it may be overwritten by the next run."""


def open_network(path: Path, threads: int, runtime: CpuRuntime = "auto") -> Network:
    """Load an ONNX for `threads` threads (0: one a core). Raises ModelError in one sentence."""
    if not path.is_file():
        raise ModelError(f"there is no model file {path}; give the path of a YOLO11 .onnx")
    quantised = b"QuantizeLinear" in path.read_bytes()
    if runtime == "auto":
        runtime = "openvino" if find_spec("openvino") and not quantised else "onnxruntime"
    elif runtime == "openvino" and not find_spec("openvino"):
        raise ModelError("cpu_runtime is openvino, which is not installed: `pip install 'edge-heatmap[openvino]'`, or leave it at auto")
    elif runtime == "openvino" and quantised:
        raise ModelError(f"{path} is quantised to int8, through which OpenVINO was seen to find nothing; leave cpu_runtime at auto")
    make: Callable[[Path, int], Network] = OpenVino if runtime == "openvino" else OnnxRuntime
    try:
        network = make(path, threads or os.cpu_count() or 1)
    except Exception as error:  # both raise classes of their C++ sides that share no public base
        raise ModelError(
            f"{path} is not a readable ONNX model ({first_line(error)}); export it again, or copy it again if it was cut"
        ) from error
    _warm_up(network)
    return network


def _warm_up(network: Network) -> None:
    """The first run takes what later ones use, so that no frame pays for it; then what only loading took goes back: 15 MB of a YOLO11n.

    The file's bytes and the weights as they stood in it are freed by now, but the C library keeps such memory until it is asked.
    """
    shape = [side for side in network.input_shape if side is not None]
    if len(shape) == len(network.input_shape):
        network.run(np.zeros(shape, np.float16 if network.half else np.float32))
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; musl and macOS have none
    if trim is not None:
        trim(0)


class OnnxRuntime(Network):
    """A network by ONNX Runtime."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads spin between the operators of a run, which makes it a tenth faster, and not between runs, which would take the cores from others.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.enable_mem_pattern = False  # it holds 30 MB more of a YOLO11n, and is no faster with the arena
        _register_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._name = inputs[0].name
        self.inputs = len(inputs)
        self.input_shape, self.output_shape = (
            tuple(n if isinstance(n, int) else None for n in one.shape) for one in (inputs[0], outputs[0])
        )
        self.half = inputs[0].type == "tensor(float16)"
        self.metadata = self._session.get_modelmeta().custom_metadata_map

    def run(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """The first output."""
        return np.asarray(self._session.run(None, {self._name: tensor})[0])


@cache
def _register_arena() -> None:
    """The process's arena grows by what is asked for; by default it doubles, and an unlucky moment costs as much again as it holds."""
    import onnxruntime as ort

    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg({"arena_extend_strategy": 1}))


class OpenVino(Network):
    """A network by OpenVINO."""

    def __init__(self, path: Path, threads: int) -> None:
        import openvino as ov

        core = ov.Core()
        model = core.read_model(str(path))
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",  # where the processor has bfloat16 it would be taken, and boxes would move
            "ENABLE_CPU_PINNING": False,  # the cores are also the cameras'
        }
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()
        self.inputs = len(model.inputs)
        self.input_shape, self.output_shape = (
            tuple(side.get_length() if side.is_static else None for side in one.partial_shape) for one in (model.input(0), model.output(0))
        )
        self.half = model.input(0).element_type == ov.Type.f16
        path_to_names = ["framework", "names"]
        self.metadata = {"names": model.get_rt_info(path_to_names).astype(str)} if model.has_rt_info(path_to_names) else {}

    def run(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """The first output; the next run writes over it."""
        return np.asarray(self._request.infer({0: tensor}, share_inputs=True, share_outputs=True)[0])


def first_line(error: Exception) -> str:
    """What an error says, in one line that is not too long."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
