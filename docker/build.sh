#!/usr/bin/env bash
# Builds an image of this checkout with Docker, on the machine that will run it.
#   docker/build.sh cpu       edge:cpu, the service for a PC
#   docker/build.sh demo      edge:demo, the same with `edge demo` and the model in the box
#   sudo docker/build.sh jetson    edge:jetson, of this very Jetson's JetPack
#   docker/build.sh export    edge:export, makes an ONNX of a YOLO11's weights
# What follows goes to `docker build`: --build-arg BASE=..., --pull, --no-cache. DOCKER names another program, such as podman.
set -euo pipefail
cd "$(dirname "$0")/.."
docker=${DOCKER:-docker}
what=${1:-}
arguments=(--build-arg "REVISION=$(git describe --always --dirty 2>/dev/null || echo unknown)")

jetpack() {  # 6 or 7, of Jetson Linux 36.x or 38.x and later
    local release
    release=$(sed -n 's/^# R\([0-9]*\) .*/\1/p' /etc/nv_tegra_release 2>/dev/null || true)
    case $release in
    36) echo 6 ;;
    38|39) echo 7 ;;
    *) echo "build.sh: this is no Jetson with JetPack 6 or 7 (Jetson Linux ${release:-none}); build the image on the device" >&2; return 1 ;;
    esac
}

case $what in
cpu) file=cpu target=service ;;
demo) file=cpu target=demo ;;
export) file=export target=export ;;
jetson)
    file=jetson target=service
    version=$(jetpack)
    arguments+=(--build-arg "JETPACK=$version")
    # Where this JetPack's packages are, and the key that they are signed with, as this device's own apt knows them.
    list=/etc/apt/sources.list.d/nvidia-l4t-apt-source.list key=/etc/apt/trusted.gpg.d/jetson-ota-public.asc
    for path in "$list" "$key"; do
        [ -r "$path" ] || { echo "build.sh: there is no $path; give a base that has JetPack in it with --build-arg JETPACK${version}_BASE=... to docker build" >&2; exit 1; }
    done
    "$docker" buildx version >/dev/null 2>&1 || { echo "build.sh: the files of the device's apt are handed to the build by BuildKit; sudo apt-get install docker-buildx" >&2; exit 1; }
    arguments+=(--secret "id=jetpack.list,src=$list" --secret "id=jetpack.asc,src=$key") ;;
*) sed -n '2,/^set -/{/^set -/d; s/^# \{0,1\}//; p;}' "$0" >&2; exit 2 ;;
esac
shift
export DOCKER_BUILDKIT=1
exec "$docker" build -f "docker/$file.Dockerfile" --target "$target" -t "edge:$what" "${arguments[@]}" "$@" .
