"""The same network for a smaller picture. It needs the `onnx` package.

A YOLO11 is convolutions, which take a picture of any size, but an exporter writes the size that it was told into the file. Of a camera's 16:9 in
a square of 640x640 four tenths are grey bars, and looking at them takes four tenths of the time. What depends on the size are the shapes that
some Reshape asks for, and a constant column for each cell of the three grids that the head looks at, its place and its stride: the grids
of a smaller picture are the first rows and columns of the larger one's, so that nothing need be known of how those columns were computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from edge.data import Size
from edge.errors import ModelError, first_line

_STRIDES = (8, 16, 32)
"""Pixels from cell to cell of each grid of a YOLO11's head."""


def reshaped(model: Any, size: Size) -> Any:
    """The network (onnx.ModelProto) for pictures of `size`, sides that are multiples of 32 and no longer than its own; weights and names are its own.

    ModelError: it is larger, or the network is of a kind of which it is not known what depends on the size.
    """
    own = _picture(model)
    if size == own:
        return model
    if size.width > own.width or size.height > own.height:
        raise ModelError(f"it takes pictures of {own}, and can be made to take smaller ones, not of {size}")
    if any(side % 32 for side in (*own, *size)):
        raise ModelError(f"it takes pictures of {own}, and {size} is wanted; both must be multiples of 32")
    grids = [((own.height // stride, own.width // stride), (size.height // stride, size.width // stride)) for stride in _STRIDES]
    cells = sum(height * width for (height, width), _ in grids)
    if [dim.dim_value for dim in model.graph.output[0].type.tensor_type.shape.dim][-1] != cells:
        raise ModelError(
            f"its output has no column for each of the {cells} cells of a YOLO11 at {own}, so it is not known what depends on its size"
        )
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    _set(graph.input[0], {2: size.height, 3: size.width})
    _set(graph.output[0], {-1: sum(height * width for _, (height, width) in grids)})
    del graph.value_info[:]
    _keep_first_cells(graph, grids, cells)
    _ask_for_other_shapes(graph, grids, cells)
    _say(made, size)
    _try(made, size)
    return made


Grids = list[tuple[tuple[int, int], tuple[int, int]]]
"""(rows, columns) of each grid, as it is and as it is to be."""


def _keep_first_cells(graph: Any, grids: Grids, cells: int) -> None:
    """Of constants with a column for each cell keep those of the cells that remain."""
    kept, first = [], 0
    for (rows, columns), (fewer_rows, fewer_columns) in grids:
        kept.append((first + np.arange(rows * columns).reshape(rows, columns)[:fewer_rows, :fewer_columns]).ravel())
        first += rows * columns
    columns_kept = np.concatenate(kept)
    for tensor in _constants(graph):
        if len(tensor.dims) and tensor.dims[-1] == cells:
            _replace(tensor, numpy_helper.to_array(tensor)[..., columns_kept])


def _ask_for_other_shapes(graph: Any, grids: Grids, cells: int) -> None:
    """Give each Reshape that asks for rows and columns of a grid, or for its cells in a row, a target of its own."""
    constants = {tensor.name: tensor for tensor in _constants(graph)}
    sums = {rows * columns: fewer * narrower for (rows, columns), (fewer, narrower) in grids} | {
        cells: sum(fewer * narrower for _, (fewer, narrower) in grids)
    }
    for number, node in enumerate(graph.node):
        if node.op_type != "Reshape" or node.input[1] not in constants:
            continue
        target = numpy_helper.to_array(constants[node.input[1]]).astype(np.int64).tolist()
        asked = list(target)
        pair = next((new for old, new in grids if tuple(target[-2:]) == old), None)
        if pair is not None:
            asked[-2:] = pair
        elif target[-1] in sums:
            asked[-1] = sums[target[-1]]
        if asked != target:
            name = f"{node.input[1]}_of_{number}"
            graph.initializer.append(numpy_helper.from_array(np.array(asked, np.int64), name))
            node.input[1] = name
    used = {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)


def _constants(graph: Any) -> list[Any]:
    """All constant tensors: initializers, and what nodes hold."""
    held = [attribute.t for node in graph.node if node.op_type == "Constant" for attribute in node.attribute if attribute.name == "value"]
    return [*graph.initializer, *held]


def _replace(tensor: Any, values: NDArray[Any]) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))


def _picture(model: Any) -> Size:
    _, _, height, width = (dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim)
    return Size(width, height)


def _set(value: Any, sides: dict[int, int]) -> None:
    dims = value.type.tensor_type.shape.dim
    for axis, side in sides.items():
        dims[axis].dim_value = side


def _say(model: Any, size: Size) -> None:
    """Ultralytics writes the size into the file as well, as [height, width]."""
    for entry in model.metadata_props:
        if entry.key == "imgsz":
            entry.value = str([size.height, size.width])


def _try(model: Any, size: Size) -> None:
    """Run it once: whatever still asks for the old size fails."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    shape = [dim.dim_value or 1 for dim in model.graph.input[0].type.tensor_type.shape.dim]
    kind = onnx.helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {model.graph.input[0].name: np.full(shape, 0.5, kind)})
    except Exception as error:  # ONNX Runtime raises classes of its C++ side that share no public base
        raise ModelError(f"it does not run on pictures of {size}: {first_line(error)[:200]}") from error
    if not np.isfinite(found).all():
        raise ModelError(f"it gives no numbers on pictures of {size}")
