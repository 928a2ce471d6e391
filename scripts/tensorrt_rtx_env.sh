#!/usr/bin/env bash
# An environment of its own with TensorRT for RTX: it parses networks and builds engines without a GPU (running one needs a GPU).
# `make test-system` builds YOLO11 engines with it; a Jetson has TensorRT from JetPack and needs none of this.
set -euo pipefail
venv=${1:-.venv-tensorrt-rtx}
python=${PYTHON:-python3}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip=("$venv/bin/python" -m pip install --quiet)
if ! "$venv/bin/python" -c "import tensorrt_rtx, onnx, onnxruntime" 2>/dev/null; then
    echo "installing TensorRT for RTX into $venv (large: some minutes)"
    "${pip[@]}" tensorrt_rtx_cu12==1.7.1.116
    "${pip[@]}" numpy onnx onnxruntime
fi
"$venv/bin/python" -c "import tensorrt_rtx; print('tensorrt_rtx', tensorrt_rtx.__version__)"
