#!/usr/bin/env bash
# Makes an environment for a machine with a GPU: this package, pycuda compiled for the toolkit that is here, and TensorRT.
# On a Jetson TensorRT is JetPack's own, seen through system site packages; elsewhere it is NVIDIA's package for the driver's CUDA, and where that
# cannot be had, TensorRT for RTX (GeForce and RTX cards of compute capability 7.5, 8.x, 12.x; not a server's 9.0).
set -euo pipefail
venv=${1:-.venv-device}
python=${PYTHON:-python3}
jetson=
if [ -f /etc/nv_tegra_release ] || grep -qa 'nvidia,tegra' /proc/device-tree/compatible 2>/dev/null; then jetson=1; fi

[ -x "$venv/bin/python" ] || "$python" -m venv ${jetson:+--system-site-packages} "$venv"
PYTHON="$venv/bin/python" bash scripts/setup.sh "$venv"
PATH="$PATH:/usr/local/cuda/bin" bash scripts/pycuda.sh "$venv"

has() { "$venv/bin/python" -c "import $1; print('$1', $1.__version__)" 2>/dev/null; }
"$venv/bin/python" -m pip install --quiet "onnx>=1.16"  # engines are built with it
if has tensorrt || has tensorrt_rtx; then exit 0; fi
if [ -n "$jetson" ]; then
    echo "this Python does not see JetPack's TensorRT: sudo apt-get install nvidia-tensorrt python3-libnvinfer, and make $venv anew with the system's python3" >&2
    exit 1
fi
major=$("$venv/bin/python" edge/doctor/vendors_job.py gpu | sed -n 's/.*"cuda": "\([0-9]*\)\..*/\1/p')
echo "installing TensorRT for CUDA ${major:-12} (large: some minutes)"
"$venv/bin/python" -m pip install --quiet "tensorrt-cu${major:-12}>=10.3" || "$venv/bin/python" -m pip install --quiet "tensorrt_rtx_cu${major:-12}" || true
has tensorrt || has tensorrt_rtx || { echo "TensorRT could not be installed; see NVIDIA's installation guide" >&2; exit 1; }
