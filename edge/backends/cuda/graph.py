"""Work of a stream recorded once as a CUDA graph and replayed, through cuda-python where it is there. What the work is, is its owner's.

A network is some hundred launches, and each costs the CPU microseconds; a graph is one. pycuda has no graphs, so NVIDIA's own binding makes
them, in the context and on the stream that pycuda made: both are handles of the same driver.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from edge.backends.cuda.device import Device
from edge.backends.cuda.lent import Lent, Stream
from edge.errors import DeviceError

log = logging.getLogger(__name__)


class Replayed(Lent):
    """`work`, given to `stream` by each `run`: as it is, or as the graph that was recorded of it. Only inside of jobs.

    It is given as it is where there is no cuda-python, after recording has failed (said once), and for the first time after a change of shapes
    or addresses, for what it does then (TensorRT prepares itself) belongs into no graph.
    """

    def __init__(self, device: Device, stream: Stream, work: Callable[[], None], *, recording: bool) -> None:
        self._stream, self._work = stream, work
        self._cuda: Any = _bindings() if recording else None
        self._graph: Any = None
        self._warm = False
        super().__init__(device.lender)

    def run(self, *, changed: bool) -> None:
        """Give the work to the stream; `changed` says that shapes or addresses are others than last time."""
        if self._cuda is None:
            self._work()
            return
        if changed:
            self._drop()
        if not self._warm:
            self._work()
            self._warm = True
            return
        if self._graph is None:
            try:
                self._graph = self._recorded()
            except DeviceError as error:
                log.warning("the network's work cannot be recorded as a CUDA graph, and is given to the GPU piece by piece: %s", error)
                self._cuda = None
                self._work()
                return
        self._call("cuGraphLaunch", self._graph, self._handle)

    @property
    def _handle(self) -> Any:
        return self._cuda.CUstream(self._stream.handle)

    def _recorded(self) -> Any:
        self._call("cuStreamBeginCapture", self._handle, self._cuda.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
        try:
            self._work()
        except BaseException:
            self._cuda.cuStreamEndCapture(self._handle)  # or the stream would record for ever; that it fails too is no news
            raise
        recorded = self._call("cuStreamEndCapture", self._handle)
        try:
            return self._call("cuGraphInstantiate", recorded, 0)
        finally:
            self._cuda.cuGraphDestroy(recorded)

    def _call(self, name: str, *arguments: Any) -> Any:
        """A call of the driver's: its answer, if it has one."""
        error, *answer = getattr(self._cuda, name)(*arguments)
        if error != self._cuda.CUresult.CUDA_SUCCESS:
            raise DeviceError(f"{name} failed: {getattr(error, 'name', error)}; set `cuda_graph: false` if it comes back")
        return answer[0] if answer else None

    def _drop(self) -> None:
        self._warm = False
        if self._graph is not None:
            graph, self._graph = self._graph, None
            self._cuda.cuGraphExecDestroy(graph)

    def _give_back(self) -> None:
        self._drop()


@cache
def _bindings() -> Any:
    """cuda-python's driver module; None where it is not there, said once."""
    try:
        return importlib.import_module("cuda.bindings.driver")
    except (ImportError, OSError) as error:
        log.warning("cuda_graph is wanted, and cuda-python cannot be loaded (%s): `pip install cuda-python`; work goes on without", error)
        return None
