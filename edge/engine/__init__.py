"""Models as files: which one a name means, and how an ONNX is made of weights. Running a network is the back-ends' business.

Neither torch nor Ultralytics is ever imported here: they work in a process, and may be in an interpreter, of their own.
"""

from edge.engine.export import export_onnx
from edge.engine.file import EngineFacts, EngineFile, Machine, read_engine, write_engine
from edge.engine.options import ExportOptions
from edge.engine.resolve import resolve_model

__all__ = ["EngineFacts", "EngineFile", "ExportOptions", "Machine", "export_onnx", "read_engine", "resolve_model", "write_engine"]
