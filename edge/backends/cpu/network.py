"""An ONNX as something that can be run, by ONNX Runtime on the CPU. What goes in and comes out is the detector's business."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edge.errors import ModelError, first_line


class Network:
    """One input of pictures, one output that a head is read from. Sizes that are free are None."""

    inputs: int
    input_shape: tuple[int | None, ...]
    output_shape: tuple[int | None, ...]
    half: bool
    """Whether the input is float16 instead of float32."""
    metadata: Mapping[str, str]
    """What the exporter wrote into the file."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load an ONNX for `threads` threads (0: one a core). Raises ModelError in one sentence."""
        self._session = _load(path, threads)
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


def _load(path: Path, threads: int) -> Any:
    try:
        with path.open("rb"):  # ONNX Runtime would call what may not be read a broken model
            pass
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise ModelError(
            f"there is no model file {path}; `edge build {path.stem}.pt --format onnx` makes one of a YOLO11's weights, on any computer"
        ) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); change its permissions, or those of its folder") from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.log_severity_level = 3
    # Threads spin between the operators of a run, which makes it a tenth faster, and not between runs, which would take the cores from others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_mem_pattern = False  # it holds 30 MB more of a YOLO11n, and is no faster with the arena
    _register_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises classes of its C++ side that share no public base
        raise ModelError(
            f"{path} is not a readable ONNX model ({first_line(error)[:200]}); export it again, or copy it again if it was cut"
        ) from error
    _give_back_what_loading_took()
    return session


@cache
def _register_arena() -> None:
    """The process's arena grows by what is asked for; by default it doubles, and an unlucky moment costs as much again as it holds."""
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg({"arena_extend_strategy": 1}))


def _give_back_what_loading_took() -> None:
    """The file's bytes and the weights as they stood in it are freed by now, but the C library keeps such memory: 5 to 10 MB of a YOLO11n."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; musl and macOS have none
    if trim is not None:
        trim(0)
