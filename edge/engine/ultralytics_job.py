"""Makes an ONNX by Ultralytics, in a process of its own: ``python ultralytics_job.py JOB``, JOB being JSON. It imports nothing of this package.

Whatever the libraries say goes to stderr; stdout carries one line of JSON: where the file is, or what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def export(weights: str, width: int, height: int, free_batch: bool) -> dict[str, Any]:
    """`weights` (a .pt; a bare name that is no file is downloaded by Ultralytics) as ONNX, of a free batch or for one picture a call."""
    from ultralytics import YOLO

    model = YOLO(weights)
    if model.task != "detect":
        return {"task": model.task}
    # Opset 17 is read by every ONNX Runtime and TensorRT that this product meets; newer ones bring a YOLO11 nothing.
    made = model.export(format="onnx", imgsz=[height, width], opset=17, simplify=not free_batch, dynamic=free_batch, device="cpu")
    if free_batch:
        fix_size(made, width, height)
    return {"made": os.path.abspath(made)}


def fix_size(path: str, width: int, height: int) -> None:
    """Ultralytics' free ONNX has a free size as well, and a hundred nodes that work it out at each run: with one size they are constants."""
    import onnx
    import onnxslim

    model = onnx.load(path)
    (picture,), (head,) = model.graph.input, model.graph.output
    for axis, side in ((2, height), (3, width)):
        picture.type.tensor_type.shape.dim[axis].dim_value = side
    head.type.tensor_type.shape.dim[2].ClearField("dim_param")  # how many anchors there are is to be inferred
    del model.graph.value_info[:]
    onnx.save(onnxslim.slim(model), path)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [
        path for path in sys.path if os.path.abspath(path or os.curdir) != here
    ]  # this folder's modules are not meant by anybody
    try:
        answer = export(**json.loads(sys.argv[1]))
    except Exception as error:  # noqa: BLE001  whatever it was, who asked must hear of it
        answer = {"error": (str(error).strip().splitlines() or [type(error).__name__])[0]}
    answers.write(json.dumps(answer) + "\n")
    answers.close()
