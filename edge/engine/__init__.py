"""Models as files: which one a name means, how an ONNX is made of weights and an engine of an ONNX. Running a network is the back-ends' business.

Neither torch nor Ultralytics is ever imported here: they work in a process, and may be in an interpreter, of their own. TensorRT's builder works
in a process of its own as well, whose memory ends with it.
"""

from edge.engine.builder import build_engine, quantise, reshape
from edge.engine.cache import Found, cached_engine, resolve_engine
from edge.engine.export import export_onnx
from edge.engine.file import EngineFacts, EngineFile, Machine, read_engine, write_engine
from edge.engine.gate import Agreement, compare
from edge.engine.machine import this_machine
from edge.engine.options import EngineOptions, ExportOptions, GateOptions
from edge.engine.progress import OnProgress, Progress
from edge.engine.resolve import model_for, resolve_model

__all__ = [
    "Agreement",
    "EngineFacts",
    "EngineFile",
    "EngineOptions",
    "ExportOptions",
    "Found",
    "GateOptions",
    "Machine",
    "OnProgress",
    "Progress",
    "build_engine",
    "cached_engine",
    "compare",
    "export_onnx",
    "model_for",
    "quantise",
    "read_engine",
    "reshape",
    "resolve_engine",
    "resolve_model",
    "this_machine",
    "write_engine",
]
