#!/usr/bin/env bash
# Puts pycuda into the environment, built here: PyPI has only its source, and building that as usual needs a driver or a whole toolkit.
# A GPU is not needed, nor a driver: the tests run pycuda over a stand-in driver (tests/cuda_host). Some two minutes on two cores, once a
# machine: the wheel is kept in ~/.cache/edge/wheels.
# CUDA's headers come from CUDA_HOME, from where nvcc is, or from /usr/local/cuda; where none has them, from NVIDIA's packages on PyPI.
# On a Jetson that is JetPack's own CUDA, so what is built fits its driver. PYCUDA_SOURCE names a source archive that was fetched before.
set -euo pipefail
venv=${1:-.venv}
python=$(cd "$venv/bin" && pwd)/python
version=${PYCUDA:-2026.1}
headers_version=${CUDA_HEADERS:-13.0}  # of NVIDIA's packages; any that pycuda knows will do for tests

if "$python" -c "import importlib.metadata as m; m.version('pycuda')" 2>/dev/null; then echo "pycuda is there"; exit 0; fi
header=$("$python" -c "import sysconfig; print(sysconfig.get_path('include'))")/Python.h
[ -f "$header" ] || { echo "pycuda is compiled here, and that needs $header (Debian, Ubuntu: apt install python3-dev)" >&2; exit 1; }
command -v g++ >/dev/null || { echo "pycuda is compiled here, and that needs g++ (Debian, Ubuntu: apt install g++)" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cuda=
for place in "${CUDA_HOME:-}" "$(dirname "$(dirname "$(readlink -f "$(command -v nvcc || echo /none/none)")")")" /usr/local/cuda; do
    if [ -f "$place/include/cuda.h" ] && [ -f "$place/include/cudaProfiler.h" ]; then cuda=$place; break; fi
done
if [ -z "$cuda" ]; then
    echo "no CUDA headers on this machine: taking NVIDIA's from PyPI"
    "$python" -m pip install --quiet --no-deps --target "$work/headers" "nvidia-cuda-runtime==$headers_version.*" "nvidia-cuda-profiler-api==$headers_version.*"
    cuda=$(dirname "$(dirname "$(find "$work/headers" -name cuda.h | head -n 1)")")
    [ -f "$cuda/include/cudaProfiler.h" ] || { echo "NVIDIA's packages did not bring CUDA's headers; set CUDA_HOME to a toolkit" >&2; exit 1; }
fi
api=$(sed -n 's/^#define CUDA_VERSION *\([0-9]*\).*/\1/p' "$cuda/include/cuda.h")
tag=$("$python" -c "import sys, platform; print(f'cp{sys.version_info[0]}{sys.version_info[1]}-{platform.machine()}')")
kept=${XDG_CACHE_HOME:-$HOME/.cache}/edge/wheels/pycuda-$version-cuda$api-$tag
if ! ls "$kept"/pycuda-*.whl >/dev/null 2>&1; then
    echo "building pycuda $version for CUDA ${api%???}.$((api % 1000 / 10)) (some minutes)"
    [ -n "${PYCUDA_SOURCE:-}" ] || "$python" -m pip download --quiet --no-deps --no-binary pycuda --dest "$work" "pycuda==$version"
    tar xf "${PYCUDA_SOURCE:-$(echo "$work"/pycuda-*.tar.gz)}" -C "$work"
    # Only something by the name of the driver is needed to link against. It has no symbols, so the linker must be told to keep its name, and
    # that before it sees it: hence the second -lcuda.
    echo | gcc -shared -x c -o "$work/libcuda.so" -Wl,-soname,libcuda.so.1 -
    cat >"$work"/pycuda-"$version"/siteconf.py <<PY
CUDA_ROOT = "$cuda"
CUDA_ENABLE_CURAND = False
CUDADRV_LIB_DIR = ["$work"]
LDFLAGS = ["-Wl,--no-as-needed", "-L$work", "-lcuda"]
CXXFLAGS = ["-O1", "-g0"]
PY
    (cd "$work"/pycuda-"$version" && "$python" -m pip wheel --no-deps --wheel-dir "$work/wheel" .) >"$work/log" 2>&1 ||
        { tail -n 30 "$work/log" >&2; echo "pycuda could not be built" >&2; exit 1; }
    "$python" -m zipfile -e "$work"/wheel/pycuda-*.whl "$work/looked-into"
    grep -q 'libcuda\.so\.1' "$work"/looked-into/pycuda/_driver*.so || { echo "what was built does not ask for the CUDA driver" >&2; exit 1; }
    mkdir -p "$(dirname "$kept")"
    mv "$work/wheel" "$kept.$$" && { mv -T "$kept.$$" "$kept" 2>/dev/null || rm -rf "$kept.$$"; }  # whole or not at all, whoever else builds
fi
"$python" -m pip install --quiet "$kept"/pycuda-*.whl
"$python" -c "import importlib.metadata as m; print('pycuda', m.version('pycuda'))"
