#!/usr/bin/env bash
# An environment of its own with Ultralytics (AGPL-3.0): for making an ONNX of a .pt and for comparisons. Never the service's.
# The CPU build of torch is enough; TORCH names the version where another than the newest is wanted.
set -euo pipefail
venv=${1:-.venv-ultralytics}
python=${PYTHON:-python3}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip=("$venv/bin/python" -m pip install --quiet)
if ! "$venv/bin/python" -c "import ultralytics, onnxruntime, shapely" 2>/dev/null; then
    echo "installing Ultralytics into $venv (torch is large: some minutes)"
    "${pip[@]}" "torch==${TORCH:-2.13.0}"
    # Without their dependencies: torchvision's own would pull in another torch.
    "${pip[@]}" --no-deps torchvision==0.28.0 ultralytics==8.4.190 ultralytics-thop==2.2.3 ultralytics-platform==0.1.99
    "${pip[@]}" numpy matplotlib pillow pyyaml requests psutil polars nvidia-ml-py opencv-python-headless onnx onnxslim onnxruntime lap shapely
fi
"$venv/bin/python" -c "import ultralytics; print('ultralytics', ultralytics.__version__)"
