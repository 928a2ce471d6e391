"""Weights for Ultralytics to train on with, out of a model that `train_demo_model.py` exported: the repository keeps no other file of them.

An exported network has no batch normalisations: each was folded into the convolution before it, W' = W g/s and b' = b + (0 - m) g/s. Which g, s,
m and b that were is lost, and not needed: with W' for W, any that let W'x through plus b' are the same network. Of these the ones are taken in
which m and s are what W'x really is over pictures, as a training would have measured it, so that it goes on without a jolt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

PICTURES = 64  # to measure by


def going_on(exported: Path, described: dict[str, Any], pictures: list[Path]) -> Any:
    """A DetectionModel as `described` (a model's yaml, parsed) with the weights of ONNX file `exported`, normalised over `pictures`.

    ValueError where the file is of another network.
    """
    import onnx
    import torch
    from onnx import numpy_helper
    from ultralytics.nn.modules.conv import Conv
    from ultralytics.nn.tasks import DetectionModel

    kept = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in onnx.load(exported).graph.initializer}
    network = DetectionModel(described, ch=3, verbose=False).eval()
    offsets: dict[Any, Any] = {}
    hooks = []
    with torch.no_grad():
        for name, module in network.named_modules():
            if not isinstance(module, torch.nn.Conv2d):
                continue
            weight = kept.get(f"{name}.weight")
            if weight is None or weight.shape != module.weight.shape:
                raise ValueError(
                    f"{exported} is not of this network: {name} is {tuple(module.weight.shape)}, there {weight if weight is None else tuple(weight.shape)}"
                )
            module.weight.copy_(weight)
            if module.bias is not None:
                module.bias.copy_(kept[f"{name}.bias"])
        for name, module in network.named_modules():
            if isinstance(module, Conv):
                offsets[module.bn] = kept[f"{name}.conv.bias"]
                hooks.append(module.bn.register_forward_pre_hook(lambda bn, given: _measure(bn, given[0], offsets[bn])))
        network(_read(pictures[:: max(1, len(pictures) // PICTURES)][:PICTURES]))
    for hook in hooks:
        hook.remove()
    return network


def _measure(bn: Any, given: Any, offset: Any) -> None:
    """Set what `bn` normalises by to what it is given, and what it gives to the same again, plus `offset`."""
    mean, variance = given.mean((0, 2, 3)), given.var((0, 2, 3))
    bn.running_mean.copy_(mean)
    bn.running_var.copy_(variance)
    bn.weight.copy_((variance + bn.eps).sqrt())
    bn.bias.copy_(mean + offset)


def _read(pictures: list[Path]) -> Any:
    import cv2
    import numpy as np
    import torch

    from edge.engine.precision import network_input

    return torch.from_numpy(np.concatenate([network_input(cv2.cvtColor(cv2.imread(str(one)), cv2.COLOR_BGR2RGB)) for one in pictures]))
