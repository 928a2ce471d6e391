#!/usr/bin/env bash
# System packages that `make test-system` (and, for its broker, `make test`) can use, on Debian or Ubuntu.
#   --check    say which are missing; fails only when a package manager cannot tell
#   --install  install them; uses sudo, which asks, when the user is not root
set -euo pipefail
packages=(
    mosquitto                     # a real MQTT broker
    prometheus                    # reads the page of metrics as others would
    libgl1 libglib2.0-0           # opencv-python
    python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gstreamer-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly gstreamer1.0-plugins-bad  # a real RTSP server
    g++ python3-dev               # kernels on the CPU; pycuda, which is compiled
    libgirepository1.0-dev gir1.2-gst-plugins-base-1.0 gcc pkg-config  # PyGObject, which is compiled, and the source over GStreamer
    ffmpeg                        # plays recorded video as others would
    debootstrap systemd-container shellcheck  # a small system with a real systemd, where the service is installed
    xvfb xdotool                  # a screen for windows, and who presses a key there
    buildah runc tini             # images, really built and run confined
)
# A browser that looks at the page; Ubuntu's is a snap, which no test can rely on.
if grep -qs '^ID=debian' /etc/os-release; then packages+=(chromium); fi
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" = 0 ]; then echo "system packages: all there"; exit 0; fi
case ${1:-} in
--check)
    echo "system packages missing: ${missing[*]} (make system-packages installs them; tests that need them are skipped by name)" ;;
--install)
    run=(); [ "$(id -u)" = 0 ] || run=(sudo)
    "${run[@]}" apt-get update -qq
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" ;;
*)
    echo "usage: $0 --check | --install" >&2; exit 2 ;;
esac
