#!/usr/bin/env bash
# All that the compose file needs besides images, in one command: a CA, the broker's certificate, users with passwords, .env, a first edge.yaml.
#   sudo ./setup.sh [--into DIR] DEVICE [HOST...]
# DEVICE is the device's name in topics; each HOST a name or address by which others reach this broker (always: mosquitto, localhost). What is there
# already stays; other HOSTs make a new certificate. It needs openssl and mosquitto_passwd (apt-get install mosquitto), and root, as each secret is
# given to the one container that reads it. --into names a copy of this folder, such as /opt/edge/compose.
set -euo pipefail
umask 077
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
into=$here
edge=10001 mosquitto=1883  # the users of the two containers

if [ "${1:-}" = --into ]; then into=${2:?--into needs a folder}; shift 2; fi
device=${1:-}
[ -n "$device" ] || { sed -n '2,/^set -/{/^set -/d; s/^# \{0,1\}//; p;}' "$0" >&2; exit 2; }
[[ $device =~ ^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$ ]] || { echo "setup.sh: the device's name is '$device'; use small letters, digits, - and _ only, as in shop-7" >&2; exit 2; }
shift
for tool in openssl mosquitto_passwd; do
    command -v "$tool" >/dev/null || { echo "setup.sh: $tool is not installed; sudo apt-get install openssl mosquitto (and, as that starts a broker of its own: sudo systemctl disable --now mosquitto)" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "setup.sh: run it with sudo: each secret must belong to the user of the one container that reads it" >&2; exit 1; }
if [ -e "$into/.env" ] && ! grep -qx "EDGE_DEVICE=$device" "$into/.env"; then
    echo "setup.sh: .env speaks of the device $(sed -n 's/^EDGE_DEVICE=//p' "$into/.env"); to rename it, write $device there and in edge.yaml" >&2
    exit 1
fi
mkdir -p "$into/broker" "$into/models"
chmod 755 "$into/models"
chown "${SUDO_UID:-0}:${SUDO_GID:-0}" "$into/models"  # who set this up puts models there
cd "$into"

# The broker's own files and the script that makes its secrets; a later run takes the ones of then.
if [ -d "$here/../mqtt/mosquitto" ]; then
    cp -p "$here/../mqtt/mosquitto/"{make.sh,mosquitto.conf} broker/
    mkdir -p broker/roles && cp -p "$here/../mqtt/mosquitto/roles/"*.acl broker/roles/
    chmod 644 broker/mosquitto.conf
elif [ ! -x broker/make.sh ]; then
    echo "setup.sh: run it in a checkout, as deploy/compose/setup.sh --into $into" >&2; exit 1
fi

names="mosquitto localhost $*"
if [ ! -e broker/broker.crt ] || { [ $# -gt 0 ] && [ "$(cat broker/names 2>/dev/null)" != "$names" ]; }; then
    # shellcheck disable=SC2086
    broker/make.sh certificates $names
    echo "$names" >broker/names
fi
for user in "device $device" "dashboard wall" "commander desk" "homeassistant home"; do
    [ -e "broker/${user#* }.password" ] || broker/make.sh user "${user% *}" "${user#* }"
done
chown "$mosquitto:$mosquitto" broker/broker.key broker/passwords broker/users.acl
chown "$edge:$edge" "broker/$device.password"

if [ ! -e edge.yaml ]; then
    sed "s/DEVICE/$device/" "$here/edge.example.yaml" >edge.yaml
    chown "0:$edge" edge.yaml
    chmod 640 edge.yaml  # cameras' passwords may stand in it
    echo "edge.yaml: a synthetic plaza for a beginning; write your cameras into it"
fi
if [ ! -e .env ]; then
    group() { getent group "$1" | cut -d: -f3; }
    {
        if [ -f /etc/nv_tegra_release ] || grep -qa 'nvidia,tegra' /proc/device-tree/compatible 2>/dev/null; then
            echo "COMPOSE_FILE=compose.yaml:compose.jetson.yaml"
            echo "EDGE_IMAGE=edge:jetson"
        else
            echo "COMPOSE_FILE=compose.yaml"
            echo "EDGE_IMAGE=edge:cpu"
        fi
        echo "EDGE_DEVICE=$device"
        echo "EDGE_VIDEO_GID=$(group video || echo 44)"
        echo "EDGE_RENDER_GID=$(group render || group video || echo 44)"
    } >.env
    chmod 644 .env
    echo ".env: $(sed -n 's/^EDGE_IMAGE=//p' .env), $(sed -n 's/^COMPOSE_FILE=//p' .env)"
fi
echo "ready: docker compose up --detach, in $into; others get broker/ca.crt and their own broker/NAME.password"
