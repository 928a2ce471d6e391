"""A TensorRT engine as a network on the device: named tensors in its memory, executed on a stream. It knows no pictures, boxes or files."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.backends.cuda.device import Device
from edge.backends.cuda.lent import Lent, Memory, Stream
from edge.backends.plan import Plan
from edge.errors import DeviceError, EngineRefused, ModelError
from edge.tensorrt_api import logger_of, tensorrt

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of an engine. `least`, `best` and `most` bound an input's shape (all equal where it is fixed); an output's may hold -1."""

    name: str
    dtype: np.dtype[Any]
    least: Shape
    best: Shape
    most: Shape


class Network(Lent):
    """An engine that runs; made, used and closed inside jobs of `device`. One input, any outputs; float32 or float16, plain layout.

    TensorRT's objects live in attributes only, never in a local variable: an error's traceback keeps the locals of the frames it went through,
    and would end them later, on a thread without the context, in whatever order.
    """

    def __init__(self, device: Device, plan: Plan) -> None:
        """EngineRefused: the plan is not for this TensorRT or GPU. ModelError: its tensors are none that can be served. DeviceError: the GPU failed."""
        self.name = plan.name
        self._device, self._trt = device, tensorrt(plan.module)
        self._said: deque[str] = logger_of(self._trt).errors
        self._runtime: Any = None
        self._engine: Any = None
        self._context: Any = None
        self._memory: dict[str, Memory] = {}
        self._shape: Shape | None = None
        try:
            self._open(plan.plan)
        except BaseException:
            self._give_back()
            raise
        super().__init__(device.lender)

    def _open(self, plan: bytes) -> None:
        trt = self._trt
        self._said.clear()
        try:
            self._runtime = trt.Runtime(logger_of(trt))
        except TypeError as error:  # the binding's word for a factory that made nothing
            raise DeviceError(f"TensorRT {trt.__version__} cannot start{self._because()}; does it belong to this driver?") from error
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise EngineRefused(
                f"{self.name} is no engine for TensorRT {trt.__version__} on this GPU{self._because()}; build it again with `edge build`"
            )
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise DeviceError(
                f"{self.name} cannot be made ready{self._because()}; use a smaller model or batch, or end what else uses the GPU"
            )
        self._read_tensors()

    def _read_tensors(self) -> None:
        trt = self._trt
        inputs: list[Tensor] = []
        outputs: list[Tensor] = []
        for index in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(index)
            is_input = self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            shape: Shape = tuple(self._engine.get_tensor_shape(name))
            dtypes: dict[Any, np.dtype[Any]] = {trt.DataType.FLOAT: np.dtype(np.float32), trt.DataType.HALF: np.dtype(np.float16)}
            dtype = dtypes.get(self._engine.get_tensor_dtype(name))
            if dtype is None or self._engine.get_tensor_format(name) != trt.TensorFormat.LINEAR:
                raise ModelError(
                    f"{self.name}: its tensor {name!r} is {self._engine.get_tensor_dtype(name)} in {self._engine.get_tensor_format(name)};"
                    " it must be float32 or float16 in plain (linear) layout: build the engine with `edge build`"
                )
            limits = [shape] * 3
            if is_input and -1 in shape:
                limits = [tuple(limit) for limit in self._engine.get_tensor_profile_shape(name, 0)]
            if len(limits) != 3:
                raise ModelError(
                    f"{self.name}: the shapes that its input {name!r} may take cannot be read{self._because()}; build it again"
                )
            (inputs if is_input else outputs).append(Tensor(name, dtype, *limits))
        if len(inputs) != 1 or not outputs:
            raise ModelError(f"{self.name} has {len(inputs)} inputs and {len(outputs)} outputs; a YOLO detection model takes one picture")
        self.input, self.outputs = inputs[0], tuple(outputs)

    def fit(self, shape: Shape) -> bool:
        """Make ready for an input of `shape`; True where shapes or addresses changed. Memory only grows. ModelError outside of the engine's limits."""
        if shape == self._shape:
            return False
        source = self.input
        if len(shape) != len(source.least) or not all(a <= n <= b for a, n, b in zip(source.least, shape, source.most, strict=True)):
            raise ModelError(
                f"{self.name} takes {_shown(source.least)} to {_shown(source.most)}, not {_shown(shape)}; build an engine for it"
            )
        self._shape = None
        self._checked(self._context.set_input_shape(source.name, shape), f"taking the shape {_shown(shape)}")
        missing = self._context.infer_shapes()
        self._checked(not missing, f"finding the shapes of {', '.join(missing)}")
        for tensor in (source, *self.outputs):
            nbytes = math.prod(self._context.get_tensor_shape(tensor.name)) * tensor.dtype.itemsize
            if nbytes <= 0:
                raise ModelError(
                    f"{self.name}: the size of its output {tensor.name!r} is not known before it runs; export it without NMS inside"
                )
            memory = self._memory[tensor.name] = self._device.at_least(self._memory.pop(tensor.name, None), nbytes)
            self._checked(self._context.set_tensor_address(tensor.name, memory.address), f"taking the address of {tensor.name!r}")
        self._shape = shape
        return True

    def shape_of(self, tensor: Tensor) -> Shape:
        """The shape that `tensor` has now."""
        return tuple(self._context.get_tensor_shape(tensor.name))

    def memory_of(self, tensor: Tensor) -> Memory:
        """Where `tensor` lies, row after row; valid until shapes change."""
        return self._memory[tensor.name]

    def enqueue(self, stream: Stream) -> None:
        """Give one execution to `stream`: it reads the input's memory and writes the outputs'."""
        if self._shape is None:
            raise ValueError("the network has no shape yet; `fit` comes first")
        self._checked(self._context.execute_async_v3(stream.handle), "running")

    def _checked(self, went_well: bool, doing: str) -> None:
        if not went_well:
            raise DeviceError(
                f"{self.name}: {doing} failed in TensorRT {self._trt.__version__}{self._because()}; start again, or build it again"
            )

    def _because(self) -> str:
        """What TensorRT logged as the reason, and forget it."""
        said = " (" + "; ".join(self._said) + ")" if self._said else ""
        self._said.clear()
        return said

    def _give_back(self) -> None:
        # What was made last goes first: the context uses the engine, the engine the runtime, all of them the tensors' memory.
        self._context = None
        self._engine = None
        self._runtime = None
        for memory in self._memory.values():
            memory.close()
        self._memory.clear()


def _shown(shape: Shape) -> str:
    return "x".join(map(str, shape))
