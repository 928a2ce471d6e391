"""A `tensorrt` for tests: the calls that a running engine needs, under NVIDIA's names, on the stand-in driver's memory. It builds nothing.

Its "engine" holds what `plans.pack` made: an ONNX that ONNX Runtime executes, or a network of a few lines. Like the real one it answers wrong use
with None or False and a line to the logger, never with an exception; unlike it, it notices memory that is too small, freed or another's, and
threads without the context. `misuse` lists what the real one would have crashed of; `failing` makes the n-th call of a name fail;
`alive` tells which objects live, `ended` the order in which they went.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.cuda_host.tensorrt_standin.kinds import DataType, Dims, ILogger, Severity, TensorFormat, TensorIOMode
from tests.cuda_host.tensorrt_standin.plans import MAGIC, Plan, run, unpack

__version__ = "10.3.0"

misuse: list[str] = []
failing: dict[str, int] = {}
called: dict[str, int] = {}
alive: list[str] = []
ended: list[str] = []
on_end: Callable[[str], None] = lambda _: None  # noqa: E731  a test puts its own in its place


_NUMPY = {DataType.FLOAT: np.dtype(np.float32), DataType.HALF: np.dtype(np.float16), DataType.INT8: np.dtype(np.int8)}
_cuda: Any = None


def _driver() -> Any:
    global _cuda
    if _cuda is None:
        _cuda = ctypes.CDLL("libcuda.so.1")
    return _cuda


def _has_context() -> bool:
    current = ctypes.c_void_p()
    return _driver().cuCtxGetCurrent(ctypes.byref(current)) == 0 and bool(current.value)


def _room(address: int) -> int:
    """Bytes from `address` to the end of its allocation; 0 where it lies in none."""
    base, size = ctypes.c_uint64(), ctypes.c_size_t()
    if _driver().cuMemGetAddressRange_v2(ctypes.byref(base), ctypes.byref(size), ctypes.c_uint64(address)) != 0:
        return 0
    return int(base.value) + int(size.value) - address


_given: list[tuple[Any, list[bool]]] = []
"""Callbacks of streams, each with a list that is no longer empty when it was called: one cannot go while it runs."""


def _give(stream: int, work: Callable[[], None]) -> None:
    """Let the stand-in driver call `work` when `stream` comes to it."""
    done: list[bool] = []
    _given[:] = [each for each in _given if not each[1]]

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def callback(_: object) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  a driver's call is no place for it; the test asks `misuse`
            misuse.append(f"the network failed: {error!r}")
        done.append(True)

    _given.append((callback, done))
    if _driver().cuLaunchHostFunc(ctypes.c_void_p(stream), callback, None) != 0:
        misuse.append("a network was enqueued on a stream that is none")


def _begins(address: int) -> bool:
    base, size = ctypes.c_uint64(), ctypes.c_size_t()
    return (
        _driver().cuMemGetAddressRange_v2(ctypes.byref(base), ctypes.byref(size), ctypes.c_uint64(address)) == 0 and base.value == address
    )


class _Living:
    """An object of the library: it notices its own end, and from which thread it is used."""

    _kind = ""

    def __init__(self, logger: ILogger) -> None:
        self._logger, self._thread = logger, threading.get_ident()
        alive.append(self._kind)

    def __del__(self) -> None:
        if self._kind not in alive:
            return  # forgotten, or never made
        alive.remove(self._kind)
        ended.append(self._kind)
        on_end(self._kind)
        if threading.get_ident() != self._thread or not _has_context():
            misuse.append(f"the {self._kind} ended on a thread without the device's context")

    def _refuses(self, name: str) -> bool:
        """Counts a call; True where it is to fail: by a test's wish, or on a thread without the context."""
        called[name] = called.get(name, 0) + 1
        if failing.get(name) == called[name]:
            self._say(f"IRuntime::{name}: Error Code 1: Cuda Runtime (injected)")
            return True
        if threading.get_ident() != self._thread or not _has_context():
            misuse.append(f"{name} was called on a thread without the device's context")
            self._say(f"{name}: Error Code 1: Cuda Runtime (invalid device context)")
            return True
        return False

    def _say(self, text: str, severity: Severity = Severity.ERROR) -> None:
        self._logger.log(severity, text)


class Runtime(_Living):
    _kind = "runtime"

    def __init__(self, logger: ILogger) -> None:
        if not getattr(logger, "_made", False):
            raise TypeError("tensorrt.ILogger.__init__() must be called when overriding __init__")
        called["Runtime"] = called.get("Runtime", 0) + 1
        if failing.get("Runtime") == called["Runtime"]:
            logger.log(Severity.ERROR, "CUDA initialization failure with error: 35. Please check your CUDA installation (injected)")
            raise TypeError("pybind11::init(): factory function returned nullptr")
        if not _has_context():
            misuse.append("the runtime was made on a thread without a context")
        super().__init__(logger)

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
        if self._refuses("deserialize_cuda_engine"):
            return None
        if bytes(serialized_engine[: len(MAGIC)]) != MAGIC:
            self._say(
                "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion magicTagRead == kMAGIC_TAG failed.)"
            )
            return None
        plan = unpack(bytes(serialized_engine))
        if plan.version != __version__:
            self._say(
                "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Version tag does not match. "
                f"Note: Current Version: {__version__}, Serialized Engine Version: {plan.version})"
            )
            return None
        return ICudaEngine(self, plan)


class ICudaEngine(_Living):
    _kind = "engine"

    def __init__(self, runtime: Runtime, plan: Plan) -> None:
        super().__init__(runtime._logger)
        self._runtime, self._plan = runtime, plan  # an engine holds its runtime, as in the real binding

    @property
    def num_io_tensors(self) -> int:
        return len(self._plan.tensors)

    @property
    def num_optimization_profiles(self) -> int:
        return 1

    def get_tensor_name(self, index: int) -> str:
        return self._plan.tensors[index].name

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        if name not in self._plan.names:
            return TensorIOMode.NONE
        return TensorIOMode.INPUT if self._plan.of(name).is_input else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> Dims:
        return Dims(self._plan.of(name).shape)

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType[self._plan.of(name).dtype]

    def get_tensor_format(self, name: str) -> TensorFormat:
        return TensorFormat[self._plan.of(name).format]

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Dims]:
        tensor = self._plan.of(name)
        if profile_index != 0 or not tensor.is_input:
            self._say(f"ICudaEngine::getProfileShape: Error Code 3: API Usage Error ({name}, profile {profile_index})")
            return []
        return [Dims(limit) for limit in tensor.limits]

    def create_execution_context(self) -> IExecutionContext | None:
        if self._refuses("create_execution_context"):
            return None
        return IExecutionContext(self)


class IExecutionContext(_Living):
    _kind = "context"

    def __init__(self, engine: ICudaEngine) -> None:
        super().__init__(engine._logger)
        self._engine, self._plan = engine, engine._plan
        self._shapes = {t.name: t.shape for t in self._plan.tensors if t.is_input}
        self._addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        if self._refuses("set_input_shape"):
            return False
        if name not in self._shapes:
            self._say(f"IExecutionContext::setInputShape: Error Code 3: API Usage Error (Given invalid tensor name: {name}.)")
            return False
        least, _, most = self._plan.of(name).limits
        if len(shape) != len(least) or not all(a <= n <= b for a, n, b in zip(least, shape, most, strict=True)):
            self._say(
                "IExecutionContext::setInputShape: Error Code 3: API Usage Error (Parameter check failed, condition: engineDims.d[i] == dims.d[i]. "
                f"Set dimensions {list(shape)} for tensor {name} do not satisfy the profile 0: {list(least)} to {list(most)})"
            )
            return False
        self._shapes[name] = tuple(shape)
        return True

    def infer_shapes(self) -> list[str]:
        return [name for name, shape in self._shapes.items() if -1 in shape]

    def get_tensor_shape(self, name: str) -> Dims:
        tensor = self._plan.of(name)
        if tensor.is_input:
            return Dims(self._shapes[name])
        (shape,) = self._shapes.values()
        return Dims((shape[0], *tensor.shape[1:]))

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if self._refuses("set_tensor_address"):
            return False
        if name not in self._plan.names:
            self._say(f"IExecutionContext::setTensorAddress: Error Code 3: API Usage Error (Given invalid tensor name: {name}.)")
            return False
        if not _begins(memory):  # TensorRT wants multiples of 256, which allocations of a GPU begin at
            misuse.append(f"{name} lies somewhere in an allocation, or in none")
        self._addresses[name] = int(memory)
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        if self._refuses("execute_async_v3"):
            return False
        missing = [name for name in self._plan.names if name not in self._addresses]
        if missing:
            self._say(f"IExecutionContext::enqueueV3: Error Code 3: API Usage Error (Address is not set for tensor {missing[0]}.)")
            return False
        if self.infer_shapes():
            self._say("IExecutionContext::enqueueV3: Error Code 7: Internal Error (Neither shape nor address of an input was set.)")
            return False
        if not stream_handle:
            misuse.append("a network was enqueued on the default stream")
        arrays = {name: self._array(name) for name in self._plan.names}
        if any(array is None for array in arrays.values()):
            self._say("IExecutionContext::enqueueV3: Error Code 1: Cuda Runtime (an illegal memory access was encountered)")
            return False
        (source,) = (tensor.name for tensor in self._plan.tensors if tensor.is_input)
        plan, here = self._plan, weakref.ref(self)

        def execute() -> None:
            """What the stream does when it comes to it, with what lies in the memory then."""
            if here() is None:
                misuse.append("a context ended before its work was done")
                return
            for name, output in run(plan, arrays[source]).items():
                arrays[name][...] = output

        _give(stream_handle, execute)
        return True

    def _array(self, name: str) -> Any:
        """The tensor where it lies; None where that is no memory of its size."""
        shape, dtype = tuple(self.get_tensor_shape(name)), _NUMPY[DataType[self._plan.of(name).dtype]]
        count = int(np.prod(shape)) * dtype.itemsize
        if _room(self._addresses[name]) < count:
            misuse.append(f"{name} needs {count} bytes, and its address leads {_room(self._addresses[name])}")
            return None
        return np.frombuffer((ctypes.c_uint8 * count).from_address(self._addresses[name]), dtype).reshape(shape)
