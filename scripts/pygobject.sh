#!/usr/bin/env bash
# Puts PyGObject into the environment, built here: PyPI has only its source. GStreamer is reached by it (CSI cameras, hardware decoding), and
# nothing else is: without it edge reads files, URLs and USB cameras all the same.
# On a device the system's own package is meant (python3-gi, seen through system site packages); this is for an environment whose Python is
# not the system's, such as the one of `make test-system`. Half a minute, once a machine: the wheel is kept in ~/.cache/edge/wheels.
# It needs libgirepository1.0-dev, a C compiler and pkg-config. Cairo, which PyGObject would like to have, is for drawing, and left out.
set -euo pipefail
venv=${1:-.venv}
python=$(cd "$venv/bin" && pwd)/python
version=${PYGOBJECT:-3.50.2}  # from 3.51 on it asks for girepository 2.0, which JetPack's Ubuntu 22.04 and Debian 12 do not have

if "$python" -c "import gi" 2>/dev/null; then echo "PyGObject is there"; exit 0; fi
for command in gcc pkg-config; do
    command -v "$command" >/dev/null || { echo "PyGObject is compiled here, and that needs $command" >&2; exit 1; }
done
pkg-config --exists gobject-introspection-1.0 ||
    { echo "PyGObject is compiled here, and that needs GObject introspection (Debian, Ubuntu: apt install libgirepository1.0-dev)" >&2; exit 1; }
header=$("$python" -c "import sysconfig; print(sysconfig.get_path('include'))")/Python.h
[ -f "$header" ] || { echo "PyGObject is compiled here, and that needs $header (Debian, Ubuntu: apt install python3-dev)" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tag=$("$python" -c "import sys, platform; print(f'cp{sys.version_info[0]}{sys.version_info[1]}-{platform.machine()}')")
kept=${XDG_CACHE_HOME:-$HOME/.cache}/edge/wheels/pygobject-$version-$tag
if ! ls "$kept"/*.whl >/dev/null 2>&1; then
    echo "building PyGObject $version"
    # Its own list of what building needs has pycairo on it, which cannot be left out by word: hence tools of our own choice.
    "$python" -m venv "$work/tools"
    "$work/tools/bin/pip" install --quiet meson-python ninja
    PATH="$work/tools/bin:$PATH" "$work/tools/bin/pip" wheel --no-deps --no-build-isolation --no-binary PyGObject --wheel-dir "$work/wheel" \
        --config-settings=setup-args=-Dpycairo=disabled --config-settings=setup-args=-Dtests=false "PyGObject==$version" >"$work/log" 2>&1 ||
        { tail -n 30 "$work/log" >&2; echo "PyGObject could not be built" >&2; exit 1; }
    mkdir -p "$(dirname "$kept")"
    mv "$work/wheel" "$kept.$$" && { mv -T "$kept.$$" "$kept" 2>/dev/null || rm -rf "$kept.$$"; }  # whole or not at all, whoever else builds
fi
"$python" -m pip install --quiet --no-deps "$kept"/*.whl
"$python" -c "import gi; print('PyGObject', gi.__version__)"
