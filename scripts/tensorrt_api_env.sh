#!/usr/bin/env bash
# NVIDIA's real Python bindings of one TensorRT over empty libraries: importing them gives every name, signature and enum; nothing can be
# built or run. The tests hold our calls against them. usage: tensorrt_api_env.sh tensorrt|tensorrt_rtx VERSION [FOLDER]
# PYTHONPATH=FOLDER/VERSION then finds the module.
set -euo pipefail
module=$1
version=$2
folder=${3:-.tensorrt-api}/$version
python=${PYTHON:-python3}
case $module in
tensorrt) libraries=(libnvinfer libnvonnxparser libnvinfer_plugin) number=${version%%.*} ;;
tensorrt_rtx) libraries=(libtensorrt_rtx libtensorrt_onnxparser_rtx) number=${version%%.*} ;;
*) echo "$module is neither tensorrt nor tensorrt_rtx" >&2 && exit 2 ;;
esac
"$python" -m pip install --quiet --no-deps --upgrade --target "$folder" "${module}_cu12_bindings==$version"
mkdir -p "$folder/$module" "$folder/${module}_libs"
touch "$folder/${module}_libs/__init__.py"
printf 'from %s_bindings import *\nfrom %s_bindings import __version__\n' "$module" "$module" >"$folder/$module/__init__.py"
# The factories that the bindings look for; none makes anything.
stub=$(mktemp --suffix .c)
trap 'rm -f "$stub"' EXIT
for name in createInferBuilder_INTERNAL createInferRefitter_INTERNAL createInferRuntime_INTERNAL createNvOnnxParserRefitter_INTERNAL \
    createNvOnnxParser_INTERNAL getBuilderPluginRegistry getNvOnnxParserVersion getPluginRegistry initLibNvInferPlugins getInferLibVersion getLogger; do
    echo "void *$name(void) { return 0; }"
done >"$stub"
for library in "${libraries[@]}"; do
    gcc -shared -fPIC -w -o "$folder/${module}_libs/$library.so.$number" "$stub" "-Wl,-soname,$library.so.$number"
    cp "$folder/${module}_libs/$library.so.$number" "$folder/${module}_bindings/" # TensorRT 11 looks only beside the binding
done
PYTHONPATH=$folder "$python" -c "import $module; print('$module', $module.__version__)"
