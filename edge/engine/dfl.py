"""The head's boxes, worked out in fewer steps. It needs the `onnx` package.

A YOLO11 gives each side of a box as a distribution over sixteen distances, of which the mean is taken (distribution focal loss, Li et al. 2020):
a softmax over the channels, then a convolution with the weights 0 to 15. For the 8,400 cells of 640x640 these are half a million exponentials, and ONNX
Runtime's softmax took seven hundredths of a YOLO11n's time on a CPU. The mean is also the weighted sum of the exponentials over their plain sum, and
one convolution with two outputs gives both: that takes one hundredth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


def quickened(model: Any) -> Any:
    """The same network (onnx.ModelProto), its boxes equal to some ten thousandths of a pixel; itself, where nothing in it is known to be slow."""
    opset = max((told.version for told in model.opset_import if told.domain in ("", "ai.onnx")), default=0)
    if opset < _LEAST_OPSET:
        return model
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for place, softmax in enumerate(model.graph.node):
        if softmax.op_type != "Softmax":
            continue
        after = [(number, node) for number, node in enumerate(model.graph.node) if softmax.output[0] in node.input]
        if len(after) != 1 or not _takes_the_mean(softmax, after[0][1], weights):
            continue
        ((number, mean),) = after
        made = onnx.ModelProto()
        made.CopyFrom(model)
        steps, constants = _steps(softmax.input[0], mean.output[0], weights[mean.input[1]], opset)
        made.graph.initializer.extend(constants)
        nodes = made.graph.node
        del nodes[number], nodes[place]  # the later one first
        for node in reversed(steps):
            nodes.insert(place, node)
        return made
    return model


_LEAST_OPSET = 13
"""From here on Split is told the parts by an input."""
_AXES_AS_INPUT = 18
"""From here on ReduceMax is told its axes by one."""


def _takes_the_mean(softmax: Any, node: Any, weights: dict[str, Any]) -> bool:
    """Whether `node` is the convolution of one pixel that weighs the rows of `softmax` over the channels, without a bias."""
    axis = next((attribute.i for attribute in softmax.attribute if attribute.name == "axis"), -1)
    if axis != 1 or node.op_type != "Conv" or len(node.input) != 2 or node.input[1] not in weights:
        return False
    shape = list(weights[node.input[1]].dims)
    return shape[0] == 1 and shape[2:] == [1, 1]


def _steps(told: str, mean: str, weights: Any, opset: int) -> tuple[list[Any], list[Any]]:
    """Nodes, and their constants, from logits `told` (N, K, 4, cells) to `mean` (N, 1, 4, cells).

    The largest logit is taken away first, as in any softmax: nothing can overflow.
    """
    most, less, power, sums, weighed, whole, both, axes, parts = (
        f"edge_dfl_{name}" for name in ("most", "less", "exp", "sums", "weighed", "whole", "both", "axes", "parts")
    )
    values = numpy_helper.to_array(weights)
    constants = [
        numpy_helper.from_array(np.concatenate([values, np.ones_like(values)]), both),
        numpy_helper.from_array(np.array([1, 1], np.int64), parts),
    ]
    if opset < _AXES_AS_INPUT:
        largest = helper.make_node("ReduceMax", [told], [most], axes=[1], keepdims=1)
    else:
        largest = helper.make_node("ReduceMax", [told, axes], [most], keepdims=1)
        constants.append(numpy_helper.from_array(np.array([1], np.int64), axes))
    return [
        largest,
        helper.make_node("Sub", [told, most], [less]),
        helper.make_node("Exp", [less], [power]),
        helper.make_node("Conv", [power, both], [sums], kernel_shape=[1, 1]),
        helper.make_node("Split", [sums, parts], [weighed, whole], axis=1),
        helper.make_node("Div", [weighed, whole], [mean]),
    ], constants
