#!/usr/bin/env bash
# Makes the environment: a virtual environment with this package, its development tools and the demo's extra.
# Never asks for a password: where OpenCV lacks libGL and this user may not install it, the headless build of the same library takes its place.
set -euo pipefail
venv=${1:-.venv}
python=${PYTHON:-python3}

"$python" - <<'PY' || { echo "edge needs Python 3.10 to 3.13, here is $("$python" --version); choose one with PYTHON=python3.12 make ..." >&2; exit 2; }
import sys
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PY

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "installing Python packages into $venv (a few minutes the first time)"
"$venv/bin/python" -m pip install --quiet --upgrade "pip>=23.1"
"$venv/bin/python" -m pip install --quiet --editable ".[dev]"

if ! "$venv/bin/python" -c "import cv2" 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "opencv-python needs libGL, which this machine lacks: installing libgl1 and libglib2.0-0"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libgl1 libglib2.0-0; } >/dev/null || true
    fi
    if ! "$venv/bin/python" -c "import cv2" 2>/dev/null; then
        echo "opencv-python needs libGL, which this machine lacks: using opencv-python-headless instead (the same library without windows)"
        version=$("$venv/bin/python" -m pip list --format=freeze | sed -n 's/^opencv-python==//p')
        "$venv/bin/python" -m pip uninstall --quiet --yes opencv-python
        "$venv/bin/python" -m pip install --quiet "opencv-python-headless==$version"
        "$venv/bin/python" -c "import cv2"
    fi
fi
"$venv/bin/edge" --version
